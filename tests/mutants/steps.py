"""Steps of claims and decisions that are left out, come in another order, or believe the wrong thing."""

from __future__ import annotations

from tests.support.mutation import (
    FAILING_DISKS,
    GAPS,
    MEANWHILE,
    SPOOL,
    SWEEP,
    VANISHED,
    crash,
    mutant,
    without,
)

CRASH = crash("two results, alone")
FAULT = (
    f"{SWEEP}test_a_disk_that_refuses_pauses_intake_and_costs_the_file_nothing[once-EIO-two results, alone]"
)
TAKEN_NAME = MEANWHILE + "test_a_file_that_takes_a_result_s_name_before_recovery_is_not_replaced"
FSYNC_FAILS = FAILING_DISKS + "test_an_fsync_that_fails_is_noticed_and_costs_the_file_nothing[two results]"
SECOND_FILE = GAPS + "test_a_second_file_of_the_name_that_is_claimed_before_any_recovery_mixes_with_nothing"
_WAITS = VANISHED + "test_a_decided_input_waits_until_its_results_folder_is_back[0-two results]"
HALF = VANISHED + "test_half_a_publication_is_not_taken_for_a_whole_one[two results]"
TAKEN_AWAY = VANISHED + "test_results_that_readers_have_taken_away_already_are_not_waited_for[two results]"

STEPS = [
    without(
        "a part is not cut to the size that its checkpoint knows",
        "output/parts",
        "self._disk.truncate(part.path, part.size_bytes)",
        crash("checkpoints"),
    ),
    without(
        "set-aside lines are not cut to the size that the checkpoint knows",
        "job/claim",
        "self.job.disk.truncate(path, size_bytes)",
        crash("checkpoints"),
    ),
    mutant(
        "a rename replaces what is there",
        "disk/disk",
        (" self.rename_noreplace(", " self.replace("),
        f"{TAKEN_NAME}[renameat2]",
    ),
    mutant(
        "a move by link that was broken off is not finished",
        "disk/disk",
        (
            "self.link(source, target)\n        except FileExistsError:\n            if",
            "self.link(source, target)\n        except FileExistsError:\n            if source or",
        ),
        crash("two results, alone", "link and unlink"),
    ),
    mutant(
        "the input is archived before its results are published",
        "job/commit",
        (
            "for index, move in enumerate(commit_record.publications):",
            "for index, move in [(len(commit_record.publications), commit_record.archive)]:",
        ),
        GAPS + "test_an_input_is_archived_only_when_its_results_are_there[crash]",
    ),
    mutant(
        "results are published before the commit record",
        "job/claim",
        (
            "decision.write_record(",
            "commit._move(job.disk, job.folders, job.folder, commit_record, 0); decision.write_record(",
        ),
        CRASH,
    ),
    without(
        "no commit record is written",
        "job/claim",
        "decision.write_record(job.disk, job.folder, commit_record)",
        CRASH,
    ),
    mutant(
        "the commit record is removed before the input is archived",
        "job/commit",
        (
            "    commit_record = archive(",
            "    disk.unlink(os.path.join(job_folder, 'commit.json'))\n    commit_record = archive(",
        ),
        CRASH,
    ),
    mutant(
        "the marker is removed before the claim",
        "spool",
        ("job.take_input(waiting", "self._markers.consume(job)\n            job.take_input(waiting"),
        crash("a marker"),
    ),
    mutant(
        "any marker of the name is removed, whichever file it came with",
        "job/markers",
        ("is_noted = FileStamp.of(os.stat(marker)) == FileStamp(**note)", "is_noted = bool(note)"),
        SPOOL + "test_a_marker_goes_with_its_file_and_a_later_one_stays",
    ),
    mutant(
        "a claim does not clean the job folder",
        "spool",
        ("job.clean()\n            self._markers.remember", "self._markers.remember"),
        GAPS + "test_what_was_remembered_of_an_earlier_file_of_the_name_does_not_count",
    ),
    mutant(
        "a claim keeps the attempts of an earlier file of the name",
        "spool",
        (
            "job.clean()\n            self._markers.remember",
            'job.clean(keep=("attempts.json",))\n            self._markers.remember',
        ),
        GAPS + "test_what_was_remembered_of_an_earlier_file_of_the_name_does_not_count",
    ),
    mutant(
        "a claim does not look for an earlier file of the name",
        "spool",
        ("if job.has_input() or job.roll_forward", "if job.roll_forward"),
        SPOOL + "test_a_second_file_of_a_name_waits_while_the_first_waits_for_its_retry",
    ),
    mutant(
        "a claim does not look for an earlier decision",
        "spool",
        ("or job.roll_forward_if_decided() is not None:", "or False:"),
        SECOND_FILE + "[locks-there]",
        SECOND_FILE + "[leases-there]",
    ),
    mutant(
        "a decision is carried out for whatever file has the input's name",
        "job/commit",
        ("return commit_record.stamp.same_file(", "return True or commit_record.stamp.same_file("),
        GAPS + "test_a_file_put_by_hand_where_a_decided_one_was_is_not_archived_for_it",
    ),
    mutant(
        "the number in the record is not raised when a name is taken",
        "job/commit",
        ("write_record(disk, job_folder, commit_record)\n            continue", "continue"),
        GAPS + "test_results_are_told_by_the_names_that_they_got_whatever_crashed_in_between",
    ),
]

