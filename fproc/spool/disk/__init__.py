"""The system calls that change a spool, and what is found out about filesystems.

Nothing here knows what an input is. Begin with `disk`: one method a call, which tests replace to crash
between them.
"""
