"""Who may ask, and how much: what is counted for each address, and for all of them together.

Nothing here knows HTTP. Begin with `tokens`.
"""
