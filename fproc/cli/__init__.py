"""The command line: one action a call, and where clock, output and log are wired together.

What an action does in depth is in the other folders; nothing imports this one. Begin with `main`, which has
the table of actions, then `actions`, which has their functions.
"""
