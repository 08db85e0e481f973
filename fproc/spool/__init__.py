"""The durable part: folders in which an input is always in exactly one state, whatever dies when.

Every rename, link, unlink, fsync and lock of fproc is in here; nothing in here knows what lines mean.
docs/SPOOL.md has the states and the order of the calls. Begin with `spool`, which the loop and its workers
call. The command line and the dashboard also use `intake` (uploads, requeue, status), `checks.doctor` and
`output.direct`.
"""
