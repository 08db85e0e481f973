"""The workload of records in plain Python loops: `loop_records.py edited|chosen|totals FOLDER INPUT`."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

COMBINED = re.compile(
    r'(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"', re.ASCII
)


def edited(lines: TextIO, result: TextIO) -> None:
    encode, write = ENCODER.encode, result.write
    for row in csv.DictReader(lines):
        record = {"quantity" if key == "qty" else key: value for key, value in row.items() if key != "ok"}
        record["source"] = "shop"
        write(encode(record) + "\n")


def chosen(lines: TextIO, result: TextIO) -> None:
    encode, decode, write = ENCODER.encode, json.loads, result.write
    for line in lines:
        record = decode(line)
        if record["status"] == "open":
            write(encode({key: record[key] for key in ("id", "name", "price")}) + "\n")


def totals(lines: TextIO, result: TextIO) -> None:
    match, counts = COMBINED.match, Counter[str]()
    for line in lines:
        found = match(line)
        if found:
            counts[found[6]] += 1
    result.writelines(f"{status} {counts[status]}\n" for status in sorted(counts))


LOOPS: dict[str, Callable[[TextIO, TextIO], None]] = {"edited": edited, "chosen": chosen, "totals": totals}


def main() -> None:
    name, folder, path = sys.argv[1:]
    with (
        open(path, encoding="utf-8", newline="") as lines,
        open(Path(folder) / Path(path).name, "w", encoding="utf-8", newline="") as result,
    ):
        LOOPS[name](lines, result)


if __name__ == "__main__":
    main()
