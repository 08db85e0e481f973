"""A configuration made ready to run: the checked graph, and the maker of each node's processor."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from fproc import __version__
from fproc.base.errors import ConfigError, Problem, UsageError
from fproc.base.ids import sha256
from fproc.base.text import nearest
from fproc.base.values import dataclass, replace
from fproc.config.input_format import InputRules
from fproc.config.keys import parse_config
from fproc.config.model import Config, to_json
from fproc.config.nodes import NodeSpec
from fproc.pipeline import graph
from fproc.pipeline.compiler.program import Compiler
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.compiler.writer import NotCompiledError
from fproc.pipeline.graph import DROP, END, START, Graph
from fproc.pipeline.interpreter import ErrorPolicy, Interpreter
from fproc.pipeline.plugins import loading as plugins
from fproc.pipeline.plugins.sources import add_plugin_folder
from fproc.pipeline.processors import sinks
from fproc.pipeline.processors.base import BuiltinForm, Form, Maker, Output, Source
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.processors.options.tables import LookupTable
from fproc.pipeline.processors.options.templates import asks_line_no
from fproc.pipeline.tracing.observer import Observer
from fproc.pipeline.tracing.timing import Sampling

QUICK_LINES = 256
"""How many lines built-ins process in a time that nobody notices."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How files are processed. Plans of one `fingerprint` make the same results of the same input."""

    config: Config
    graph: Graph
    makers: Mapping[str, Maker]
    fingerprint: str
    forms: Mapping[str, Form | None]
    compiler: Compiler
    input_rules: InputRules
    is_builtin: bool
    """Whether it has no code of users."""

    def run(
        self,
        source: Source,
        output: Output,
        *,
        entry: str,
        on_error: ErrorPolicy,
        observer: Observer | None = None,
        sampling: Sampling | None = None,
    ) -> Interpreter:
        """Return a run of one file, with fresh processors.

        Raises:
            RecordError: a processor could not be made.
        """
        tells_all = observer is not None and observer.first_lines is None
        is_compiled = not tells_all and self.why_interpreted(entry) is None
        return (partial(CompiledRun, self.compiler) if is_compiled else Interpreter)(
            self.graph,
            self.makers,
            source=source,
            output=output,
            entry=entry,
            max_hops=self.config.limits.max_hops,
            on_error=on_error,
            observer=observer,
            sampling=sampling,
        )

    @property
    def table_files(self) -> dict[str, str]:
        """The digest of each file with a table that a node looks values up in, by its path."""
        return {table.path: table.digest for table in _tables(self.forms) if os.path.isfile(table.path)}

    @property
    def first_piece_lines(self) -> int:
        """The lines in the first piece of a file: one, if there are processors that may be slow."""
        return QUICK_LINES if self.is_builtin else 1

    @property
    def remembers(self) -> bool:
        """Whether what a node emits for a line may depend on lines before it.

        Functions are taken for maps, as documented; classes have to declare that they are `stateless`.
        """
        return any(map(self.may_keep, self.graph.nodes))

    def may_keep(self, node: str) -> bool:
        """Return whether a node may remember a line that it receives."""
        return node in self.graph.nodes and _remembers(self.forms.get(node))

    def why_unshared(self) -> list[str]:
        """Return why several processes cannot do parts of a big file; nothing if they can."""
        return [
            f"the node {node!r} {_why_it_remembers(self.forms.get(node))}"
            for node in self.graph.nodes
            if self.may_keep(node) and not _settles(self.forms.get(node))
        ]

    def why_interpreted(self, entry: str) -> str | None:
        """Return why lines that enter at a node are interpreted; None if there is a program for them."""
        try:
            self.compiler.program(entry)
        except NotCompiledError as why:
            return str(why)
        return None


