"""Intake and archive: scans, uploads, the status of inputs, requeued and expired files.

How an input is claimed and committed is in `spool.job`. Begin with `scanner`.
"""
