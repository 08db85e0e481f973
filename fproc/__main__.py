"""`python -m fproc`."""

import sys

from fproc.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
