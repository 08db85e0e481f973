"""The command line: one action a call, and where clock, output and log are wired together.

What an action does in depth is in the folders below. Begin with `main`, then `actions`.
"""
