"""Who may use results: what the folder that they appear in passes on to files that are made in it.

Results grow in another folder, the stage. So the stage is given the same: the group, if the folder is
setgid, and the default ACL. Then the kernel gives both to each part as it is made, and no call is needed for
it. A result that appears in a folder which passes on something else is given that before its commit.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import struct

from fproc.base.errors import reason_of
from fproc.base.text import shown
from fproc.base.values import dataclass

log = logging.getLogger("fproc.spool")

_DEFAULT_ACL = "system.posix_acl_default"
_ACCESS_ACL = "system.posix_acl_access"
_NO_ACL = frozenset({errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM, errno.ENOSYS})
_ENTRY = struct.Struct("<HHI")
_HEADER_BYTES = 4
_USER_OBJ, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x04, 0x10, 0x20
_NEW_FILE = 0o666


@dataclass(frozen=True, slots=True)
class Access:
    """What a folder passes on to new files.

    That is the group, or None for that of their maker, and the default ACL, or b"" if there is none.
    """

    group: int | None = None
    acl: bytes = b""

    @classmethod
    def of(cls, folder: str) -> Access:
        """Return what a folder passes on.

        Raises:
            OSError: it is not there.
        """
        status = os.stat(folder)
        return cls(status.st_gid if status.st_mode & stat.S_ISGID else None, _acl_of(folder, _DEFAULT_ACL))

    def give_to_folder(self, folder: str) -> None:
        """Make a folder of this user's pass on the same; say what is refused.

        A user who is not in that group may not give it away.
        """
        try:
            status = os.stat(folder)
            mode = stat.S_IMODE(status.st_mode)
            if self.group is not None and self.group != status.st_gid:
                os.chown(folder, -1, self.group)
            wanted = mode & ~stat.S_ISGID | (stat.S_ISGID if self.group is not None else 0)
            if mode != wanted:
                os.chmod(folder, wanted)
            if _acl_of(folder, _DEFAULT_ACL) != self.acl:
                _set_acl(folder, _DEFAULT_ACL, self.acl)
        except OSError as error:
            _warn(folder, error)

    def give_to_file(self, path: str) -> None:
        """Give a new file of this user's what it would have got in such a folder; say what is refused."""
        try:
            group = os.getegid() if self.group is None else self.group
            if os.stat(path).st_gid != group:
                os.chown(path, -1, group)
            if self.acl:
                _set_acl(path, _ACCESS_ACL, _for_new_file(self.acl))
            else:
                if _acl_of(path, _ACCESS_ACL):
                    _set_acl(path, _ACCESS_ACL, b"")
                os.chmod(path, _NEW_FILE & ~_umask())
        except OSError as error:
            _warn(path, error)


def _warn(path: str, error: OSError) -> None:
    what = "results may get another group or ACL than their folder says"
    log.warning("%s: %s: %s", shown(path), what, reason_of(error))


def _acl_of(path: str, name: str) -> bytes:
    try:
        return os.getxattr(path, name)
    except OSError as error:
        if error.errno not in _NO_ACL:
            raise
        return b""


def _set_acl(path: str, name: str, acl: bytes) -> None:
    if acl:
        os.setxattr(path, name, acl)
    else:
        os.removexattr(path, name)


def _for_new_file(acl: bytes) -> bytes:
    """Return the ACL that a new file gets from a default one: that, without what no file is made with.

    The system does the same (posix_acl_create_masq): owner, mask (or group, if there is none) and others get
    at most what the mode says that the file is made with.
    """
    entries = [_ENTRY.unpack_from(acl, place) for place in range(_HEADER_BYTES, len(acl), _ENTRY.size)]
    of_group = _MASK if any(tag == _MASK for tag, _, _ in entries) else _GROUP_OBJ
    most = {_USER_OBJ: _NEW_FILE >> 6 & 7, of_group: _NEW_FILE >> 3 & 7, _OTHER: _NEW_FILE & 7}
    packed = (_ENTRY.pack(tag, rights & most.get(tag, 7), who) for tag, rights, who in entries)
    return acl[:_HEADER_BYTES] + b"".join(packed)


def _umask() -> int:
    """Return the process's umask, without changing it for the other threads, as far as the system tells."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o077
