"""Knowledge about the work: events, history, figures, health, traces.

Nothing here decides anything about a file. Begin with `recorder`, which the loop tells everything, and which
feeds the rest.
"""
