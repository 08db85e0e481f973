"""From a graph to the source of one Python function that does what the interpreter does, line by line.

The graph is unrolled into a tree: a node that several others feed stands in the source once for each way to
it. Each place in that tree is a `Site`. The code of a site takes a record that is in variables, does the
node's work in place, and goes on with the sites of the nodes that follow, depth first, as the interpreter
would.

Whatever is unusual about a record (it is rejected, a processor raised or gave something odd) is handed to the
interpreter with a call of `push`, `accept` or `fail`, which does that node and all that follows it for this
record. So only what is usual has two implementations.

Counting costs one addition for each end of a record's way: where it is written, dropped, or handed over. The
records that a node received are the sum of the ends that can be reached from it, added up once a block.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from fproc.base.values import dataclass, replace
from fproc.pipeline.compiler.site import Shapes, Site, Terms
from fproc.pipeline.compiler.writer import Names, NotCompiledError, Writer, as_object, comment
from fproc.pipeline.graph import ANY, DROP, END, Graph
from fproc.pipeline.processors.base import BuiltinForm, Form, StepKind, UserForm
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.columns import TablesColumns

MOST_SITES = 200
"""The most sites: a graph of many ways would make a function that no cache holds."""

MOST_WRITTEN_VALUES = 1000
"""The most values, of all sites together, that code of their own makes text of."""

TAKEN = (
    *(
        "run",
        "line",
        "lines",
        "feed",
        "make",
        "error",
        "push",
        "accept",
        "fail",
        "checked",
        "tag_by",
        "lap",
        "encodable",
        "padded",
        "encode",
        "as_json",
        "decode",
    ),
    *keyword.kwlist,
)
"""Names that mean something in every generated function."""


@dataclass(frozen=True, slots=True)
class Emitters:
    """What writes the code for a node; each returns the terms of the records that it received.

    Attributes:
        builtins: for those that have code of their own, by name; they take the node's options.
        steps: for those that work on structured records.
        user: for a user's function.
        any_processor: for everything else, which is called.
    """

    builtins: Mapping[str, Callable[[Generator, Site, Mapping[str, Any]], Terms]]
    steps: Callable[[Generator, Site, StepKind], Terms]
    user: Callable[[Generator, Site, UserForm], Terms]
    any_processor: Callable[[Generator, Site], Terms]


class Generator:
    """Writes the body of the loop over the lines.

    `names` are the objects that the source refers to; `fetches` are names of what belongs to one run, each
    with the expression that fetches it; `states` are the same for what restoring a checkpoint may replace;
    `writers` is the number of sites that add to each list of lines.
    `alone` are lists that only one site adds to, as another `Generator` has found. `short` are nodes whose
    lines turned out to have just as many fields as they look at, or fewer. A `timed` function adds up the
    time that nodes take. `columns` are those of tables, by node, as far as they are known. `looped` are the
    variables of the loop. `needs` are the fields that are needed behind each node that was asked about
    (`narrowing`).
    """

    def __init__(
        self,
        graph: Graph,
        forms: Mapping[str, Form | None],
        shapes: Shapes,
        emitters: Emitters,
        *,
        max_hops: int,
        alone: Collection[str] = (),
        short: Collection[str] = (),
        timed: bool = False,
        columns: TablesColumns = (),
    ) -> None:
        self.graph = graph
        self.forms = forms
        self.shapes = shapes
        self.emitters = emitters
        self.alone = alone
        self.short = short
        self.timed = timed
        self.columns = dict(columns)
        self.shorts: dict[str, str] = {}
        self.writers: dict[str, int] = {}
        self.kept: dict[str, str] = {}
        self.max_hops = max_hops
        self.write = Writer()
        self.needs: dict[str, frozenset[str] | None] = {}
        self.names: dict[str, Any] = {}
        self.fetches: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.counters: list[str] = []
        self.looped = "line"
        self.received: dict[str, Terms] = {}
        self.emitted: dict[str, Terms] = {}
        self.edges: dict[tuple[str, str], Terms] = {}
        self.agreements: list[tuple[Terms, Terms]] = []
        self._sites = 0
        self._written_values = 0
        self._sites_after: dict[str, int] = {}
        self._wants_tag: dict[str, bool] = {}
        self.new = Names(TAKEN).new

    # Names

    def constant(self, prefix: str, value: Any) -> str:
        """Return a new name for an object that is the same in every run."""
        variable = self.new(prefix)
        self.names[variable] = value
        return variable

    def named(self, prefix: str, value: Any) -> str:
        """Return the name of an object, the same one at each call."""
        known = (variable for variable, held in self.names.items() if held is value)
        return next(known, None) or self.constant(re.sub(r"\W", "_", prefix), value)

    def fetched(self, prefix: str, node: str, expression: str) -> str:
        """Return a name for an object that differs from run to run; `expression` is evaluated once a run."""
        for variable, known in self.fetches.items():
            if known == expression:
                return variable
        variable = self.new(prefix, node)
        self.fetches[variable] = expression
        return variable

    def fetched_anew(self, prefix: str, node: str, expression: str) -> str:
        """Return a name for what a node's state consists of now; it is evaluated for each block."""
        variable = self.new(prefix, node)
        self.states[variable] = expression
        return variable

    # Counters

    def counted(self, what: str, node: str, count: str = "1") -> str:
        """Return a new counter, and write the line that adds to it."""
        counter = self.new(what, node)
        self.counters.append(counter)
        self.write(f"{counter} += {count}")
        return counter

    def written(self, node: str, lines: str, line: str) -> str:
        """Return a new counter of lines that are added to a list, and write the line of source that adds one.

        Where no other site adds to that list, the run keeps it apart, and its length is the count.
        """
        counter = self.new("written", node)
        self.writers[lines] = self.writers.get(lines, 0) + 1
        if lines in self.alone:
            self.kept[counter] = self.fetched("kept", node, f"run.kept({lines})")
            self.write(f"{self.kept[counter]}.append({line})")
        else:
            self.counters.append(counter)
            self.write(f"{lines}.append({line})")
            self.write(f"{counter} += 1")
        return counter

    def short_counter(self, node: str) -> str:
        """Return a new counter of lines with fewer fields than a node splits them into: those take longer."""
        counter = self.new("short", node)
        self.counters.append(counter)
        self.shorts[counter] = node
        return counter

    def add(self, table: dict[Any, Terms], key: Any, terms: Terms) -> None:
        """Note that these terms are part of a sum."""
        table.setdefault(key, []).extend(terms)

    # Sites

    def site(self, at: Site) -> Terms:
        """Write the code of a site and of all that follows it; return the terms of what it receives."""
        self._sites += 1
        if self._sites > MOST_SITES:
            raise NotCompiledError(f"there are more than {MOST_SITES} ways through the graph")
        if at.hops > self.max_hops:
            raise NotCompiledError("a way through the graph is longer than limits.max_hops")
        before, self.write.node = self.write.node, at.node
        terms = self._code(at)
        self._lap(at.node)
        self.write.node = before
        return terms

    def behind(self, node: str) -> Terms:
        """Write the code for records that a node has emitted, and which can go on; return their terms.

        What the node received and emitted is counted by who feeds them.
        """
        tag = self.new("tag")
        self.looped = f"{tag}, line"
        at = Site(node, "line", None, tag)
        emitted, _ = self.onward(at, "line", at, list)
        self.emitted.pop(node, None)
        return emitted

    def _lap(self, node: str) -> None:
        """Write a call that charges the time up to here to this node."""
        if self.timed:
            self.write(f"lap({node!r})")

    def _code(self, at: Site) -> Terms:
        if at.node == DROP:
            terms = [self.counted("dropped", "")]
            self.add(self.received, DROP, terms)
            return terms
        form = self.forms[at.node]
        self.write(comment(f"{at.node}: {self._type(at.node)}"))
        kind = self.step_kind(at.node)
        at = at if self._takes_record(at.node) else self.with_text(at)
        if isinstance(form, BuiltinForm) and form.name in self.emitters.builtins:
            return self.emitters.builtins[form.name](self, at, form.values)
        if kind is not None:
            return self.emitters.steps(self, at, kind)
        if isinstance(form, UserForm):
            return self.emitters.user(self, at, form)
        return self.emitters.any_processor(self, at)

    def _type(self, node: str) -> str:
        return self.graph.nodes[node].type if node in self.graph.nodes else "the default result"

    def step_kind(self, node: str) -> StepKind | None:
        """Return what a node does with structured records, if it does."""
        form = self.forms.get(node)
        return BUILTINS[form.name].step(form.values) if isinstance(form, BuiltinForm) else None

    def _takes_record(self, node: str) -> bool:
        return node == DROP or self.step_kind(node) not in {None, StepKind.PARSE}

    def with_text(self, at: Site) -> Site:
        """Return a site whose line is in a variable, with code that makes it of its record if it is not."""
        if at.has_text:
            return at
        line = self.new("line")
        self._written_values += len(at.values) if at.plain else 0
        if at.plain and self._written_values <= MOST_WRITTEN_VALUES:
            with self.write.block(f"if {at.plain}:"):
                self.write(f"{line} = {as_object(at.values, self.names, are_plain=True)}")
            with self.write.block("else:"):
                self.write(f"{line} = {as_object(at.values, self.names, are_plain=False)}")
        else:
            self.write(f"{line} = {at.line}")
        return replace(at, line=line)

    def with_record(self, at: Site) -> Site:
        """Return a site whose record, if any, is in a variable, with code that makes it of its values."""
        if at.record or not at.values:
            return at
        record = self.new("record")
        fields = ", ".join([f"{name!r}: {value}" for name, value in at.values.items()])
        self.write(f"{record} = {{{fields}}}")
        return replace(at, record=record)

    def push(self, at: Site) -> Terms:
        """Write code that hands the untouched record to the interpreter; return how many those were."""
        counter = self.counted("pushed", at.node)
        self.write(f"push({at.node!r}, {at.told_tag_code}, {at.line}, {at.hops})")
        return [counter]

    def dropped(self, at: Site) -> Terms:
        """Return a new counter of records that end here, swallowed by the node."""
        return [self.counted("dropped", at.node)]

    def onward(self, at: Site, line: str, after: Site, refuse: Callable[[], Terms]) -> tuple[Terms, Terms]:
        """Write the code for a record that the node at `at` has emitted.

        Args:
            at: the node's site.
            line: the variable that holds the new line.
            after: `at` with the new tag.
            refuse: writes the code for a tag that has no route.

        Returns:
            The terms of the records that were emitted, and of those that were refused.
        """
        self._lap(at.node)
        route = self.graph.nodes[at.node].next
        then = replace(after if line == after.line else after.of_text(line), hops=at.hops + 1)
        if after.tag is not None or isinstance(route, tuple):
            targets = route if isinstance(route, tuple) else self.graph.targets(at.node, after.tag or "")
            return (self._fan_out(at.node, then, targets), []) if targets else ([], refuse())
        if route is None:
            raise NotCompiledError(f"{at.node!r} has no next, and only its lines say where they go")
        return self._by_tag(at.node, then, route, refuse)

    def _by_tag(
        self, node: str, then: Site, route: Mapping[str, tuple[str, ...]], refuse: Callable[[], Terms]
    ) -> tuple[Terms, Terms]:
        emitted: Terms = []
        opening = "if"
        for tag, targets in route.items():
            if tag != ANY:
                with self.write.block(f"{opening} {then.tag_name} == {tag!r}:"):
                    emitted += self._fan_out(node, then.tagged(tag), targets)
                opening = "elif"
        with self.write.block("else:" if opening == "elif" else "if True:"):
            if ANY in route:
                return emitted + self._fan_out(node, then, route[ANY]), []
            return emitted, refuse()

    def route_test(self, at: Site) -> str:
        """Return an expression that is true if what a node emits with the tag of `at` has a route; or ""."""
        route = self.graph.nodes[at.node].next
        if route is None:
            raise NotCompiledError(f"{at.node!r} has no next, and only its lines say where they go")
        if at.tag is not None:
            return "" if self.graph.targets(at.node, at.tag) else "False"
        if isinstance(route, tuple) or ANY in route:
            return ""
        return f"{at.tag_name} in {self.constant('routes', frozenset(route))}"

    def _fan_out(self, node: str, then: Site, targets: tuple[str, ...]) -> Terms:
        """Write the code for all targets in order; each of them receives as many records as the first."""
        first: Terms = []
        takers = sum(map(self._takes_record, targets))
        if len(targets) - takers > 1:
            then = self.with_text(then)
        if takers > 1:
            then = self.with_record(then)
        for index, target in enumerate(targets):
            terms = self.site(replace(then, node=target))
            if index == 0:
                first = terms
            else:
                self.agreements.append((first, terms))
            self.add(self.edges, (node, target), first)
        self.add(self.emitted, node, first)
        return first

    # What the rest of a way is like

    def sites_after(self, node: str) -> int:
        """Return how many sites there will be behind a node, if it gives one tag."""
        if node not in self.graph.nodes:
            return 0
        if node not in self._sites_after:
            route = self.graph.nodes[node].next
            targets = route if isinstance(route, tuple) else self.graph.followers(node)
            self._sites_after[node] = sum(1 + self.sites_after(target) for target in targets)
        return self._sites_after[node]

    def wants_tag(self, node: str) -> bool:
        """Return whether a node, or anything behind it, depends on the tag of a record that it receives."""
        if node not in self._wants_tag:
            self._wants_tag[node] = self._looks_at_tag(node)
        return self._wants_tag[node]

    def tag_matters_after(self, node: str) -> bool:
        """Return whether it matters which tag a node gives to what it emits."""
        route = self.graph.nodes[node].next
        return not isinstance(route, tuple) or any(map(self.wants_tag, route))

    def _looks_at_tag(self, node: str) -> bool:
        if node in {DROP, END}:
            return False
        form = self.forms[node]
        if not isinstance(form, BuiltinForm):
            return form is None or form.gives_many or self.tag_matters_after(node)
        builtin = BUILTINS[form.name]
        has_code = form.name in self.emitters.builtins or self.step_kind(node) is not None
        if builtin.reads_tag(form.values) or not (has_code or builtin.is_sink):
            return True  # one that is called may pass its tag on, which is reported of lines that fail later
        return not (builtin.is_sink or builtin.sets_tag(form.values)) and self.tag_matters_after(node)
