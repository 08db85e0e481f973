"""The built-in processors: one explicit table of names, one module a family."""

from fproc.pipeline.processors import counting, routing, sinks, text
from fproc.pipeline.processors.base import Builtin

BUILTINS: dict[str, Builtin] = {
    **routing.BUILTINS,
    **text.BUILTINS,
    **counting.BUILTINS,
    **sinks.BUILTINS,
}

LATER = ("dedupe", "head", "sample", "json_field", "csv_columns")
"""Names of the contract that are still to come; a pipeline that uses one is told so."""
