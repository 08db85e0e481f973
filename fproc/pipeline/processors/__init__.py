"""The built-in processors, a module a family.

A processor knows lines, tags and its own state, never files or folders. Begin with `base`: what a processor
is to the engine, and what a built-in declares about itself; `builtins` is the table of their names.
"""
