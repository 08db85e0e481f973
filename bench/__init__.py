"""What fproc takes, beside what others take: `python -m bench` on one machine, in one run."""
