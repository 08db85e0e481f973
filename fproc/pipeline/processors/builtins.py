"""The built-in processors: one explicit table of names, one module a family."""

from fproc.pipeline.processors import counting, routing, sinks, text
from fproc.pipeline.processors.base import Builtin

FAMILIES: dict[str, dict[str, Builtin]] = {
    "Routing": routing.BUILTINS,
    "Text": text.BUILTINS,
    "Counting": counting.BUILTINS,
    "Sinks": sinks.BUILTINS,
}
"""All built-ins, in the order of docs/PROCESSORS.md."""

BUILTINS = {name: builtin for family in FAMILIES.values() for name, builtin in family.items()}

LATER = ("dedupe", "head", "sample", "json_field", "csv_columns")
"""Names of the contract that are not supported yet; a pipeline that uses one gets a message."""
