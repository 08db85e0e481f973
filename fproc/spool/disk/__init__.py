"""The system calls that change a spool, and facts about its filesystems.

Nothing here decides anything about an input. Begin with `disk`: one method for each call, so that tests can
crash between any two of them.
"""
