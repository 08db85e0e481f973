"""What a pipeline means: records, the graph, and what carries lines through it.

Nothing here opens a file, knows a folder or starts a process. Begin with `interpreter`, whose `push` is the
specification; `compiler` is the same, faster, and `plan` is a configuration made ready to run.
"""
