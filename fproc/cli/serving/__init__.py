"""What `--watch` serves: the loop with all that goes with it, and how a new version of it is loaded.

Begin with `watch`.
"""
