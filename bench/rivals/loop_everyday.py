"""An everyday pipeline as a plain loop over the same function: `loop_everyday.py NAME FOLDER INPUT`."""

from __future__ import annotations

import os
import sys
from functools import partial

from bench.pipelines.everyday import habits


def main() -> None:
    name, folder, path = sys.argv[1:]
    opened = partial(open, encoding="utf-8", errors="surrogateescape", newline="\n")
    with opened(path) as lines, opened(f"{folder}/{os.path.basename(path)}", "w") as result:
        write = result.write
        texts = (line.rstrip("\n") for line in lines)
        if name == "stream":
            for made in habits.flow(("start", text) for text in texts):
                write(made + "\n")
            return
        function = {"listed": habits.listed, "yielded": habits.yielded}[name]
        for text in texts:
            for made in function(text):
                write(made + "\n")


if __name__ == "__main__":
    main()
