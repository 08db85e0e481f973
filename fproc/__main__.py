"""`python -m fproc`."""

from fproc.cli.main import run

if __name__ == "__main__":
    run()
