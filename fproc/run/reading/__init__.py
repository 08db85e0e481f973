"""An input as it lies on a disk, made into records: decompressed, decoded, cut.

`inputs` opens a file and puts the steps together, `framing` makes records of what it reads. Nothing here
knows of nodes or of the spool. Begin with `inputs`.
"""
