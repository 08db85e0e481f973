"""Runs one command and prints what it cost: `launch.py COMMAND...`, started with `python -I -S`.

Prints its exit status, wall seconds, CPU seconds (user and system, its waited-for children included) and the
peak resident memory in KiB of its largest process.

This is a small process of its own because Linux counts the memory of whoever starts a process as that
process's first peak. So nothing that is started from here can show less than this little Python takes itself.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    command = sys.argv[1:]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    cpu_seconds = usage.ru_utime + usage.ru_stime
    print(os.waitstatus_to_exitcode(status), seconds, cpu_seconds, usage.ru_maxrss)


if __name__ == "__main__":
    main()
