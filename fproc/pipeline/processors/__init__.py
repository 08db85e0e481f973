"""The built-in processors, a module a family.

A processor knows lines, tags and its own state, never files or folders. Begin with `base`: the shape of a
processor, and what a built-in declares about itself; `builtins` is the table of their names.
"""
