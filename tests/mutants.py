"""Mistakes that someone might make in the commit code, one step each, and the tests that must notice them.

Some are not here, because nothing that can be observed depends on the step:

- The fsync of underprocess/ when the input goes to the folder of a lease: the same file under both names is
  known for one, and the last fsync of the archiving settles it.
- The fsync in recovery of the names that parts were given before a crash: a journal keeps a rename whole, and
  without one the first name is still there.
- A checkpoint that a new claim leaves there: it counts only for the same file under the same pipeline and
  with all its parts, and then it gives the same results.
"""

from __future__ import annotations

from tests.mutation import (
    ARRIVAL,
    CALLS,
    DIRECT,
    GAPS,
    GROUP,
    LATE_WRITERS,
    LEASES,
    MEDDLING,
    SHARING,
    SPOOL,
    SWEEP,
    UNJOURNALED,
    VANISHED,
    crash,
    mutant,
    others_fsync,
    power,
    power_after_crash,
    without,
)

POWER = power("two results, alone")
OTHERS_FSYNC = others_fsync("two results, alone")
CRASH = crash("two results, alone")
FAULT = (
    f"{SWEEP}test_a_disk_that_refuses_pauses_intake_and_costs_the_file_nothing[once-EIO-two results, alone]"
)
_AGAIN = SWEEP + "test_a_file_that_is_handed_in_again_is_processed_again_whatever_was_left_of_it"
HANDED_IN = f"{_AGAIN}[two results, alone]"
HANDED_BACK = SWEEP + "test_a_file_that_is_handed_in_again_at_once_is_processed_again_after_power_loss"
TAKEN_NAME = SWEEP + "test_a_file_that_takes_a_result_s_name_before_recovery_is_not_replaced"
FIRST_START = SWEEP + "test_what_is_done_at_the_very_first_start_survives_power_loss"
BESIDE = SWEEP + "test_a_result_that_was_published_beside_the_spool_survives_power_loss"
WITH_LEASES = "test_power_loss_before_any_call_changes_nothing_with_leases_either[lose_power-two results]"
LEASE_POWER = GAPS + WITH_LEASES
HOLLOW = GAPS + "test_a_file_that_survives_power_loss_without_its_contents_deceives_nobody[checkpoints]"
FSYNC_FAILS = GAPS + "test_an_fsync_that_fails_is_noticed_and_costs_the_file_nothing[two results]"
SECOND_FILE = GAPS + "test_a_second_file_of_the_name_that_is_claimed_before_any_recovery_mixes_with_nothing"

FORM = "tests/unit/test_format.py::test_what_has_the_new_form_has_its_number_after_power_loss_too"

NOTHING = "id("
"""Called instead of what is left out, so that the arguments stay as they are."""