PARTS = [
    mutant(
        "whatever part is gone has been published",
        "job/commit",
        ("if identity_of(stage) != commit_record.stage and", "if False and"),
        _WAITS,
        HALF,
    ),
    mutant(
        "a result that was taken away is waited for",
        "job/commit",
        ("if identity_of(stage) != commit_record.stage and", "if"),
        TAKEN_AWAY,
    ),
    mutant(
        "any file of a result's name is taken for it",
        "job/commit",
        ("not move.is_at(target)", "not os.path.lexists(target)"),
        VANISHED + "test_another_file_of_a_result_s_name_is_not_taken_for_it",
    ),
    mutant(
        "results are published before all that is missing is known",
        "job/job",
        ("commit.check_parts(self.folders, self.folder, commit_record)", "pass"),
        VANISHED + "test_a_part_that_was_changed_after_the_commit_is_not_published",
    ),
    mutant(
        "a stage is told by its inode number alone",
        "disk/identity",
        (
            'return f"{inode}@{birth_ns}" if birth_ns and',
            'return f"{inode}@0" if birth_ns and',
        ),
        VANISHED + "test_folders_of_one_inode_number_are_told_apart_by_when_they_were_made",
    ),
    mutant(
        "an earlier fproc takes the record for its own",
        "job/decision",
        ("VERSION = 2\n", "VERSION = 1\n"),
        VANISHED + "test_a_record_of_the_first_version_is_carried_out_as_it_was_then",
    ),
]

FAULTS = [
    mutant(
        "an fsync of a file that fails is taken for done",
        "disk/disk",
        (
            "        if self.power:\n            os.fsync(descriptor)",
            "        with suppress(OSError):\n            os.fsync(descriptor)",
        ),
        FSYNC_FAILS,
    ),
    mutant(
        "an fsync of a folder that fails is taken for done",
        "disk/disk",
        (
            "os.fsync(descriptor)\n            finally:",
            "os.fsync(descriptor)\n            except OSError:\n                pass\n            finally:",
        ),
        FSYNC_FAILS,
    ),
    mutant(
        "a record that could not be written is taken for written",
        "disk/disk",
        ("raise\n    disk.sync_folder(folder)", "return\n    disk.sync_folder(folder)"),
        FAILING_DISKS + "test_a_disk_that_refuses_before_a_crash_costs_the_file_nothing[two results, alone]",
    ),
    mutant(
        "a write that the kernel takes in parts ends after the first",
        "disk/disk",
        (
            "view = view[os.write(descriptor, view) :]",
            "view = view[os.write(descriptor, view) + len(view) :]",
        ),
        FAILING_DISKS + "test_writes_that_the_kernel_takes_in_parts_are_whole_in_the_end",
    ),
    mutant(
        "a part that cannot be moved, because its folder is missing, counts as moved",
        "job/commit",
        ("if os.path.lexists(source):  # it is", "if False:  # it is"),
        GAPS + "test_an_empty_folder_that_someone_removes_before_any_call_is_missed_until_it_is_back",
    ),
    mutant(
        "a decided file's parts are removed when its owner gives it up",
        "job/claim",
        ("if self.job.is_owner() and self.job.is_decided():", "if False:"),
        FAULT,
    ),
]
