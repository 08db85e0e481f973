"""What is known about the work: events, history, figures, health, traces.

Nothing here decides anything about a file. Begin with `recorder`, to which everything is told.
"""
