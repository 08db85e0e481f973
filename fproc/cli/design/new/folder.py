"""`--new`: the folder itself, which is written once all of it is known."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

from fproc.base.errors import UsageError, reason_of
from fproc.base.text import shown
from fproc.cli.design.check import SOURCE, run_examples
from fproc.cli.design.new import texts
from fproc.cli.design.new.beginning import read_beginning
from fproc.cli.design.new.recognising import input_of, recognised_shape
from fproc.cli.design.new.shape import ERRORS, TIDY, SampleShape
from fproc.cli.install.installation import own_command
from fproc.config.sources.defaults import CONFIG_NAME, DEFAULT
from fproc.pipeline.graph import END
from fproc.pipeline.plan import build_plan
from fproc.pipeline.plugins.sources import ModuleSource, modules_given
from fproc.spool.output.direct import publish_folder

MODULE = "processors"
"""The module beside the pipeline."""

README = "README.md"


def make_folder(folder: str, sample: str | None) -> str:
    """Make a working folder, for files like the sample if there is one; return what to tell of it.

    Raises:
        UsageError: the folder cannot be made, or the sample cannot be read. Nothing was written.
    """
    _refuse_what_is_there(folder)
    path = os.path.abspath(folder)
    shape, options = _default_shape(), dict[str, Any]()
    if sample is not None:
        beginning = read_beginning(sample)
        shape = recognised_shape(beginning, path)
        options = input_of(shape, beginning)
    value = {
        "description": f"For {shape.what}.",
        **({"input": options} if options else {}),
        "nodes": _nodes(shape),
    }
    code = texts.OF_OBJECTS if shape.is_object else texts.OF_LINES
    value["examples"] = [_example(value, shape, path, code)]
    commands = _commands(path, sample)
    files = {
        README: texts.readme(shape.what, shape.makes, commands),
        f"{MODULE}.py": code,
        CONFIG_NAME: texts.pretty_json(value) + "\n",
    }
    try:
        publish_folder(path, files)
    except OSError as error:
        raise UsageError(f"--new {shown(folder)}: {reason_of(error)}") from error
    told = [f"recognised: {shape.what}"] if sample is not None else []
    told += [f"made: {', '.join(shown(os.path.join(folder, name)) for name in sorted(files))}"]
    told += ["next:", f"  cd {shown(shlex.quote(folder))}", *(f"  {command}" for command, _ in commands[:2])]
    return "\n".join(told)


def _refuse_what_is_there(folder: str) -> None:
    if not folder:
        raise UsageError("--new needs the name of a folder, which is empty or not there yet")
    try:
        entries = os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"--new {shown(folder)}: {reason_of(error)}") from error
    if entries:
        what = f"is not empty, there is {shown(min(entries))!r}"
        raise UsageError(f"--new {shown(folder)}: {what}; name a folder that is empty or not there yet")


def _default_shape() -> SampleShape:
    """Return the shape of the lines that the built-in pipeline is for."""
    default: Any = DEFAULT
    start, keep, rewrite, _ = default["nodes"]
    return SampleShape(
        what="lines such as 'start:ERROR: Something bad happened'",
        makes="lines such as '[ERROR] Something bad happened'",
        first={"type": start["type"], "config": start["config"]},
        next="filter",
        others=[{**keep, "next": TIDY}],
        last={"type": rewrite["type"], "config": rewrite["config"]},
        example=default["examples"][0]["input"],
        is_object=False,
    )


def _nodes(shape: SampleShape) -> list[dict[str, Any]]:
    """Return the nodes of a pipeline, in the order in which lines meet them."""
    last: list[dict[str, Any]] = [] if shape.last is None else [{"tag": "format", **shape.last, "next": END}]
    form = {"as": "dict"} if shape.is_object else {}
    tidy = {
        "tag": TIDY,
        "description": f"your own: see {MODULE}.py",
        "type": f"{MODULE}.{TIDY}",
        **form,
        "next": "format" if last else END,
    }
    first = {"tag": "start", **shape.first, "next": shape.next}
    return [first, *map(dict, shape.others), tidy, *last]


def _example(value: Mapping[str, Any], shape: SampleShape, folder: str, code: str) -> dict[str, Any]:
    """Return the example, with what the pipeline makes of its lines."""
    lines = list(shape.example)
    path = os.path.join(folder, f"{MODULE}.py")
    with modules_given({MODULE: ModuleSource(path, code.encode())}):
        results = run_examples(build_plan(value, folder=folder), lines)
    stem, suffix = os.path.splitext(SOURCE.name)
    keys = {SOURCE.name: END, ERRORS.format(stem=stem, suffix=suffix): ERRORS}
    return {"input": lines, "expect": {keys[name]: made for name, made in results.items()}}


def _commands(folder: str, sample: str | None) -> list[tuple[str, str]]:
    """Return commands to go on with, and what each does."""
    program = shlex.join(own_command())
    if sample is None:
        try_it = ("--sample 1 --output .", "write sample.txt, to try it on with --input")
    else:
        path = shlex.quote(os.path.relpath(sample, folder))
        try_it = (f"--input {path}", "process the sample; results appear in watch_dir/results/")
    options = [
        ("--check", "check the pipeline, and run its example"),
        try_it,
        ("--watch", "process all that lands in watch_dir/unprocessed/"),
    ]
    return [(shown(f"{program} {option}"), does) for option, does in options]
