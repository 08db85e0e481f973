"""`pipeline.json` and `.env`: from text to frozen dataclasses, or to every problem at once.

What settings mean for the work does not belong here, nor do flags and environment variables (`cli.settings`).
Begin with `model`, which is the configuration as the rest of fproc sees it, and declares each key where its
field is; `keys` reads it.
"""