FSYNCS = [
    mutant("the contents of parts are not fsynced", "staging", ("self._disk.sync(", NOTHING), POWER),
    mutant("the stage folder is not fsynced", "staging", ("self._disk.sync_folder(", NOTHING), POWER),
    mutant("the contents of records are not fsynced", "disk", (" disk.sync(", f" {NOTHING}"), POWER),
    mutant("the folder of a record is not fsynced", "disk", (" disk.sync_folder(", f" {NOTHING}"), POWER),
    mutant(
        "results are not fsynced into their folder before the input is archived",
        "decision",
        ("disk.sync_folder(folders.absolute(folder))  #", "pass  #"),
        POWER,
    ),
    without(
        "the archive is not fsynced",
        "decision",
        "disk.sync_folder(folders.absolute(decision.archive.folder))",
        POWER,
    ),
    mutant(
        "underprocess/ is not fsynced after the input has left it",
        "decision",
        ("disk.sync_folder(origin)\n    return", "return"),
        POWER,
    ),
    mutant(
        "the folder of a lease is not fsynced when the input goes there",
        "decision",
        ("disk.sync_folder(job_folder)\n        disk", "disk"),
        LEASE_POWER,
    ),
    mutant(
        "the record's own name is not fsynced in recovery",
        "decision",
        ("\n    disk.sync_folder(job_folder)", ""),
        power_after_crash("two results, alone"),
    ),
    mutant(
        "what an input holds is not fsynced by its claim",
        "contents",
        ("errors = disk.sync_all(list(opened.values()))", "errors = [None] * len(opened)"),
        POWER,
    ),
    mutant(
        "what an input holds is fsynced after it was moved",
        "__init__",
        ("synced = sync_contents(self._disk, [waiting]).get(waiting)", "synced = None"),
        OTHERS_FSYNC,
    ),
    without(
        "underprocess/ is not fsynced after a claim",
        "__init__",
        "self._disk.sync_folder(self.folders.underprocess)",
        POWER,
    ),
    without(
        "unprocessed/ is not fsynced after a claim",
        "__init__",
        "self._disk.sync_folder(self.folders.unprocessed)",
        POWER,
    ),
    without(
        "the name of a locked job folder is not fsynced",
        "locks",
        "self._disk.sync_folder(os.path.dirname(self.folder))",
        POWER,
    ),
    without(
        "the name of a lease's job folder is not fsynced",
        "leases",
        "self._disk.sync_folder(os.path.dirname(job))",
        LEASE_POWER,
    ),
    mutant(
        "the name of a lease's generation is not fsynced",
        "leases",
        ("(os.path.dirname(job))\n        self._disk.sync_folder(job)", "(os.path.dirname(job))"),
        LEASE_POWER,
    ),
    without(
        "the stage folder is not fsynced after it was cleaned",
        "jobs",
        "self.disk.sync_folder(self._stage)",
        power("two files, alone"),
    ),
    without(
        "the job folder is not fsynced after it was cleaned",
        "jobs",
        "self.disk.sync_folder(self.folder)",
        HANDED_IN,
    ),
    mutant(
        "lines that were set aside are not fsynced before the decision",
        "claim",
        ("self.job.disk.sync(", NOTHING),
        power("lines that are set aside"),
    ),
    mutant(
        "the name of the lines that were set aside is not fsynced before the decision",
        "claim",
        ("self.job.disk.sync_folder(", NOTHING),
        power("lines that are set aside", by_chance=True),
    ),
    mutant(
        "lines that were set aside are not fsynced before a checkpoint",
        "claim",
        (" job.disk.sync(", f" {NOTHING}"),
        HOLLOW,
    ),
    without("parts are not fsynced before a checkpoint", "claim", "self.staging.sync()", HOLLOW),
    mutant(
        "a checkpoint is written before its parts are fsynced",
        "claim",
        ("self.staging.sync()", "pass"),
        HOLLOW,
        and_edit=("self._saved = checkpoint", "self.staging.sync()\n        self._saved = checkpoint"),
    ),
    mutant(
        "what is written to a part after a checkpoint is not fsynced",
        "staging",
        (" part.is_durable = False", " pass"),
        power("checkpoints"),
    ),
    mutant(
        "the folders of a new spool are not fsynced",
        "folders",
        ("disk.sync_folder(above", "os.fspath(above"),
        FIRST_START,
    ),
    without("the name of a new spool is not fsynced", "folders", "disk.sync_folder(state)", FIRST_START),
    without(
        "the number of a spool's form is not fsynced",
        "format",
        "disk.sync_folder(state)",
        f"{FORM}[older-none]",
    ),
    mutant(
        "a spool is used before the number of its form is there",
        "folders",
        ("    mark(folders.watch, folders.state, disk)\n", ""),
        f"{FORM}[new-none]",
    ),
    mutant(
        "a result beside the spool is not fsynced", "direct", ("self._disk.sync_folder(", NOTHING), BESIDE
    ),
]

