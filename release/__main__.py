"""`python -m release package` and `publish`, for `make package` and `make publish`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from release.build import Build, build_of
from release.package import make_packages
from release.publish import INDEXES, publish

PROJECT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Do what the command line says, and return the exit status."""
    arguments = _parser().parse_args()
    try:
        arguments.do(build_of(PROJECT), arguments)
    except subprocess.CalledProcessError as error:
        said = "".join(text for text in (error.stdout, error.stderr) if text)
        print(f"{' '.join(error.cmd)} failed\n{said}", file=sys.stderr)
        return 1
    except (OSError, ValueError, EOFError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m release", description="make packages, and upload them")
    parser.add_argument("--folder", type=Path, default=PROJECT / "dist", help="where packages are")
    verbs = parser.add_subparsers(required=True)
    package = verbs.add_parser("package", help="make all packages")
    package.set_defaults(do=_package)
    upload = verbs.add_parser("publish", help="upload wheel and sdist; without --upload, a dry run")
    upload.add_argument("--repository", choices=INDEXES, default="testpypi")
    upload.add_argument("--upload", action="store_true", help="ask, and upload")
    upload.set_defaults(do=_publish)
    return parser


def _package(build: Build, arguments: argparse.Namespace) -> None:
    if not build.is_committed:
        print("warning: there are changes that are not committed; --version will say so", file=sys.stderr)
    for path in make_packages(build, arguments.folder.absolute()):
        print(f"{path} ({path.stat().st_size:,} bytes)")


def _publish(build: Build, arguments: argparse.Namespace) -> None:
    print(publish(build, arguments.folder, arguments.repository, is_rehearsal=not arguments.upload))


if __name__ == "__main__":
    sys.exit(main())
