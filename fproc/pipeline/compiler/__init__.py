"""The fast form of a graph: one Python function, made from its nodes.

The interpreter is the reference: this is correct if it gives the same results. Nothing here decides what a
pipeline means. Begin with `program` (which compiles the function, and compiles it again once it knows what
users' processors return), then `generator`, which writes its source.
"""
