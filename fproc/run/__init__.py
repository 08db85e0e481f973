"""One input through a pipeline, from claim to verdict.

Nothing here looks for inputs or chooses which is next. Begin with `attempt`, then `run`.
"""
