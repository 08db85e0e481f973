"""Which emitter writes the code of which node."""

from __future__ import annotations

from collections.abc import Callable

from fproc.pipeline.compiler.emitters import counting, routing, sinks, text
from fproc.pipeline.compiler.emitters.called import any_processor, user
from fproc.pipeline.compiler.emitters.common import Values
from fproc.pipeline.compiler.emitters.steps import step
from fproc.pipeline.compiler.generator import Emitters, Generator
from fproc.pipeline.compiler.site import Site, Terms
from fproc.pipeline.processors.text import snake_case

_BUILTINS: dict[str, Callable[[Generator, Site, Values], Terms]] = {
    "filter": text.emit_sieve("not "),
    "drop_matching": text.emit_sieve(""),
    "uppercase": text.emit_mapped(lambda _code, _values, line: f"{line}.upper()"),
    "lowercase": text.emit_mapped(lambda _code, _values, line: f"{line}.lower()"),
    "trim": text.emit_mapped(lambda _code, _values, line: f"{line}.strip()"),
    "snakecase": text.emit_mapped(
        lambda code, _values, line: f"{code.constant('snake_case', snake_case)}({line})"
    ),
    "replace": text.emit_replace,
    "rewrite": text.emit_rewrite,
    "fields": text.emit_fields,
    "tag": routing.emit_tag,
    "tag_field": routing.emit_tag_field,
    "tag_prefix": routing.emit_tag_prefix,
    "count": counting.emit_count,
    "join": counting.emit_join,
    "split": counting.emit_split,
    "tally": counting.emit_tally,
    "write": sinks.emit_write,
    "stdout": sinks.emit_stdout,
}
"""Emitters of the built-ins that have code of their own; every other one is called."""

EMITTERS = Emitters(_BUILTINS, step, user, any_processor)
