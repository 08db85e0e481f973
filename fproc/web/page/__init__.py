"""The page and the log-in form, as the browser gets them.

Begin with `pages`, which puts them together.
"""
