"""Which filesystem a path is on, as /proc/self/mountinfo tells it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fproc.spool.disk.mounts import filesystem_type, is_local

ROOT = "27 1 0:901 / / rw,relatime - ext4 /dev/vda rw,discard"


def test_the_deepest_mount_above_a_path_holds_it(mounts: Callable[..., None]) -> None:
    mounts(
        ROOT,
        "30 27 0:902 / /srv/none rw - xfs /dev/vdb rw",
        "31 30 0:903 / /srv/none/deep rw shared:1 master:2 - nfs4 server:/export rw,vers=4.2",
    )
    assert filesystem_type("/nowhere") == "ext4"
    assert filesystem_type("/srv/none") == "xfs"
    assert filesystem_type("/srv/none/deeper") == "xfs"
    assert filesystem_type("/srv/none/deep/w/unprocessed") == "nfs4"
    assert [is_local(path) for path in ("/nowhere", "/srv/none", "/srv/none/deep")] == [True, True, False]


def test_of_two_mounts_at_one_place_the_later_one_counts(mounts: Callable[..., None]) -> None:
    mounts(
        ROOT,
        "30 27 0:902 / /srv/none rw - autofs systemd-1 rw",
        "31 30 0:903 / /srv/none rw - cifs //server/share rw",
    )
    assert filesystem_type("/srv/none/w") == "cifs"
    assert is_local("/srv/none/w") is False


def test_mount_points_with_unusual_names_are_read(mounts: Callable[..., None]) -> None:
    mounts(
        ROOT,
        r"30 27 0:902 / /srv/no\040such\011folder rw - fuse.sshfs me@host:/a\040b rw",
        r"31 27 0:903 / /srv/back\134slash rw - 9p host rw",
        r"32 27 0:904 / /srv/ünïcode rw - virtiofs host rw",
    )
    assert filesystem_type("/srv/no such\tfolder/w") == "fuse.sshfs"
    assert filesystem_type("/srv/back\\slash/w") == "9p"
    assert filesystem_type("/srv/ünïcode") == "virtiofs"


def test_a_bind_mount_has_the_type_of_what_is_bound(mounts: Callable[..., None]) -> None:
    mounts(ROOT, "30 27 0:903 /exported/inbox /srv/none/inbox rw,bind - nfs4 server:/export rw")
    assert filesystem_type("/srv/none/inbox/x") == "nfs4"
    assert filesystem_type("/srv/none") == "ext4"


def test_a_mount_that_is_hidden_by_one_further_up_does_not_count(
    mounts: Callable[..., None], tmp_path: Path
) -> None:
    device = os.stat(tmp_path).st_dev
    mounts(
        ROOT,
        f"30 27 0:902 / {tmp_path}/inbox rw - ext4 /dev/vdb rw",
        f"31 27 {os.major(device)}:{os.minor(device)} / {tmp_path} rw - nfs4 server:/export rw",
    )
    (tmp_path / "inbox").mkdir()
    assert filesystem_type(str(tmp_path / "inbox")) == "nfs4"


def test_a_symbolic_link_is_followed_to_the_filesystem_that_it_leads_to(
    mounts: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "w").symlink_to("/srv/none/w")
    mounts(ROOT, "30 27 0:902 / /srv/none rw - nfs4 server:/export rw")
    assert filesystem_type(str(tmp_path / "w")) == "nfs4"
