"""The base of everything else: errors, text for people, times, checked JSON, standard output.

Nothing here knows of pipelines, spools or processes, and nothing here imports any other folder of fproc.
Begin with `errors` (every error says what, where and what to do) and `faults` (whose trouble an error is).
"""
