"""The meaning of a pipeline: records, the graph, and the engines that carry lines through it.

Nothing here opens an input or a result, knows the spool or starts a process. Begin with `interpreter`, whose
`push` is the specification; `compiler` does the same, faster, and `plan` is a configuration made ready to
run.
"""
