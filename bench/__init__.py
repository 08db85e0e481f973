"""fproc measured beside other programs: `python -m bench`, all on one machine, in one run."""
