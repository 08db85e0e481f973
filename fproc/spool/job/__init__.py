"""One input from claim to archive: its job folder, checkpoints, commit record, and what comes after.

This is the commit protocol. `spool.spool` leads to it; a run works through the `Claim` that it was given.
Begin with `commit`, the commit record, and `claim`, which leads up to it; `group` does the same for many
small inputs at once.
"""
