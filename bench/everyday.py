"""What people do with lines every day, one thing at a time, so that nothing is slow unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure import Comparison, Goal, Program
from bench.programs import FPROC, LOOP, MAWK, Bench, tool
from bench.settings import RIVALS

CLIFF = 2.5
"""How many times its goal a pipeline may take before the guard fails; other hosts have other ratios."""

FAR_CLIFF = 5.0
"""The same where the start takes longest."""


@dataclass(frozen=True, slots=True)
class Everyday:
    """One pipeline, in `pipelines/everyday`.

    Attributes:
        name: its name.
        goal: how much processor time it may take, as a share of its rival's.
        mawk: the rival, as a program for mawk, which prints to `out` or in `dir`; without it, a Python loop.
        cliff: how many times the goal it may take before the guard fails.
    """

    name: str
    goal: float
    mawk: str = ""
    cliff: float = CLIFF

    @property
    def bound(self) -> float:
        """What the guard allows."""
        return self.goal * self.cliff


_TABLE = """BEGIN {{ for (i = 10; i < {end}; i++) file["svc-" i] = dir "/s" i ".log" }}
{{ print > (($3 in file) ? file[$3] : dir "/x.log") }}"""

PIPELINES = (
    Everyday("stream", 2.0),
    Everyday("listed", 1.5),
    Everyday("yielded", 1.5),
    Everyday("count", 2.5, "{ print NR, $0 > out }"),
    Everyday("split", 2.0, 'BEGIN { FS = "\\" " } { for (i = 1; i <= NF; i++) print $i > out }'),
    Everyday(
        "join",
        2.5,
        "NR % 2 { held = $0; next } { print held, $0 > out } END { if (NR % 2) print held > out }",
    ),
    Everyday("tally", 2.0, '{ n[$2]++ } END { for (key in n) print key, n[key] | "LC_ALL=C sort > " out }'),
    Everyday(
        "groups",
        2.5,
        "match($0, /user=[A-Za-z0-9_]+/) "
        '{ print substr($0, 1, RSTART + 5) "***" substr($0, RSTART + RLENGTH) > out; next } { print > out }',
    ),
    Everyday("tag_words", 1.5, _TABLE.format(end=30)),
    Everyday("tag_fields", 1.5, _TABLE.format(end=50)),
    Everyday("filter_word", 2.0, "/ERROR/ { print > out }", FAR_CLIFF),
    Everyday("filter_pattern", 2.0, r'/GET \/cart" 50[02] 1[0-9][0-9]ms/ { print > out }', FAR_CLIFF),
    Everyday("drop", 2.0, "!/healthz/ { print > out }"),
    Everyday("upper", 2.0, "{ print toupper($0) > out }"),
    Everyday("trim", 2.0, r'{ gsub(/^[ \t]+|[ \t]+$/, ""); print > out }'),
    Everyday("replace_word", 2.0, '{ gsub(/user=alice/, "user=***"); print > out }'),
    Everyday("replace_pattern", 2.0, '{ gsub(/user=[A-Za-z0-9_]+/, "user=***"); print > out }'),
    Everyday("chain", 2.0, '!/healthz/ { gsub(/user=alice/, "user=***"); print toupper($0) > out }'),
)
"""The pipelines, each with its goal and its rival."""


def comparisons(bench: Bench) -> list[Comparison]:
    """Return a comparison of each pipeline with its rival, by processor time."""
    return [_comparison(bench, everyday) for everyday in PIPELINES]


def _comparison(bench: Bench, everyday: Everyday) -> Comparison:
    programs: Sequence[Program] = [_rival(bench, everyday), bench.fproc(f"everyday/{everyday.name}")]
    goals = [Goal(FPROC, everyday.goal, programs[0].name)]
    return Comparison(f"everyday: {bench.settings.mb} MB, {everyday.name}", programs, goals)


def _rival(bench: Bench, everyday: Everyday) -> Program:
    log = str(bench.log)
    if not everyday.mawk:
        command = [bench.settings.python, str(RIVALS / "loop_everyday.py"), everyday.name]
        return Program(LOOP, lambda folder: [*command, folder, log])
    return tool(
        MAWK,
        lambda folder: [
            *("mawk", "-v", f"dir={folder}", "-v", f"out={folder}/{bench.log.name}", everyday.mawk, log)
        ],
    )
