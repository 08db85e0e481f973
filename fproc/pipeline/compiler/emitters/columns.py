"""The code for tables whose columns are known: each has a variable, and no record is made of a line.

An edit that only moves fields takes no code at all: it is made once, here, of the names of the variables.
"""

from __future__ import annotations

from fproc.pipeline.compiler.emitters.common import emit_one
from fproc.pipeline.compiler.generator import Generator
from fproc.pipeline.compiler.narrowing import needed_behind
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.processors.base import BuiltinForm
from fproc.pipeline.processors.builtins import BUILTINS

MOST_COLUMNS = 100
"""The most columns of which each one gets a variable of its own."""


class _Variable(str):
    """The name of the variable that holds a value."""

    __slots__ = ()


def parse_columns(code: Generator, at: Site) -> Terms | None:
    """Write code that takes a line of a table apart; None, with nothing written, if it is not made for that.

    A line that does not fit is left to the interpreter.
    """
    columns, needed = code.columns.get(at.node), needed_behind(code, at.node)
    if columns is None or len(columns.names) > MOST_COLUMNS:
        return None
    variables = {name: code.new("value", name) for name in columns.names}
    values = {name: value for name, value in variables.items() if needed is None or name in needed}
    if not values:
        return None
    split = code.fetched("split", at.node, f"run.target({at.node!r}).split")
    whole = f"{code.fetched('step', at.node, f'run.step({at.node!r})')}({at.line})"
    cells, header = code.new("cells"), code.constant("header", [*columns.header])
    with code.write.block("try:"):
        no_quote = f"{columns.quote!r} not in {at.line}"
        code.write(f"{cells} = {at.line}.split({columns.separator!r}) if {no_quote} else {split}({at.line})")
        code.write(f"{', '.join(variables.values())}, = {cells}")
    with code.write.block("except Exception:"):
        with code.write.block(f"if {at.line}:"):
            pushed = code.push(at)
        with code.write.block("else:"):
            dropped = code.dropped(at)
    with code.write.block("else:"):
        is_empty = f" or not {at.line}" if len(variables) == 1 else ""
        with code.write.block(f"if {cells} == {header}{is_empty}:"):
            dropped += code.dropped(at)
        with code.write.block("else:"):
            after = at.of_values(values, whole, _plain(at.line, columns.separator))
            emitted = emit_one(code, at, after.line, after)
    code.add(code.received, at.node, dropped)
    return emitted + dropped + pushed


def edit_columns(code: Generator, at: Site) -> Terms | None:
    """Go on with the values of a record after an edit; None, with nothing written, if it looks at any."""
    form = code.forms[at.node]
    if not at.plain or not isinstance(form, BuiltinForm):
        return None
    rearrange = BUILTINS[form.name].rearranges(form.values)
    if rearrange is None:
        return None
    edited = rearrange({name: _Variable(variable) for name, variable in at.values.items()})
    if not edited:
        return None
    values = {
        name: str(value) if type(value) is _Variable else code.constant("constant", value)
        for name, value in edited.items()
    }
    step = code.fetched("step", at.node, f"run.step({at.node!r})")
    after = at.of_values(values, f"{step}({at.whole})", at.plain)
    return emit_one(code, at, after.line, after)


def _plain(line: str, separator: str) -> str:
    """Return an expression that is true if no text of the cells of a line needs an escape."""
    text = line if separator.isprintable() else f"{line}.replace({separator!r}, '')"
    return f"'\"' not in {line} and '\\\\' not in {line} and {text}.isprintable()"
