"""Processes of fproc: how they are started, what they tell each other, and where they stand.

What they work on does not belong here. Begin with `children`.
"""