STEPS = [
    without(
        "a part is not cut to the size that its checkpoint knows",
        "staging",
        "self._disk.truncate(part.path, part.size_bytes)",
        crash("checkpoints"),
    ),
    without(
        "set-aside lines are not cut to the size that the checkpoint knows",
        "claim",
        "self.job.disk.truncate(path, size_bytes)",
        crash("checkpoints"),
    ),
    mutant(
        "a rename replaces what is there",
        "disk",
        (" self.rename_noreplace(", " self.replace("),
        f"{TAKEN_NAME}[renameat2]",
    ),
    mutant(
        "a move by link that was broken off is not finished",
        "disk",
        (
            "self.link(source, target)\n        except FileExistsError:\n            if",
            "self.link(source, target)\n        except FileExistsError:\n            if source or",
        ),
        crash("two results, alone", "link and unlink"),
    ),
    mutant(
        "the input is archived before its results are published",
        "decision",
        (
            "for index in range(len(decision.publications)):",
            "for index in (len(decision.publications), *range(len(decision.publications))):",
        ),
        GAPS + "test_an_input_is_archived_only_when_its_results_are_there[crash]",
    ),
    mutant(
        "results are published before the commit record",
        "claim",
        (
            "decisions.write(",
            "decisions._move(job.disk, job.folders, job.folder, decision, 0)\n        decisions.write(",
        ),
        CRASH,
    ),
    without("no commit record is written", "claim", "decisions.write(job.disk, job.folder, decision)", CRASH),
    mutant(
        "the commit record is removed before the input is archived",
        "decision",
        (
            "    decision = archive(",
            "    disk.unlink(os.path.join(job_folder, RECORD))\n    decision = archive(",
        ),
        CRASH,
    ),
    mutant(
        "the marker is removed before the claim",
        "__init__",
        ("job.take_input(waiting", "self._markers.consume(job)\n            job.take_input(waiting"),
        crash("a marker"),
    ),
    mutant(
        "any marker of the name is removed, whichever file it came with",
        "markers",
        ("is_noted = Stamp.of(os.stat(marker)) == Stamp(**note)", "is_noted = bool(note)"),
        SPOOL + "test_a_marker_goes_with_its_file_and_a_later_one_stays",
    ),
    mutant(
        "a claim does not clean the job folder",
        "__init__",
        ("job.clean()\n            self._markers.remember", "self._markers.remember"),
        GAPS + "test_what_was_remembered_of_an_earlier_file_of_the_name_does_not_count",
    ),
    mutant(
        "a claim keeps the attempts of an earlier file of the name",
        "__init__",
        (
            "job.clean()\n            self._markers.remember",
            'job.clean(keep=("attempts.json",))\n            self._markers.remember',
        ),
        GAPS + "test_what_was_remembered_of_an_earlier_file_of_the_name_does_not_count",
    ),
    mutant(
        "a claim does not look for an earlier file of the name",
        "__init__",
        ("if job.has_input() or job.settle", "if job.settle"),
        SPOOL + "test_a_second_file_of_a_name_waits_while_the_first_waits_for_its_retry",
    ),
    mutant(
        "a claim does not look for an earlier decision",
        "__init__",
        ("or job.settle_if_decided() is not None:", "or False:"),
        SECOND_FILE + "[locks-there]",
        SECOND_FILE + "[leases-there]",
    ),
    mutant(
        "a decision is carried out for whatever file has the input's name",
        "decision",
        ("return decision.stamp.same_file(", "return True or decision.stamp.same_file("),
        GAPS + "test_a_file_put_by_hand_where_a_decided_one_was_is_not_archived_for_it",
    ),
    mutant(
        "the number in the record is not raised when a name is taken",
        "decision",
        ("write(disk, job_folder, decision)\n            continue", "continue"),
        GAPS + "test_results_are_told_by_the_names_that_they_got_whatever_crashed_in_between",
    ),
]

_WAITS = VANISHED + "test_a_decided_input_waits_until_its_results_folder_is_back[0-two results]"
HALF = VANISHED + "test_half_a_publication_is_not_taken_for_a_whole_one[two results]"
TAKEN_AWAY = VANISHED + "test_results_that_readers_have_taken_away_already_are_not_waited_for[two results]"

PARTS = [
    mutant(
        "whatever part is gone has been published",
        "decision",
        ("if identity_of(stage) != decision.stage and", "if False and"),
        _WAITS,
        HALF,
    ),
    mutant(
        "a result that was taken away is waited for",
        "decision",
        ("if identity_of(stage) != decision.stage and", "if"),
        TAKEN_AWAY,
    ),
    mutant(
        "any file of a result's name is taken for it",
        "decision",
        ("not move.is_at(target)", "not os.path.lexists(target)"),
        VANISHED + "test_another_file_of_a_result_s_name_is_not_taken_for_it",
    ),
    mutant(
        "results are published before all that is missing is known",
        "jobs",
        ("decisions.check_parts(self.folders, self.folder, decision)", "pass"),
        VANISHED + "test_a_part_that_was_changed_after_the_decision_is_not_published",
    ),
    mutant(
        "a stage is told by its inode number alone",
        "identity",
        (
            'return f"{inode}@{made_ns}" if made_ns else f"{inode}@fs{os.statvfs(folder).f_fsid:x}"',
            "return str(inode)",
        ),
        VANISHED + "test_folders_of_one_inode_number_are_told_apart",
    ),
    mutant(
        "an earlier fproc takes the record for its own",
        "decision",
        ("VERSION = 2\n", "VERSION = 1\n"),
        VANISHED + "test_a_record_of_the_first_version_is_carried_out_as_it_was_then",
    ),
]

