"""The holders of jobs: by locks of the kernel, or by leases where several hosts share the folder.

What a holder does with its job is not known here. Begin with `locks`, which says what both ways promise;
`instance` is the file by which `--status` finds each running fproc.
"""
