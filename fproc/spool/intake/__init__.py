"""Files on their way in, out and back: scans, uploads, what waits and why, requeued and old files.

How an input is claimed and committed is in `spool.job`. Begin with `scanner`.
"""
