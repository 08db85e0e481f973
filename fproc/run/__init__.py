"""One input through a pipeline, from claim to verdict.

Nothing here looks for inputs or chooses which is next. Begin with `attempt` (a claimed file, up to its
commit), then `run`, which feeds its lines to the pipeline.
"""
