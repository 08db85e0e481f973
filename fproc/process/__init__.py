"""Processes of fproc: starting them, the messages between them, and their current work.

What they work on does not belong here. Begin with `children`.
"""
