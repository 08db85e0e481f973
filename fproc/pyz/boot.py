"""The first code that runs in fproc.pyz: its `__main__`.

It says so when Python is too old, so it is written for every Python back to 2.7. Then it copies the archive into
memory, and nothing is read from the file any more: that may be replaced or removed while fproc runs. Modules come
from a folder of the user's own that the archive was unpacked to, which is faster, or from the copy where there is
no such folder, or no more. Processes that are started later inherit the copy, and run this code out of it.
"""

import os
import sys

OLDEST = (3, 10)

SITE = "site-packages"

NO_EXECUTION = 0x0008

BUILD = ""
"""The id of the build: `build` writes it here, so that no start has to look for it in the archive."""


def main():
    if sys.version_info < OLDEST:
        say(
            "this is Python %d.%d, and fproc needs Python %d.%d or newer; "
            "name a newer one: python3.12 fproc.pyz ..." % (sys.version_info[:2] + OLDEST)
        )
        return 78
    if os.getpid() == 1:
        end_when_told()
    path = os.path.dirname(os.path.abspath(__file__))
    copy, descriptor = copied(path) or (path, None)
    cache = None
    root = os.environ.get("SHIV_ROOT") or cache_folder()
    if root:
        cache = os.path.join(os.path.expanduser(root), "fproc.pyz_" + BUILD)
        if not os.path.isdir(os.path.join(cache, SITE)) and not unpacked(copy, cache):
            cache = None
    sys.path[0] = os.path.join(cache or copy, SITE)
    use(copy, descriptor, BUILD, cache)
    return run()


def say(what):
    if sys.stderr is not None:
        sys.stderr.write("fproc: " + what + "\n")


def end_when_told():
    """Exit at SIGTERM; `fproc.cli.main` says why."""
    import signal

    status = 0 if "--watch" in sys.argv else 130
    signal.signal(signal.SIGTERM, lambda *_: os._exit(status))


def copied(path):
    """Return the path of a copy of the archive in memory, and its descriptor; None if that is impossible."""
    import fcntl

    with open(path, "rb") as file:
        data = file.read()
    for flags in (NO_EXECUTION, 0):
        try:
            first = os.memfd_create("fproc.pyz", os.MFD_CLOEXEC | flags)
        except (AttributeError, OSError):
            continue
        try:
            # Not where a standard descriptor is closed: this number would be taken for it.
            descriptor = fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, 3)
        finally:
            os.close(first)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        copy = "/proc/self/fd/%d" % descriptor
        return (copy, descriptor) if os.path.isfile(copy) else None
    return None


def cache_folder():
    """Return a folder that is the user's own, or None. Never one that others could have prepared."""
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


def unpacked(copy, cache):
    """Unpack the modules to a folder, which appears whole or not at all, even after power loss."""
    try:
        import compileall
        import glob
        import shutil
        import zipfile
    except ImportError:
        return False  # Debian's python3-minimal: said when fproc runs
    partial = cache + "." + os.urandom(4).hex()
    try:
        os.makedirs(partial)
        with zipfile.ZipFile(copy) as archive:
            archive.extractall(partial, [name for name in archive.namelist() if name.startswith(SITE)])
        compileall.compile_dir(partial, quiet=2)
        for folder, _, names in os.walk(partial):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    os.fsync(file.fileno())
        os.rename(partial, cache)
    except (OSError, RuntimeError, zipfile.BadZipFile):
        shutil.rmtree(partial, ignore_errors=True)
    is_there = os.path.isdir(os.path.join(cache, SITE))  # another one may have been quicker
    if is_there:
        for leftover in glob.glob(glob.escape(cache) + ".*"):  # of killed or slower processes
            shutil.rmtree(leftover, ignore_errors=True)
    return is_there


class Archive(object):
    """Finds fproc's modules: in the folder that they were unpacked to, else in the copy of the archive.

    `fproc.base.own_code` tells what its attributes are for.
    """

    def __init__(self, copy, descriptor, build, cache):
        from importlib.machinery import PathFinder

        self.search = PathFinder.find_spec
        self.copy = copy
        self.descriptor = descriptor
        self.build = build
        self.cache = cache
        self.roots = [os.path.join(folder, SITE) for folder in (cache, copy) if folder]

    def find_spec(self, name, path=None, target=None):
        """Find a module of fproc, wherever its package was found, and before anybody else's `fproc`."""
        folders = name.split(".")[:-1]
        if name != "fproc" and (not folders or folders[0] != "fproc"):
            return None
        return self.search(name, [os.path.join(root, *folders) for root in self.roots])

    def read(self, name):
        """Return the contents of a file that is in the archive with the modules."""
        from zipimport import zipimporter

        return zipimporter(self.copy).get_data(os.path.join(self.copy, SITE, name))


def use(copy, descriptor, build, cache):
    """Take fproc's modules from there from now on; processes that are started later call this, too."""
    archive = Archive(copy, descriptor, build, cache)
    if build != BUILD:
        raise ImportError("another build lies there by now")
    sys.meta_path.insert(0, archive)
    from fproc.base import own_code

    own_code.archive = archive


def run():
    from fproc.cli.main import run as fproc_run

    fproc_run()


if __name__ == "__main__":
    sys.exit(main())