class SpareRun:
    """A run that has ended, to be begun anew with the next input of its plan: making one takes longer."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._run: Interpreter | None = None

    def begin(
        self,
        plan: Plan,
        source: Source,
        output: Output,
        *,
        entry: str,
        on_error: ErrorPolicy,
        observer: Observer | None = None,
        sampling: Sampling | None = None,
    ) -> Interpreter:
        """Return a run of one file, with fresh processors; raise as `Plan.run` does.

        All calls have the same `sampling`. What is observed gets a new run: not each is of the compiled form.
        """
        run = self._run
        if run is None or observer is not None or plan is not self._plan or entry != run.entry:
            return plan.run(
                source, output, entry=entry, on_error=on_error, observer=observer, sampling=sampling
            )
        self._run = None
        run.begin(source, output, on_error, None)
        return run

    def keep(self, plan: Plan, run: Interpreter) -> None:
        """Keep a run that has ended well for the next input; nobody asks for its processors any more."""
        if run.observer is None:
            run.forget()
            self._plan, self._run = plan, run


def build_plan(
    value: Any,
    *,
    folder: str,
    overrides: Mapping[str, Any] | None = None,
    problems: Sequence[Problem] = (),
) -> Plan:
    """Return the plan of a configuration.

    Args:
        value: the configuration as a JSON value.
        folder: the folder that paths in it are relative to, with its plugins.
        overrides: keys of `Config` that the command line or the environment sets instead.
        problems: those that were found before; they are reported with the rest.

    Raises:
        ConfigError: with every problem of the text, the graph and the processors.
    """
    config, config_problems = parse_config(value, folder=folder)
    problems = [*problems, *config_problems]
    if config is None:
        raise ConfigError(problems)
    config = replace(config, **(overrides or {}))
    add_plugin_folder(folder)
    add_plugin_folder(config.plugins_dir)
    return assemble(config, problems)


def assemble(config: Config, problems: Sequence[Problem] = ()) -> Plan:
    """Return the plan of a parsed configuration with these `problems`. Raises as `build_plan` does."""
    checked_graph, found = graph.build_graph(config.nodes, config.files)
    problems = [*problems, *found]
    makers: dict[str, Maker] = {END: sinks.end_node(), DROP: sinks.drop_node()}
    forms: dict[str, Form | None] = {END: sinks.END_FORM}
    for node in config.nodes:
        if not node.type:
            continue  # reported already
        resolved, found = plugins.resolve(node)
        problems += found
        if resolved is not None:
            makers[node.tag], forms[node.tag] = resolved.make, resolved.form
    problems += _conflicts(config, forms)
    if problems:
        raise ConfigError(sorted(problems, key=_path_key))
    input_rules = InputRules(config.input, config.files, config.limits.most_expanded_bytes)
    compiler = Compiler(checked_graph, forms, max_hops=config.limits.max_hops)
    fingerprint = _fingerprint(config, forms)
    is_builtin = all(node.type in BUILTINS for node in config.nodes)
    return Plan(config, checked_graph, makers, fingerprint, forms, compiler, input_rules, is_builtin)


def _conflicts(config: Config, forms: Mapping[str, Form | None]) -> Iterator[Problem]:
    """Yield what is wrong with nodes and keys together."""
    for node in config.nodes:
        form = forms.get(node.tag)
        if isinstance(form, BuiltinForm) and form.values.get("append") and config.on_conflict == "replace":
            what = "a result cannot be appended to and replaced, as '$.on_conflict' says"
            yield Problem(f"{node.path}.config.append", what, 'leave out "append" here, or "on_conflict"')


def _remembers(form: Form | None) -> bool:
    if isinstance(form, BuiltinForm):
        return BUILTINS[form.name].remembers(form.values) or asks_line_no(form.values)
    if form is None:  # a stream
        return True
    return form.is_class and getattr(form.target, "stateless", False) is not True


def _settles(form: Form | None) -> bool:
    if not isinstance(form, BuiltinForm) or asks_line_no(form.values):
        return False
    return BUILTINS[form.name].settles(form.values)


def _why_it_remembers(form: Form | None) -> str:
    """Return why what a node with this form gives for a line may depend on others, in words."""
    if form is None:
        return "is a stream"
    if isinstance(form, BuiltinForm):
        remembers = BUILTINS[form.name].remembers(form.values)
        return f"({form.name}) {'goes by lines before' if remembers else 'asks for numbers of lines'}"
    return "is a class, which does not say that it is stateless"


def _fingerprint(config: Config, forms: Mapping[str, Form | None]) -> str:
    """Return a digest of everything that results depend on, apart from the input."""
    value = to_json(config)
    parts = [__version__, *(value[key] for key in ("input", "nodes", "files", "on_error", "limits"))]
    digest = sha256(json.dumps(parts).encode())
    for source in plugins.sources([node.type for node in config.nodes]):
        digest.update(source)
    for table in _tables(forms):
        digest.update(table.digest.encode())
    return digest.hexdigest()


def _tables(forms: Mapping[str, Form | None]) -> Iterator[LookupTable]:
    for form in forms.values():
        for value in form.values.values() if isinstance(form, BuiltinForm) else ():
            if isinstance(value, LookupTable):
                yield value


def mode_nodes(source: str, mode: str) -> tuple[NodeSpec, ...]:
    """Return the nodes of `--mode`: one built-in instead of a pipeline. `source` is its origin, for messages.

    Raises:
        UsageError: there is no such built-in, or it cannot do without options.
    """
    if mode not in BUILTINS or not _is_mode(mode):
        modes = list(filter(_is_mode, BUILTINS))
        what = "needs options, so it needs a pipeline.json" if mode in BUILTINS else "unknown processor"
        hint = nearest(mode, modes) or "the modes are " + ", ".join(sorted(modes))
        raise UsageError(f"{source} {mode}: {what}; {hint}")
    return (NodeSpec(START, mode, next=(END,), path="--mode"),)


def _is_mode(name: str) -> bool:
    """Return whether a built-in makes something of lines without any options."""
    builtin = BUILTINS[name]
    return not builtin.is_sink and not check_options(name, builtin, {}, "")[1]


def _path_key(problem: Problem) -> list[tuple[int, str]]:
    """Return a sort key that puts JSON paths in the order of the file: `nodes[2]` before `nodes[10]`."""
    parts = re.split(r"[.\[\]]+", problem.path)
    return [(int(part), "") if re.fullmatch(r"[0-9]{1,9}", part) else (-1, part) for part in parts]
