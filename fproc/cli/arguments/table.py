"""The actions of the command line: parser, dispatch and documents take them from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fproc.base.values import dataclass, field
from fproc.cli.install.kinds import KINDS


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the command line.

    Attributes:
        flag: the option that asks for it.
        help: what it does, for `--help`.
        function: the path of its function, imported when it is called; it takes the arguments and returns the
            exit status.
        options: those that go with this action; an option that no action names goes with all.
        takes: the arguments of `argparse` for the option's value.
        meaning: the text for the documents, if that is more than `help`.
    """

    flag: str
    help: str
    function: str
    options: tuple[str, ...] = ()
    takes: Mapping[str, Any] = field(default_factory=lambda: {"action": "store_true"})
    meaning: str = ""


ACTIONS = (
    Action(
        "--watch",
        "process files as they land, until stopped",
        "fproc.cli.actions.watch",
        ("--drain", "--heartbeat-url", "--mode", "--trace"),
        meaning="process files as they land in `unprocessed/`, until stopped; the dashboard answers "
        "meanwhile",
    ),
    Action(
        "--input",
        "process these files where they are; - is standard input",
        "fproc.cli.actions.process_files",
        ("--mode", "--output", "--trace"),
        {"nargs": "+", "metavar": "PATH"},
        "process these files where they are, and exit; `-` is standard input",
    ),
    Action(
        "--new",
        "a working folder to begin with, made to fit the file of --from",
        "fproc.cli.actions.make_new_folder",
        ("--from",),
        {"metavar": "DIR"},
        "make a folder to begin with: a pipeline with an example, a processor of your own, a README; with "
        "`--from SAMPLE` [made to fit that file](#a-pipeline-for-a-file)",
    ),
    Action(
        "--check",
        "check the configuration and run its examples",
        "fproc.cli.actions.check",
        meaning="check configuration and processors, run the `examples`, print a summary; says if lines are "
        "interpreted, which is slow, or a big file is done by one worker, and why",
    ),
    Action(
        "--graph",
        "draw the pipeline",
        "fproc.cli.actions.graph",
        takes={"nargs": "?", "const": "text", "choices": ("text", "mermaid", "dot", "svg")},
        meaning="draw the pipeline: as text, for other programs, as a [picture](#the-pipeline-as-a-picture)",
    ),
    Action(
        "--explain",
        "what becomes of a line, step by step; - is each line of standard input",
        "fproc.cli.actions.explain",
        ("--json",),
        {"metavar": "FILE:LINE"},
        "what becomes of one line: its route, and what each node received and emitted, with the lines before "
        "it run first where nodes remember; `FILE` is a path, or the name of an input; `-` explains each "
        "line of standard input; with `--json` as JSON. It writes no results",
    ),
    Action(
        "--processors",
        "the built-in processors, or the options and an example of one",
        "fproc.cli.actions.show_processors",
        takes={"nargs": "?", "const": "", "metavar": "NAME"},
    ),
    Action(
        "--schema",
        "the JSON Schema of pipeline.json, for editors",
        "fproc.cli.actions.show_schema",
        meaning="the JSON Schema (draft-07) of `pipeline.json`, with which editors complete and check it",
    ),
    Action(
        "--sample",
        "write sample files into --output DIR",
        "fproc.cli.actions.write_sample_files",
        ("--output", "--seed", "--shape"),
        {"type": int, "metavar": "COUNT"},
        "write sample files into `--output DIR`: logs, CSV, JSON lines or batches (`--shape`)",
    ),
    Action(
        "--status",
        "how many files are in each state, and whether all is well",
        "fproc.cli.actions.show_status",
        ("--json",),
        meaning="how many files are in each state, what is being worked on, and whether all is well; with "
        "`--json` as JSON",
    ),
    Action(
        "--why",
        "where that file is, and why it is not processed yet",
        "fproc.cli.actions.say_why",
        takes={"metavar": "NAME"},
    ),
    Action(
        "--retry",
        "put failed files back to work; all of them with --all",
        "fproc.cli.actions.put_back",
        ("--all",),
        {"nargs": "*", "metavar": "NAME"},
        "put files back into `unprocessed/`: failed ones (with `--all` all of them), and by name those in "
        "`processed/` of which lines were set aside",
    ),
    Action(
        "--history",
        "what happened to all files, or to one",
        "fproc.cli.actions.show_history",
        ("--json", "--pipeline"),
        {"nargs": "?", "const": "", "metavar": "NAME"},
        "what happened to all files, or to those of one name, oldest first: when they ended, how, and with "
        "what results",
    ),
    Action(
        "--rejects",
        "the lines that were set aside, of all files or of one",
        "fproc.cli.actions.show_rejects",
        ("--json",),
        {"nargs": "?", "const": "", "metavar": "NAME"},
        "the lines that were set aside (`failed/*.rejected.jsonl`), of all files or of those of one name",
    ),
    Action(
        "--export-history",
        "the whole history for other programs",
        "fproc.cli.actions.export_history",
        ("--pipeline",),
        {"choices": ("csv", "jsonl")},
        meaning="the whole history, oldest first, as CSV with a header or as a JSON object on each line",
    ),
    Action(
        "--prune",
        "remove what retention does not keep, now",
        "fproc.cli.actions.prune",
        ("--dry-run",),
        meaning="remove what [`retention`](CONFIGURATION.md#what-is-removed) does not keep, now; with "
        "`--dry-run` only list it",
    ),
    Action(
        "--doctor",
        "check what the folders' filesystems can do",
        "fproc.cli.actions.examine_folders",
        meaning="check whether the folders' filesystems can do what fproc relies on",
    ),
    Action(
        "--print",
        "a file to install fproc with, filled in with this configuration",
        "fproc.cli.actions.print_install_file",
        takes={"choices": tuple(KINDS)},
        meaning="print a file to install fproc with, filled in with the paths of this configuration; see "
        "[below](#files-to-install-fproc-with)",
    ),
)
"""All actions. A new one is an entry here, and its function."""
