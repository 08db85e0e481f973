"""The built-in processors: one explicit table of names, one module a family."""

from fproc.pipeline.processors import routing, sinks, text
from fproc.pipeline.processors.base import Builtin
from fproc.pipeline.processors.counting.numbering import COUNT, JOIN
from fproc.pipeline.processors.counting.picking import HEAD, SAMPLE
from fproc.pipeline.processors.counting.tally import TALLY
from fproc.pipeline.processors.editing.dedupe import DEDUPE
from fproc.pipeline.processors.editing.edit import EDIT
from fproc.pipeline.processors.editing.envelope import ENVELOPE
from fproc.pipeline.processors.editing.lookup import LOOKUP
from fproc.pipeline.processors.editing.mask import MASK
from fproc.pipeline.processors.editing.timestamp import TIMESTAMP
from fproc.pipeline.processors.editing.validate import VALIDATE
from fproc.pipeline.processors.editing.where import WHERE
from fproc.pipeline.processors.parsers.csv_table import PARSE_CSV
from fproc.pipeline.processors.parsers.dissect import DISSECT
from fproc.pipeline.processors.parsers.fixed import PARSE_FIXED
from fproc.pipeline.processors.parsers.format import FORMAT
from fproc.pipeline.processors.parsers.json_lines import PARSE_JSON
from fproc.pipeline.processors.parsers.key_value import PARSE_KV
from fproc.pipeline.processors.parsers.logs import PARSE_LOG
from fproc.pipeline.processors.parsers.matching import PARSE_REGEX

FAMILIES: dict[str, dict[str, Builtin]] = {
    "Routing": routing.BUILTINS,
    "Lines": {
        "where": WHERE,
        "head": HEAD,
        "sample": SAMPLE,
        "dedupe": DEDUPE,
    },
    "Text": {**text.BUILTINS, "mask": MASK},
    "Parsers": {
        "parse_csv": PARSE_CSV,
        "parse_json": PARSE_JSON,
        "parse_regex": PARSE_REGEX,
        "dissect": DISSECT,
        "parse_kv": PARSE_KV,
        "parse_fixed": PARSE_FIXED,
        "parse_log": PARSE_LOG,
    },
    "Fields": {
        "edit": EDIT,
        "timestamp": TIMESTAMP,
        "lookup": LOOKUP,
        "validate": VALIDATE,
        "envelope": ENVELOPE,
    },
    "Counting": {
        "join": JOIN,
        "count": COUNT,
        "tally": TALLY,
    },
    "Ends": {"format": FORMAT, **sinks.BUILTINS},
}
"""All built-ins, in the order of docs/PROCESSORS.md."""

BUILTINS = {name: builtin for family in FAMILIES.values() for name, builtin in family.items()}
