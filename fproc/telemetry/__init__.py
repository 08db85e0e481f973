"""What is known about the work: events, history, figures, health, traces.

Nothing here decides anything about a file. Begin with `recorder`, which is told of everything.
"""
