"""The files to install fproc with, as `--print` writes them; one module a kind.

Begin with `kinds`, which has the table of them. A new kind is a module with a function that takes an
`Installation` and returns the file's text, and a line in that table.
"""