FAULTS = [
    mutant(
        "an fsync of a file that fails is taken for done",
        "disk",
        (
            "        if self.power:\n            os.fsync(descriptor)",
            "        with suppress(OSError):\n            os.fsync(descriptor)",
        ),
        FSYNC_FAILS,
    ),
    mutant(
        "an fsync of a folder that fails is taken for done",
        "disk",
        (
            "os.fsync(descriptor)\n            finally:",
            "os.fsync(descriptor)\n            except OSError:\n                pass\n            finally:",
        ),
        FSYNC_FAILS,
    ),
    mutant(
        "a record that could not be written is taken for written",
        "disk",
        ("raise\n    disk.sync_folder(folder)", "return\n    disk.sync_folder(folder)"),
        GAPS + "test_a_disk_that_refuses_before_a_crash_costs_the_file_nothing[two results, alone]",
    ),
    mutant(
        "a write that the kernel takes in parts ends after the first",
        "disk",
        (
            "view = view[os.write(descriptor, view) :]",
            "view = view[os.write(descriptor, view) + len(view) :]",
        ),
        GAPS + "test_writes_that_the_kernel_takes_in_parts_are_whole_in_the_end",
    ),
    mutant(
        "a part that cannot be moved, because its folder is missing, counts as moved",
        "decision",
        ("if os.path.lexists(source):\n                raise", "if False:\n                raise"),
        GAPS + "test_an_empty_folder_that_someone_removes_before_any_call_is_missed_until_it_is_back",
    ),
    mutant(
        "a decided file's parts are removed when its owner gives it up",
        "claim",
        ("if self.job.is_owner() and self.job.is_decided():", "if False:"),
        FAULT,
    ),
]

