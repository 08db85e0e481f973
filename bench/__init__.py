"""fproc measured beside other programs: `python -m bench`, all on one host, in one run."""
