"""One big file done by several processes: the chunks that it is cut into, and the helpers that do them.

Begin with `chunks`.
"""
