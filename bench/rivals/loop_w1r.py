"""W1r in a plain Python loop, with the regular expressions of `w1r.json`: `loop_w1r.py FOLDER INPUT`."""

from __future__ import annotations

import re
import sys

from bench.rivals.texts import OTHER, opened, tell

RULES = {
    "info": re.compile("^[^ ]* INFO "),
    "warn": re.compile("^[^ ]* WARN "),
    "error": re.compile("^[^ ]* ERROR "),
}
FIELDS = re.compile("^[^ ]* (?P<level>[^ ]*) (?P<service>[^ ]*) (?P<rest>.*)$")


def main() -> None:
    folder, path = sys.argv[1:]
    is_info, is_warn, is_error = (rule.match for rule in RULES.values())
    fields = FIELDS.match
    counts = dict.fromkeys((*RULES, OTHER), 0)
    with opened(folder, path) as (lines, results):
        write = {tag: result.write for tag, result in results.items()}
        for line in lines:
            if is_info(line):
                tag = "info"
            elif is_warn(line):
                tag = "warn"
            elif is_error(line):
                tag = "error"
            else:
                tag = OTHER
            counts[tag] += 1
            if tag == "info" and "healthz" in line:
                continue
            match = fields(line)
            if match:
                write[tag](f"[{match[1]}] {match[2]}: {match[3]}\n")
            else:
                write[tag](line)
    tell(counts)


if __name__ == "__main__":
    main()
