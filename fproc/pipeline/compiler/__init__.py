"""The fast form of a graph: one Python function, made from its nodes.

The interpreter says what is right; this is right if it gives the same. Nothing here decides what a pipeline
means. Begin with `program` (the function, compiled, and again once more is known), then `generator`, which
writes it.
"""