OWNERS = [
    mutant(
        "the lock is not taken",
        "disk",
        ("fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n            if is_at", "if is_at"),
        GAPS + "test_another_process_that_works_before_any_call_changes_nothing[checkpoints]",
    ),
    mutant(
        "the lock of a folder that was removed counts",
        "disk",
        ("if is_at(descriptor, folder):", "if True:"),
        CALLS + "test_a_folder_that_was_removed_while_it_was_being_locked_is_made_again",
    ),
    mutant(
        "an owner does not see whether it still is one",
        "jobs",
        ("if not self.is_owner():", "if False:"),
        SPOOL + "test_a_late_owner_whose_job_folder_was_removed_decides_nothing",
    ),
    mutant(
        "two may take over one lease",
        "leases",
        (
            'self._disk.replace(os.path.join(job, generation), os.path.join(job, f"g{number}-{token}"))',
            "pass",
        ),
        LEASES + "test_of_two_that_take_a_file_over_at_once_only_one_gets_it",
    ),
    mutant(
        "a lease that is taken over keeps its folder",
        "leases",
        ('os.path.join(job, f"g{number}-{token}"))', "os.path.join(job, own))"),
        LEASES + "test_a_late_owner_can_write_nothing_into_the_folder_that_its_host_remembers",
        and_edit=(
            """self._disk.replace(os.path.join(private, own), os.path.join(job, own))
            self._disk.remove_folder(private)

        return""",
            "self._remove(private)\n\n        return",
        ),
    ),
    mutant(
        "a group does not take back a decision about what it lost meanwhile",
        "group",
        ("self._each_that_is_ours(lambda claim: self._confirm(record, claim), self._left)", "pass"),
        GROUP + "test_a_file_whose_job_folder_is_removed_while_its_group_decides_is_decided_once",
    ),
    mutant(
        "an instance with locks does not say so",
        "sharing",
        ("            self._lockers.join()\n", ""),
        SHARING + "test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases",
    ),
    mutant(
        "an instance with locks does not make way",
        "sharing",
        ("if self._lockers.have_to_leave():", "if False:"),
        SHARING + "test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases",
    ),
    mutant(
        "an instance makes way while its workers are at work",
        "sharing",
        ("                end_workers()\n", ""),
        SHARING + "test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases",
    ),
    mutant(
        "an instance with leases waits for nobody who uses locks",
        "sharing",
        ("            if others:", "            if False:"),
        SHARING + "test_the_loop_takes_nothing_while_another_instance_uses_locks_and_says_so",
    ),
    mutant(
        "an instance counts for workers that have died",
        "beats",
        ("and not owner.is_surely_dead(self._observer)", ""),
        "tests/unit/test_beats.py::test_an_instance_counts_for_its_workers_as_long_as_they_live",
    ),
    mutant(
        "another boot of a host of this name counts as dead",
        "owner",
        ("return ours == theirs and all(ours)", "return ours[:2] == theirs[:2]"),
        LEASES + "test_two_hosts_of_one_name_take_nothing_from_each_other",
    ),
    mutant(
        "a process that may not be looked at counts as dead",
        "owner",
        ("return bool(began and self.began) and began", "return began"),
        LEASES + "test_what_is_not_surely_dead_is_waited_for",
    ),
    mutant(
        "an input goes straight to underprocess/ with a lease",
        "jobs",
        ("if self.is_lease:\n            self.disk.take(", "if False:\n            self.disk.take("),
        LEASES + "test_a_paused_owner_does_not_bring_a_second_file_of_the_name_over_the_first",
    ),
    mutant(
        "a claim on NFS is a link",
        "disk",
        ("if is_local(os.path.dirname(source)) is False:", "if False:"),
        CALLS + "test_what_others_may_move_is_taken_by_a_rename_where_hosts_share_a_folder",
    ),
    mutant(
        "the input of a lease is archived straight from underprocess/",
        "jobs",
        ("by_way=self.is_lease", "by_way=False"),
        GAPS + "test_an_owner_that_was_paused_does_not_archive_the_file_when_it_is_handed_in_again",
    ),
    mutant(
        "evidence against an owner holds for ever",
        "leases",
        ("evidence != state.evidence", "not evidence"),
        LEASES + "test_evidence_that_has_become_old_takes_nothing_over",
    ),
    mutant(
        "a file that was taken over goes on from the late owner's checkpoint",
        "__init__",
        ("None if job.is_fresh_start else checkpoints.read(", "checkpoints.read("),
        GAPS + "test_an_owner_that_was_paused_anywhere_adds_nothing_to_what_goes_on_without_it",
    ),
    mutant(
        "a lease is made where there is one",
        "leases",
        (
            "if state is None:\n            return self._made(job)",
            "if True:\n            return self._made(job)",
        ),
        LEASES + "test_an_owner_that_was_paused_anywhere_and_taken_over_changes_nothing",
    ),
]

TOGETHER = power("three files")

