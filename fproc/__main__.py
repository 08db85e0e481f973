"""`python -m fproc`."""

import sys

from fproc.cli import main

if __name__ == "__main__":
    sys.exit(main())
