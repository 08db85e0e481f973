"""Built-ins that choose, count, check and change records and lines by their fields.

Begin with `values`: what a field is, and how two values compare.
"""
