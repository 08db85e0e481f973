"""Compiled graphs: the loop over the lines, and the code before and after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from fproc.base.text import is_encodable
from fproc.pipeline.compiler.emitters.table import EMITTERS
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.sieved import Sieve, sieve_of
from fproc.pipeline.compiler.site import FeedLines, FeedRecords, RunCalls, Shape, Site, Terms
from fproc.pipeline.compiler.writer import TOO_LONG, NotCompiledError, Writer
from fproc.pipeline.failures import GENERATED
from fproc.pipeline.graph import Graph
from fproc.pipeline.processors.base import Form
from fproc.pipeline.processors.objects import as_json, decode, encode
from fproc.pipeline.processors.options.columns import TablesColumns

log = logging.getLogger("fproc.compiler")

MOST_PROGRAMS = 64
"""The most programs that are kept: each table with other columns has its own."""

NODES = "__nodes__"
"""The global name of a program for the node whose work each of its lines does."""


class Program:
    """A compiled graph, for the lines that enter it at one node.

    Args:
        source: the source of a function `make`.
        nodes: the node whose work each line of it does, from the first one on.
        names: what the source refers to.
    """

    def __init__(self, source: str, nodes: Sequence[str | None], names: Mapping[str, Any]) -> None:
        self.source = source
        namespace = {NODES: nodes, **names}
        exec(compile(source, GENERATED, "exec"), namespace)  # noqa: S102 - generated from a checked graph
        self._make: Callable[[RunCalls], Any] = namespace["make"]

    def bind(self, run: RunCalls) -> FeedLines:
        """Return the function for one run.

        Raises:
            SharingError: two sinks write to one result.
            ValueError: the input's name makes an impossible name of a result.
        """
        feed: FeedLines = self._make(run)
        return feed

    def bind_behind(self, run: RunCalls) -> FeedRecords:
        """Return the same for a program that was made for what a node has emitted."""
        feed: FeedRecords = self._make(run)
        return feed


class Compiler:
    """The programs of a graph, one for each entry.

    They are made for the shapes that users' processors have returned, and made anew when those change.

    Args:
        graph: the checked graph.
        forms: what each node does, `end` included; None where that is not known.
        max_hops: how many nodes one record may go through.
    """

    def __init__(self, graph: Graph, forms: Mapping[str, Form | None], *, max_hops: int) -> None:
        self._graph = graph
        self._forms = forms
        self._max_hops = max_hops
        self._shapes: dict[str, set[Shape]] = {}
        self._may_keep = True
        self._short: set[str] = set()
        self._sieves: dict[str, Sieve | None] = {}
        self._programs: dict[tuple[str, bool, bool, TablesColumns], Program | NotCompiledError] = {}

    def program(
        self, entry: str, *, timed: bool = False, behind: bool = False, columns: TablesColumns = ()
    ) -> Program:
        """Return the program for lines that enter at a node, or for the records `behind` it.

        A `timed` one measures what nodes take. Where `columns` are known, it is made for tables with these.

        Raises:
            NotCompiledError: it has none, and has to be interpreted.
        """
        key = entry, timed, behind, columns
        if key not in self._programs:
            if len(self._programs) >= MOST_PROGRAMS:
                self._programs.clear()
            try:
                self._programs[key] = self._compiled(entry, timed=timed, behind=behind, columns=columns)
            except NotCompiledError as why:
                self._programs[key] = why
            except RecursionError:
                self._programs[key] = NotCompiledError(TOO_LONG)
        program = self._programs[key]
        if isinstance(program, NotCompiledError):
            raise program
        return program

    def sieve(self, entry: str) -> Sieve | None:
        """Return the sieve for lines that enter at a node, the same one each time, if it can have one."""
        if entry not in self._sieves:
            self._sieves[entry] = sieve_of(self._forms.get(entry))
        return self._sieves[entry]

    def learn(self, node: str, shape: Shape, *, is_only: bool) -> None:
        """Note that a node has returned this shape; with `is_only`, nothing else up to now."""
        known = self._shapes.get(node, {Shape.LINE})
        shapes = {shape} if is_only else {*known, shape}
        if shapes != known:
            self._shapes[node] = shapes
            self._programs.clear()

    def learn_short(self, node: str) -> None:
        """Note that lines often have no more fields than a node looks at."""
        self._short.add(node)
        self._programs.clear()

    def learn_sharing(self) -> None:
        """Note that two sinks write to one result."""
        self._may_keep = False
        self._programs.clear()

    def _compiled(self, entry: str, *, timed: bool, behind: bool, columns: TablesColumns) -> Program:
        _check_ways(self._graph, entry)
        code, terms = self._generated(entry, columns, timed=timed, behind=behind)
        has_any_result = any("run.lines_by_" in expression for expression in code.fetches.values())
        if self._may_keep and not timed and not has_any_result:
            alone = [lines for lines, writers in code.writers.items() if writers == 1]
            code, terms = self._generated(entry, columns, alone, behind=behind)
        names = {
            "encodable": is_encodable,
            "padded": padded,
            "encode": encode,
            "decode": decode,
            "as_json": as_json,
            **code.names,
        }
        source = _assembled(code, terms)
        program = Program(source.text(), source.nodes(), names)
        if not timed:
            log.debug("what is done with lines that enter at %r:\n%s", entry, program.source)
        return program

    def _generated(
        self,
        entry: str,
        columns: TablesColumns,
        alone: Collection[str] = (),
        *,
        timed: bool = False,
        behind: bool = False,
    ) -> tuple[Generator, Terms]:
        code = Generator(
            self._graph,
            self._forms,
            self._shapes,
            EMITTERS,
            max_hops=self._max_hops,
            alone=alone,
            short=self._short,
            timed=timed,
            columns=columns,
        )
        return code, code.behind(entry) if behind else code.site(Site(entry, "line", entry))


def node_at(names: Mapping[str, Any], line: int) -> str | None:
    """Return the node whose work a line does, counted from 1, of the program with these global names."""
    nodes: Sequence[str | None] = names[NODES]
    return nodes[line - 1]


def padded(parts: list[str], size: int) -> list[str | None]:
    """Return `size` parts, with None for those that are missing."""
    return [*parts, *[None] * (size - len(parts))]


def _check_ways(graph: Graph, entry: str) -> None:
    """Check that no record can come to a node twice.

    Raises:
        NotCompiledError: it can.
    """
    checked: set[str] = set()

    def look(node: str, way: tuple[str, ...]) -> None:
        if node in way:
            raise NotCompiledError("its nodes form a cycle: " + " -> ".join([*way[way.index(node) :], node]))
        if node in checked or node not in graph.nodes:
            return
        for target in graph.followers(node):
            look(target, (*way, node))
        checked.add(node)

    look(entry, ())


def _assembled(code: Generator, terms: Terms) -> Writer:
    """Return the source: what one run needs, the loop, and the sums."""
    write = Writer()
    nodes = {node: code.new("at", node) for node in {**code.received, **code.emitted}}
    with write.block("def make(run):"):
        write("push, accept, fail, checked = run.push_line, run.accept, run.fail, run.checked")
        write("tag_by = run.tag_by")
        if code.timed:
            write("lap = run.laps.lap")
        for variable, expression in code.fetches.items():
            write(f"{variable} = {expression}")
        for node, variable in nodes.items():
            write(f"{variable} = run.counts[{node!r}]")
        write("")
        with write.block("def feed(lines):"):
            for variable, expression in {**dict.fromkeys(code.counters, "0"), **code.states}.items():
                write(f"{variable} = {expression}")
            with write.block("try:"), write.block(f"for {code.looped} in lines:"):
                write.add(code.write)
            with write.block("finally:"):
                if code.kept:
                    write(f"{', '.join(code.kept)}, = run.spill()")
                for node, variable in nodes.items():
                    write(f"{variable}.received += {_sum(code.received.get(node, []))}")
                    write(f"{variable}.emitted += {_sum(code.emitted.get(node, []))}")
                for (source, target), terms_of_edge in code.edges.items():
                    write(f"run.pass_on({source!r}, {target!r}, {_sum(terms_of_edge)})")
            for counter, node in code.shorts.items():
                write(f"run.split_short({node!r}, {counter})")
            for one, other in code.agreements:
                write(f"run.agree({_sum(one)}, {_sum(other)})")
            write(f"return {_sum(terms)}")
        write("")
        write("return feed")
    return write


def _sum(terms: Terms) -> str:
    return " + ".join(terms) or "0"