GROUPS = [
    mutant(
        "parts that commit together are not fsynced",
        "group",
        (
            "errors = self._disk.sync_all([descriptor for _, _, descriptor in begun])",
            "errors = [None] * len(begun)",
        ),
        TOGETHER,
    ),
    mutant(
        "what several inputs hold is fsynced after they were moved",
        "group",
        ("for path, of in sync_contents(self._disk, list(waiting)).items()", "for path, of in ()"),
        others_fsync("three files"),
    ),
    without(
        "underprocess/ is not fsynced after several claims",
        "group",
        "self._disk.sync_folder(self._folders.underprocess)",
        TOGETHER,
    ),
    without(
        "unprocessed/ is not fsynced after several claims",
        "group",
        "self._disk.sync_folder(self._folders.unprocessed)",
        TOGETHER,
    ),
    mutant(
        "the stage folder is not fsynced before several decisions",
        "group",
        ("self._each(self._seal)\n            self._share(self._stage)", "self._each(self._seal)"),
        TOGETHER,
    ),
    mutant(
        "a shared record is not fsynced",
        "group",
        ("self._disk.sync(record)\n                self", "self"),
        TOGETHER,
    ),
    mutant(
        "a shared record is not fsynced once it has names",
        "group",
        ("self._left)\n            self._disk.sync(record)", "self._left)"),
        TOGETHER,
    ),
    mutant(
        "the names of a shared record are not fsynced",
        "group",
        (
            "            self._disk.close(record)\n        self._share(self._folders.commits)",
            "            self._disk.close(record)",
        ),
        TOGETHER,
    ),
    mutant(
        "results are not fsynced before several inputs are archived",
        "group",
        ("self._share(*sorted({move.folder for move in self._moves()}))", "pass"),
        TOGETHER,
    ),
    mutant(
        "the stage folder is not fsynced before a shared record goes",
        "group",
        ("self._share(self._stage)  #", "pass  #"),
        TOGETHER,
    ),
    mutant(
        "the archive is not fsynced for several inputs",
        "group",
        ("self._share(self._folders.processed)", "pass"),
        TOGETHER,
    ),
    mutant(
        "underprocess/ is not fsynced after several inputs have left it",
        "group",
        (
            "self._share(self._folders.underprocess)\n            self._each(self._forget)",
            "self._each(self._forget)",
        ),
        TOGETHER,
    ),
    mutant(
        "the absence of shared records is not fsynced",
        "group",
        ("self._share(self._folders.commits)  #", "pass  #"),
        HANDED_BACK,
    ),
    mutant(
        "several inputs are archived before their results are published",
        "group",
        ("self._each(self._publish)", "self._each(self._archive)"),
        GAPS + "test_an_input_is_archived_only_when_its_results_are_there[crash]",
        and_edit=(
            "self._each(self._archive)\n            self._share(self._folders.processed",
            "self._each(self._publish)\n            self._share(self._folders.processed",
        ),
    ),
    mutant(
        "results are published before the shared record",
        "group",
        (
            "self._write_down()\n            self._each(self._publish)",
            "self._each(self._publish)\n            self._write_down()",
        ),
        crash("three files"),
    ),
    mutant(
        "shared records go before their inputs are archived",
        "group",
        ("self._each(self._archive)\n", "self._each(self._forget)\n"),
        crash("three files"),
        and_edit=(
            "self._each(self._forget)\n            if any(",
            "self._each(self._archive)\n            if any(",
        ),
    ),
    mutant(
        "a decision that was made anew in a group stays behind",
        "group",
        ("if decision is not self._written[claim]:", "if False:"),
        GROUP + "test_results_of_one_name_get_numbers",
    ),
    mutant(
        "lines that were set aside are not published",
        "claim",
        ("if self._rejected_bytes:", "if False:"),
        "tests/unit/test_job.py::test_a_line_over_the_limit_is_set_aside_with_its_beginning",
    ),
    mutant(
        "several claims do not look for what a crash has left",
        "group",
        ("return [name for name in holds if name in decided or part_prefix(name) in begun]", "return []"),
        GROUP + "test_an_input_whose_job_is_known_is_claimed_alone_with_what_is_known",
        power("three files"),
    ),
    mutant(
        "a shared record is not looked for in recovery",
        "jobs",
        ("decision = decisions.read_shared(self.folders, self.name)", "decision = None"),
        crash("three files"),
    ),
    mutant(
        "the names of a shared record are not fsynced in recovery",
        "jobs",
        (
            "self.disk.close(record)\n        self.disk.sync_folder(self.folders.commits)",
            "self.disk.close(record)",
        ),
        power_after_crash("two results"),
    ),
]

UPLOAD_CRASH = ARRIVAL + "test_a_crash_before_any_call_leaves_files_whole_or_absent"
UPLOAD_POWER = ARRIVAL + "test_power_loss_before_any_call_leaves_files_whole_or_absent"
SWEPT = ARRIVAL + "test_a_second_crash_in_the_sweep_changes_nothing_either[renameat2-marker-1]"
SWEPT_POWER = ARRIVAL + "test_power_loss_in_the_sweep_after_a_crash_changes_nothing_either"

