"""Whether a spool can be worked in: its identity, its disks, moves, and the clock.

Nothing here handles inputs. Begin with `home`, which every decision asks; `doctor` is for `--doctor`.
"""
