"""Many inputs: when to look, what is next, and the workers that do it.

What happens to one file is in `run`; what is durable is in `spool`. Begin with `loop`, then the folder
`workers`.
"""
