"""Readiness: which files in `unprocessed/` are inputs, and whether they are complete.

This only looks; nothing here changes a folder. Begin with `looks`; `evidence` asks the kernel who is writing.
"""
