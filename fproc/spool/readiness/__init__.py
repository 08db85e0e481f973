"""What makes a file in `unprocessed/` an input, and whether it is there whole.

This only looks; nothing here changes a folder. Begin with `looks`; `evidence` asks the kernel who is writing.
"""
