"""The options of built-ins: what kinds there are, templates, and the check of a node's `config`.

Begin with `kinds`, the table of all kinds; `checks` has the call that others use.
"""
