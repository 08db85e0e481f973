"""What happens in the guest: three hosts run fproc on one folder, inputs come, and something breaks.

It is told what by `scenario.json`, and says what came of it in `result.json`. It needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

JOB = Path("/tmp/job")
SPOOL = Path("/tmp/disk/share/w")
MOUNTED = "/tmp/mount/w"
HOSTS = (1, 2, 3)
LEASE_SECONDS = 30
DONE_SECONDS = 600

DROP = """
import os, sys
folder, first, last, lines, way = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
for number in range(first, last):
    name = f"{'big' if lines > 1 else 'f'}{number}.txt"
    where = os.path.join(folder, name if way == "write" else f".{name}")
    with open(where, "w") as file:
        for line in range(lines):
            file.write(f"n{number} {line}\\n")
    if way != "write":
        os.rename(where, os.path.join(folder, name))
"""


class Guest:
    """The hosts and what runs on them."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.scenario = scenario
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.expected: dict[str, str] = {}

    def on_host(self, number: int, *command: str) -> subprocess.Popen[bytes]:
        """Start a command on a host, in a process group of its own."""
        enter = ["ip", "netns", "exec", f"host{number}"]
        apart = ["unshare", "--mount", "--uts", "--propagation", "private"]
        host = ["bash", str(JOB / "host.sh"), str(number), self.scenario["version"]]
        with (JOB / f"log-{number}.txt").open("ab") as log:
            return subprocess.Popen(
                [*enter, *apart, *host, *command], stdout=log, stderr=log, start_new_session=True
            )

    def start(self, number: int) -> None:
        """Run fproc on a host."""
        options = ["--config", str(JOB / "pipeline.json"), "--watch", "--no-dashboard", "--workers", "2"]
        self.running[number] = self.on_host(number, "python3", str(JOB / "fproc.pyz"), *options)

    def drop(self, kind: str, first: int, last: int, lines: int, ways: list[str]) -> None:
        """Drop inputs from the third host, by several ways."""
        dropping = []
        for index, way in enumerate(ways):
            begin = first + (last - first) * index // len(ways)
            end = first + (last - first) * (index + 1) // len(ways)
            arguments = [f"{MOUNTED}/unprocessed", *map(str, (begin, end, lines)), way]
            dropping.append(self.on_host(3, "python3", "-c", DROP, *arguments))
        for number in range(first, last):
            self.expected[f"{kind}{number}.txt"] = "".join(f"N{number} {line}\n" for line in range(lines))
        for process in dropping:
            assert process.wait() == 0, "the inputs cannot be dropped"

    def break_something(self, fault: str) -> None:
        """Let one of the things happen that must harm no file."""
        if fault == "kill":
            os.killpg(self.running.pop(1).pid, signal.SIGKILL)
        elif fault == "kill and start":
            os.killpg(self.running[2].pid, signal.SIGKILL)
            self.running[2].wait()
            self.start(2)
        elif fault == "pause":
            os.killpg(self.running[2].pid, signal.SIGSTOP)
            time.sleep(LEASE_SECONDS + 10)
            os.killpg(self.running[2].pid, signal.SIGCONT)
        elif fault.startswith("cut"):
            subprocess.run(["ip", "link", "set", "cable2", "down"], check=True)
            time.sleep(int(fault.split()[1]))
            subprocess.run(["ip", "link", "set", "cable2", "up"], check=True)
        else:
            assert fault == "server", fault
            subprocess.run(["rpc.nfsd", "0"], check=True)
            time.sleep(1)
            subprocess.run(["rpc.nfsd", "8"], check=True)

    def is_done(self) -> bool:
        """Whether every input is where it belongs in the end, and all traces of the dead are gone."""
        ended = len(names("processed")) + len(names("failed", but=".error.json"))
        return ended >= len(self.expected) and not left()

    def run(self) -> dict[str, Any]:
        """Do all of it, and say what came of it."""
        begin = time.monotonic()
        scenario = self.scenario
        for number in HOSTS:
            self.start(number)
        wait_until(lambda: len(names(".fproc/instances")) == len(HOSTS))
        ways = ["rename"] if scenario["ready"] == "rename" else ["write", "rename"]
        self.drop("big", 0, scenario["big"], scenario["lines"], ["rename"])
        faults = [*scenario["faults"], None]
        share = scenario["inputs"] // len(faults)
        for index, fault in enumerate(faults):
            last = scenario["inputs"] if fault is None else (index + 1) * share
            self.drop("f", index * share, last, 1, ways)
            if fault:
                self.break_something(fault)
        wait_until(self.is_done)
        time.sleep(2)  # for what should not come any more
        seconds = time.monotonic() - begin
        ends = {}
        for number, process in self.running.items():
            process.send_signal(signal.SIGTERM)
            ends[number] = process.wait()
        return {"seconds": round(seconds, 1), "ends": ends, **self.figures()}

    def figures(self) -> dict[str, Any]:
        """Count what must not be."""
        archived, results = names("processed"), names("results")
        found = Counter(name.replace("~", ".").split(".")[0] for name in archived)
        wrong = [
            name
            for name, text in self.expected.items()
            if name in results and (SPOOL / "results" / name).read_text() != text
        ]
        return {
            "inputs": len(self.expected),
            "processed": len(archived),
            "twice": sorted(name for name, count in found.items() if count > 1)
            + sorted(name for name in results if name not in self.expected),
            "lost": sorted(set(self.expected) - archived - names("failed")),
            "without result": sorted(set(self.expected) - results - names("failed")),
            "failed": sorted(names("failed", but=".error.json")),
            "wrong": wrong,
            "left": sorted(left()),
            "databases": sorted(path.name for path in (SPOOL / ".fproc").glob("history*.db")),
        }


def names(folder: str, but: str = "/") -> set[str]:
    """The names in one of the spool's folders; none while there is no such folder."""
    path = SPOOL / folder
    found = os.listdir(path) if path.is_dir() else []
    return {name for name in found if not name.endswith((but, ".stage"))}


def left() -> set[str]:
    """What is not done yet, or not cleaned up after."""
    return names("unprocessed") | names("underprocess") | names(".fproc/jobs")


def wait_until(condition: Any) -> None:
    """Wait for something, but not for ever."""
    deadline = time.monotonic() + DONE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)


def main() -> None:
    """Do what the scenario says."""
    guest = Guest(json.loads((JOB / "scenario.json").read_text()))
    SPOOL.joinpath("unprocessed").mkdir(parents=True)
    (JOB / "result.json").write_text(json.dumps(guest.run()))


main()
