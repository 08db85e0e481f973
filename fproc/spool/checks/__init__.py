"""Checks that a spool can be worked in: its identity, its disks, moves, and the clock.

Nothing here handles inputs. Begin with `home`, which is asked before every commit; `doctor` is `--doctor`.
"""
