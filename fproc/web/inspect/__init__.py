"""One file on the dashboard: where it is and why, its bytes, what became of a line; and failures by kind.

Begin with `details`.
"""
