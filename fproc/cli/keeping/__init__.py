"""What an operator asks of what is kept, and removes of it.

Begin with `past`, which shows history and lines that were set aside; `prune` removes what is old.
"""