UPLOADS = [
    without(
        "the contents of an upload are not fsynced",
        "arrival",
        "self._disk.sync(self._descriptor)",
        f"{UPLOAD_POWER}[none-before-rename]",
    ),
    without(
        "unprocessed/ is not fsynced when uploads are published",
        "arrival",
        "self._disk.sync_folder(self._unprocessed)",
        f"{UPLOAD_POWER}[none-before-rename]",
    ),
    mutant(
        "an upload replaces what has its name",
        "arrival",
        ("self._disk.move(self._own(file.target)", "self._disk.replace(self._own(file.target)"),
        ARRIVAL + "test_a_name_that_is_taken_in_the_last_moment_is_not_replaced[rename]",
    ),
    mutant(
        "an upload is not held while it grows",
        "arrival",
        (
            "return Arrival(self, hold)",
            "begun = Arrival(self, hold)\n            hold.release()\n            return begun",
        ),
        ARRIVAL + "test_a_sweep_leaves_live_uploads_alone_and_removes_those_of_the_dead[False]",
    ),
    mutant(
        "an upload is let go of before it is removed",
        "arrival",
        (
            "        files = os.path.join(hold.folder, _FILES)\n        try:",
            "        files = os.path.join(hold.folder, _FILES)\n        hold.release()\n        try:",
        ),
        ARRIVAL + "test_files_arrive_whole_with_their_sizes_and_digests",
        and_edit=("        finally:\n            hold.release()", "        finally:\n            pass"),
    ),
    mutant(
        "the markers of uploads that were published are not finished after a crash",
        "arrival",
        ("self.make_ready(files)\n                self._drop", "self._drop"),
        f"{UPLOAD_CRASH}[renameat2-before-marker]",
    ),
    mutant(
        "a marker is given to whatever file has the name of an upload",
        "arrival",
        ("(target not in names or same_file(here, there))", "True"),
        f"{UPLOAD_CRASH}[renameat2-during-marker]",
    ),
    mutant(
        "an upload whose move by link was broken off gets no marker",
        "arrival",
        (" or same_file(here, there)", ""),
        f"{UPLOAD_CRASH}[link and unlink-before-marker]",
    ),
    mutant(
        "an upload's files are removed before their markers",
        "arrival",
        ("self._drop_markers(files)\n", "pass\n"),
        SWEPT,
    ),
    without(
        "the absence of an upload's markers is not fsynced",
        "arrival",
        "if markers:\n            self.disk.sync_folder(files)",
        f"{SWEPT_POWER}[the newest change-1]",
    ),
    mutant(
        "an upload gets another name while it has its marker",
        "arrival",
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
        "arrival",
        (
            "self._own_marker(file.target))\n            self._disk.sync_folder(self._private)",
            "self._own_marker(file.target))",
        ),
        f"{UPLOAD_POWER}[the newest change-during-marker]",
    ),
    mutant(
        "an upload's name is not fsynced before its marker is made",
        "arrival",
        ("self._disk.sync_folder(self._private)\n        for", "for"),
        f"{UPLOAD_POWER}[the newest name-during-marker]",
    ),
    mutant(
        "an upload's marker is not fsynced",
        "arrival",
        (
            "self._own_marker(file.target)))\n        self._disk.sync_folder(self._private)",
            "self._own_marker(file.target)))",
        ),
        f"{UPLOAD_POWER}[none-before-marker]",
        f"{UPLOAD_POWER}[none-during-marker]",
    ),
    without(
        "the name of the folder of an upload's files is not fsynced",
        "arrival",
        "self._disk.sync_folder(self._hold.folder)",
        f"{UPLOAD_POWER}[none-before-marker]",
    ),
    without(
        "the name of an upload's own folder is not fsynced",
        "arrival",
        "self._hold.make_durable()",
        f"{UPLOAD_POWER}[none-before-marker]",
    ),
    mutant(
        "an upload's name is not fsynced before its marker gets its own",
        "arrival",
        ("self.disk.sync_folder(waiting)\n            self._leave_one", "self._leave_one"),
        f"{SWEPT_POWER}[the newest change-1]",
    ),
    mutant(
        "a marker that an upload was given is not fsynced",
        "arrival",
        (
            "os.path.join(waiting, marker))\n            self.disk.sync_folder(waiting)",
            "os.path.join(waiting, marker))",
        ),
        f"{UPLOAD_POWER}[none-before-marker]",
    ),
]

