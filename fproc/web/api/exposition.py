"""Figures as the text that Prometheus reads, in the format 0.0.4 or as OpenMetrics 1.0.0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fproc.base.values import dataclass

Sample = tuple[str, Mapping[str, str], float]
"""The suffix of the family's name, labels, value."""


@dataclass(frozen=True, slots=True)
class Family:
    """The samples of one name; a counter's name is without `_total`."""

    name: str
    type: str
    help: str
    samples: Sequence[Sample]


def metrics_content_type(*, openmetrics: bool = False) -> str:
    """Return the media type of the text."""
    if openmetrics:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return "text/plain; version=0.0.4; charset=utf-8"


def render_families(families: Iterable[Family], *, openmetrics: bool) -> str:
    """Return the text of families; those without samples are left out."""
    lines = [line for family in families for line in _lines(family, openmetrics=openmetrics)]
    return "\n".join([*lines, "# EOF", ""] if openmetrics else [*lines, ""])


def _lines(family: Family, *, openmetrics: bool) -> Iterator[str]:
    if not family.samples:
        return
    suffix = "_total" if family.type == "counter" and not openmetrics else ""
    yield f"# HELP {family.name}{suffix} {family.help}"
    yield f"# TYPE {family.name}{suffix} {family.type}"
    for name, labels, value in family.samples:
        joined_labels = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield (
            f"{family.name}{name}{{{joined_labels}}} {value}"
            if joined_labels
            else f"{family.name}{name} {value}"
        )


def _escaped(label: str) -> str:
    r"""Return a label's value; what cannot be written as UTF-8 becomes `\uXXXX`."""
    label = label.encode("utf-8", "backslashreplace").decode()
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
