"""Processes of fproc: starting them, the messages between them, and their current work.

What they work on does not belong here. Begin with `children`, which starts them; `ipc` has the messages,
`mark` the current work in shared memory, and `stalls` finds those that make no progress.
"""
