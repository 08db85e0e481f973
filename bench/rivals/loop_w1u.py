"""W1u in a plain Python loop that calls the functions of `w1u.json`: `loop_w1u.py FOLDER INPUT`."""

from __future__ import annotations

import sys

from bench.pipelines.users import format as formatted
from bench.pipelines.users import level, quiet
from bench.rivals.texts import opened, tell


def main() -> None:
    folder, path = sys.argv[1:]
    with opened(folder, path) as (lines, results):
        counts = dict.fromkeys(results, 0)
        write = {tag: result.write for tag, result in results.items()}
        for raw in lines:
            tag, line = level(raw.rstrip("\n"))
            counts[tag] += 1
            if tag == "info" and quiet(line) is None:
                continue
            write[tag](formatted(line) + "\n")
    tell(counts)


if __name__ == "__main__":
    main()