HALVES = [
    without(
        "a file's new name is not fsynced before the old one goes",
        "unjournaled",
        "self.sync_folder(os.path.dirname(target))",
        UNJOURNALED + "test_a_move_makes_the_new_name_durable_before_the_old_one_goes",
    ),
    mutant(
        "several inputs lose their first names before their second ones are durable",
        "group",
        (
            "                self._disk.sync_folder(self._folders.underprocess)\n                for",
            "                for",
        ),
        others_fsync("three files, without a journal", "_what_is_left"),
    ),
    mutant(
        "parts lose their first names before their second ones are durable",
        "group",
        (
            "self._share(*sorted({move.folder for move in self._moves()}))",
            "self._end(decisions.end_publication)",
        ),
        others_fsync("three files, without a journal", "_what_is_left"),
    ),
    mutant(
        "an input loses its first name before its archive is durable",
        "decision",
        (
            "    disk.sync_folder(folders.absolute(decision.archive.folder))\n    end_archiving(",
            "    end_archiving(",
        ),
        power("two results, alone, without a journal"),
    ),
    mutant(
        "what was dropped over an input that is being taken is removed",
        "unjournaled",
        ("    if paths.has_other_names(aside):", "    if aside:"),
        UNJOURNALED + "test_a_file_that_is_dropped_over_one_that_is_being_taken_stays[False]",
    ),
    mutant(
        "a result that a reader has moved on is published again",
        "decision",
        ("elif not (disk.has_halves and _has_left(decision, move, source, target)):", "else:"),
        UNJOURNALED + "test_a_result_that_a_reader_moves_at_once_is_not_published_twice_after_a_crash",
    ),
]

OTHERS = [
    mutant(
        "the stage of a run on another host is swept",
        "direct",
        ("if not (reaches_all or is_of_host) and", "if False and"),
        DIRECT + "test_runs_on_two_hosts_leave_each_other_s_parts_alone[marks0]",
    ),
    mutant(
        "lines that were set aside are not compared at the seal",
        "claim",
        (
            "if size_bytes != self._rejected_bytes or not os.path.lexists(self.job.path(REJECTED)):",
            "if False:",
        ),
        MEDDLING + "test_set_aside_lines_that_someone_changed_are_not_decided_about[cut]",
        MEDDLING + "test_set_aside_lines_that_someone_changed_are_not_decided_about[unlink]",
    ),
    mutant(
        "the lock is closed before its folder is removed",
        "locks",
        (
            "        try:\n            if self.is_owner():\n                with suppress(OSError):  # not",
            (
                "        is_owner = self.is_owner()\n"
                "        self._disk.close(self._descriptor)\n"
                "        try:\n"
                "            if is_owner:\n                with suppress(OSError):  # not"
            ),
        ),
        MEDDLING + "test_a_lock_that_is_let_go_of_leaves_whoever_holds_the_job_next_its_folder[closed]",
        and_edit=(
            "        finally:\n            self._disk.close(self._descriptor)",
            "        finally:\n            pass",
        ),
    ),
    mutant(
        "a result that got another number still replaces",
        "decision",
        ("replace(moves[index], number=number, replaces=False)", "replace(moves[index], number=number)"),
        MEDDLING + "test_a_result_that_got_another_number_replaces_nothing",
    ),
]

WATCHED = LATE_WRITERS + "test_through_any_crash_what_is_processed_is_watched_and_a_late_writer_noticed"
MOVED = LATE_WRITERS + "test_the_move_of_a_late_one_to_failed_survives_any_crash"

LATE = [
    mutant(
        "the record about an input that may be written to is not kept by a group",
        "group",
        ("elif decision.is_watched:", "elif False:"),
        f"{WATCHED}[crash-together]",
    ),
    mutant(
        "the record about an input that was written to late is not kept",
        "late",
        ("is_watched=True,", "is_watched=False,"),
        f"{MOVED}[crash]",
    ),
    without(
        "an input goes from processed/ to failed/ before that is decided",
        "late",
        "decisions.write(self._disk, job.folder, decision)",
        f"{MOVED}[crash]",
    ),
    mutant(
        "a record is taken for one about a later input of its name",
        "jobs",
        ("self.forget_earlier(done)\n        self.clean()", "self.clean()"),
        LATE_WRITERS + "test_a_later_file_of_the_same_name_is_not_taken_for_the_first[alone]",
    ),
    mutant(
        "a record is taken for one about a later input of its name that commits in a group",
        "group",
        ("job.forget_earlier(decision)", "pass"),
        LATE_WRITERS + "test_a_later_file_of_the_same_name_is_not_taken_for_the_first[together]",
    ),
]

MUTANTS = [*FSYNCS, *STEPS, *PARTS, *HALVES, *OTHERS, *FAULTS, *OWNERS, *GROUPS, *UPLOADS, *LATE]
