"""The workers: processes that do files, the pool of them, and what loop, pool and workers tell each other.

Begin with `interface`, which is all that the loop knows of them, then `pool` and `worker`.
"""
