"""W1s in a plain Python loop that uses the same class as `w1s.json`: `loop_w1s.py FOLDER INPUT`."""

from __future__ import annotations

import sys

from bench.pipelines.users import Errors
from bench.rivals.texts import OTHER, TAGS, opened, tell


def main() -> None:
    folder, path = sys.argv[1:]
    process = Errors().process
    with opened(folder, path) as (lines, results):
        counts = dict.fromkeys(results, 0)
        write = {tag: result.write for tag, result in results.items()}
        for line in lines:
            _, level, service, rest = line.rstrip("\n").split(None, 3)
            tag = TAGS.get(level, OTHER)
            counts[tag] += 1
            if tag == "info" and "healthz" in line:
                continue
            write[tag](process(f"[{level}] {service}: {rest}") + "\n")
    tell(counts)


if __name__ == "__main__":
    main()
