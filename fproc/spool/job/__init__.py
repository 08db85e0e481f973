"""One input from claim to archive: its job folder, checkpoints, the commit record, and what follows.

This is the commit protocol; only `spool.spool` and `spool.intake` call it. Begin with `commit`, the record
that decides, and `claim`, which leads to it; `group` does the same for many small inputs at once.
"""
