"""The first code that runs in fproc.pyz: its `__main__`.

It says so when Python is too old, so it is written for every Python back to 2.7. Then it finds a folder of
the user's own for shiv to unpack into, and where there is none runs straight from the archive.
"""

import os
import sys

OLDEST = (3, 10)


def main():
    if sys.version_info < OLDEST:
        sys.stderr.write(
            "fproc: this is Python %d.%d, and fproc needs Python %d.%d or newer; "
            "name a newer one: python3.12 fproc.pyz ...\n" % (sys.version_info[:2] + OLDEST)
        )
        return 78
    root = os.environ.get("SHIV_ROOT") or cache_folder()
    if root and unpacked(root):
        return run()
    return run_from_archive()


def cache_folder():
    """A folder that is the user's own, or None. Never one that others could have prepared."""
    candidates = [os.environ.get(name, "").split(":")[0] for name in ("CACHE_DIRECTORY", "STATE_DIRECTORY")]
    if os.environ.get("XDG_CACHE_HOME"):
        candidates.append(os.path.join(os.environ["XDG_CACHE_HOME"], "fproc"))
    home = os.path.expanduser("~")
    if os.path.isabs(home) and os.path.isdir(home):
        candidates.append(os.path.join(home, ".cache", "fproc"))
    for path in candidates:
        if path and os.path.isabs(path) and is_own(path):
            return path
    return None


def is_own(path):
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        status = os.stat(path)
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022 and os.access(path, os.W_OK | os.X_OK)


def unpacked(root):
    """Let shiv unpack into `root` and put it on `sys.path`; False if that cannot be done."""
    from _bootstrap import cache_path, current_zipfile, extract_site_packages
    from _bootstrap.environment import Environment

    try:
        with current_zipfile() as archive:
            environment = Environment.from_json(archive.read("environment.json").decode())
            folder = cache_path(archive, root, environment.build_id)
            site_packages = os.path.join(str(folder), "site-packages")
            if not os.path.isdir(site_packages) or environment.force_extract:
                extract_site_packages(
                    archive, folder, environment.compile_pyc, environment.compile_workers, environment.force_extract
                )
    except (OSError, RuntimeError, AttributeError):
        return False
    sys.path.insert(0, site_packages)
    return True


def run_from_archive():
    sys.path.insert(0, os.path.join(os.path.abspath(sys.argv[0]), "site-packages"))
    return run()


def run():
    from fproc.cli import main as fproc_main

    return fproc_main()


if __name__ == "__main__":
    sys.exit(main())
