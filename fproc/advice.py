"""What `--check` warns of: a pipeline that is valid and will hardly do what was meant."""

from __future__ import annotations

from fproc.plan import Plan


def warnings(plan: Plan) -> list[str]:
    """Return what looks like a mistake in a pipeline, a message each."""
    return [f"no line can reach the node {name!r}" for name in plan.graph.unreachable()]
