"""The built-in processors, a module a family.

A processor knows lines, tags and what it remembers, never files or folders. Begin with `base`: what a
processor is to the engine, and what a built-in declares of itself; `builtins` is the table of their names.
"""
