"""Results while they grow, and how they are published without a spool.

When they are published is decided in `spool.job`. Begin with `parts`.
"""
