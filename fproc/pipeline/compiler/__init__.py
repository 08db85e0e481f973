"""The fast form of a graph: one Python function, made from its nodes.

The interpreter is the reference; this is right if its results are the same. Nothing here decides what a
pipeline means. Begin with `program` (the function, compiled, and again once more is known), then
`generator`, which writes it.
"""
