"""One input from claim to archive: its job folder, checkpoints, commit record, and what comes after.

This is the commit protocol; only `spool.spool` and `spool.intake` call it. Begin with `commit`, the commit
record, and `claim`, which leads to it; `group` does the same for many small inputs at once.
"""
