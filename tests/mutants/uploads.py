"""Uploads, and what a crash leaves of them."""

from __future__ import annotations

from tests.support.mutation import UPLOAD_CRASHES, UPLOAD_TESTS, mutant, without

UPLOAD_CRASH = UPLOAD_CRASHES + "test_a_crash_before_any_call_leaves_files_whole_or_absent"
UPLOAD_POWER = UPLOAD_CRASHES + "test_power_loss_before_any_call_leaves_files_whole_or_absent"
SWEPT = UPLOAD_CRASHES + "test_a_second_crash_in_the_sweep_changes_nothing_either[renameat2-marker-1]"
SWEPT_POWER = UPLOAD_CRASHES + "test_power_loss_in_the_sweep_after_a_crash_changes_nothing_either"

UPLOADS = [
    without(
        "the contents of an upload are not fsynced",
        "intake/uploads",
        "self._disk.sync(self._descriptor)",
        f"{UPLOAD_POWER}[none-before-rename]",
    ),
    without(
        "unprocessed/ is not fsynced when uploads are published",
        "intake/uploads",
        "self._disk.sync_folder(self._unprocessed)",
        f"{UPLOAD_POWER}[none-before-rename]",
    ),
    mutant(
        "an upload replaces what has its name",
        "intake/uploads",
        ("self._disk.move(self._own(file.target)", "self._disk.replace(self._own(file.target)"),
        UPLOAD_TESTS + "test_a_name_that_is_taken_in_the_last_moment_is_not_replaced[rename]",
    ),
    mutant(
        "an upload is not held while it grows",
        "intake/uploads",
        (
            "return Upload(self, hold)",
            "upload = Upload(self, hold)\n            hold.release()\n            return upload",
        ),
        UPLOAD_TESTS + "test_a_sweep_leaves_live_uploads_alone_and_removes_those_of_the_dead[False]",
    ),
    mutant(
        "an upload is let go of before it is removed",
        "intake/uploads",
        (
            "        files = os.path.join(hold.folder, _FILES)\n        try:",
            "        files = os.path.join(hold.folder, _FILES)\n        hold.release()\n        try:",
        ),
        UPLOAD_TESTS + "test_files_arrive_whole_with_their_sizes_and_digests",
        and_edit=("        finally:\n            hold.release()", "        finally:\n            pass"),
    ),
    mutant(
        "the markers of uploads that were published are not finished after a crash",
        "intake/uploads",
        ("self.make_ready(files)\n                self._drop", "self._drop"),
        f"{UPLOAD_CRASH}[renameat2-before-marker]",
    ),
    mutant(
        "a marker is given to whatever file has the name of an upload",
        "intake/uploads",
        ("(target not in names or same_file(private, published))", "True"),
        f"{UPLOAD_CRASH}[renameat2-during-marker]",
    ),
    mutant(
        "an upload whose move by link was broken off gets no marker",
        "intake/uploads",
        (" or same_file(private, published)", ""),
        f"{UPLOAD_CRASH}[link and unlink-before-marker]",
    ),
    mutant(
        "an upload's files are removed before their markers",
        "intake/uploads",
        ("self._drop_markers(files)\n", "pass\n"),
        SWEPT,
    ),
    without(
        "the absence of an upload's markers is not fsynced",
        "intake/uploads",
        "if markers:\n            self.disk.sync_folder(files)",
        f"{SWEPT_POWER}[the newest change-1]",
    ),
    mutant(
        "an upload gets another name while it has its marker",
        "intake/uploads",
        (
            "self._disk.unlink(self._own_marker(file.target))",
            "old = self._own_marker(file.target)",
        ),
        f"{UPLOAD_CRASH}[renameat2-during-marker]",
        and_edit=(
            "            self._mark([file])",
            "            self._disk.unlink(old)\n            self._mark([file])",
        ),
    ),
    mutant(
        "the absence of a marker is not fsynced before its upload gets another name",
        "intake/uploads",
        (
            "self._own_marker(file.target))\n            self._disk.sync_folder(self._private)",
            "self._own_marker(file.target))",
        ),
        f"{UPLOAD_POWER}[the newest change-during-marker]",
    ),
    mutant(
        "an upload's name is not fsynced before its marker is made",
        "intake/uploads",
        ("self._disk.sync_folder(self._private)\n        for", "for"),
        f"{UPLOAD_POWER}[the newest name-during-marker]",
    ),
    mutant(
        "an upload's marker is not fsynced",
        "intake/uploads",
        (
            "self._own_marker(file.target)))\n        self._disk.sync_folder(self._private)",
            "self._own_marker(file.target)))",
        ),
        f"{UPLOAD_POWER}[none-before-marker]",
        f"{UPLOAD_POWER}[none-during-marker]",
    ),
    without(
        "the name of the folder of an upload's files is not fsynced",
        "intake/uploads",
        "self._disk.sync_folder(self._hold.folder)",
        f"{UPLOAD_POWER}[none-before-marker]",
    ),
    without(
        "the name of an upload's own folder is not fsynced",
        "intake/uploads",
        "self._hold.make_durable()",
        f"{UPLOAD_POWER}[none-before-marker]",
    ),
    mutant(
        "an upload's name is not fsynced before its marker gets its own",
        "intake/uploads",
        ("self.disk.sync_folder(waiting)\n            self._leave_one", "self._leave_one"),
        f"{SWEPT_POWER}[the newest change-1]",
    ),
    mutant(
        "a marker that an upload was given is not fsynced",
        "intake/uploads",
        (
            "os.path.join(waiting, marker))\n            self.disk.sync_folder(waiting)",
            "os.path.join(waiting, marker))",
        ),
        f"{UPLOAD_POWER}[none-before-marker]",
    ),
]
