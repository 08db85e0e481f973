"""`python -m bench.guard`: fail if an everyday pipeline has become far slower than it could be.

Each is measured in turn with its rival, by processor time, which a busy host changes little. The bounds are
wide: they are for what is a cliff, not for a few per cent.
"""

from __future__ import annotations

import sys
from contextlib import closing

from bench import everyday
from bench.__main__ import prepare, say
from bench.measure import ProgramError, paired_ratio
from bench.programs import Bench
from bench.scratch import Scratch
from bench.settings import read
from bench.workloads import big_log

ROUNDS = 3
SIZE_MB = 100


def main() -> int:
    settings = read(["everyday", "--mb", str(SIZE_MB), "--rounds", str(ROUNDS), *sys.argv[1:]])
    prepare(settings)
    slow = 0
    with closing(Scratch(settings.scratch, settings.rest_seconds)) as scratch:
        say("making the log, if it is not there already")
        bench = Bench(settings, big_log(settings.scratch, settings.mb), scratch.fresh("build"))
        for pipeline, comparison in zip(everyday.PIPELINES, everyday.comparisons(bench), strict=True):
            rival, own = comparison.programs
            if rival.missing:
                print(f"{pipeline.name:<16} {rival.name}: {rival.missing}", flush=True)
                continue
            try:
                ratio = paired_ratio(own, rival, settings.rounds, scratch)
            except ProgramError as error:
                print(f"{pipeline.name:<16} FAILED: {error}", flush=True)
                slow += 1
                continue
            slow += ratio > pipeline.bound
            verdict = "TOO SLOW" if ratio > pipeline.bound else "ok"
            told = f"{ratio:5.2f} of {rival.name}, at most {pipeline.bound:.2f}"
            print(f"{pipeline.name:<16} {told:<40} {verdict}", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
