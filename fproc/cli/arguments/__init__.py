"""The command line, from words to values.

Begin with `table`, which has the actions, and `options`; `quick` reads the usual calls, `parser` all others.
"""
