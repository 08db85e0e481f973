"""Fsyncs that are left out or come too late, one each."""

from __future__ import annotations

from tests.support.mutation import (
    GAPS,
    MEANWHILE,
    POWER_GAPS,
    POWER_SWEEP,
    WITH_LEASES,
    mutant,
    others_fsync,
    power,
    power_after_crash,
    without,
)

POWER = power("two results, alone")
POWER_WITHOUT_JOURNAL = power("two results, alone, without a journal")
OTHERS_FSYNC = others_fsync("two results, alone")
_AGAIN = MEANWHILE + "test_a_file_that_is_handed_in_again_is_processed_again_whatever_was_left_of_it"
HANDED_IN = f"{_AGAIN}[two results, alone]"
FIRST_START = POWER_SWEEP + "test_what_is_done_at_the_very_first_start_survives_power_loss"
BESIDE = POWER_SWEEP + "test_a_result_that_was_published_beside_the_spool_survives_power_loss"
_WITH_LEASES = WITH_LEASES + "test_power_loss_before_any_call_changes_nothing_with_leases_either"
LEASE_POWER = f"{_WITH_LEASES}[lose_power-two results, without a journal]"
HOLLOW = GAPS + "test_a_file_that_survives_power_loss_without_its_contents_deceives_nobody[checkpoints]"
SWAPPED = POWER_GAPS + "test_a_file_that_comes_in_the_place_of_one_that_is_being_taken_survives_whole"

FORM = "tests/unit/spool/disk/test_format.py::test_what_has_the_new_form_has_its_number_after_power_loss_too"
NOTHING = "id("

FSYNCS = [
    mutant("the contents of parts are not fsynced", "output/parts", ("self._disk.sync(", NOTHING), POWER),
    mutant("the stage folder is not fsynced", "output/parts", ("self._disk.sync_folder(", NOTHING), POWER),
    mutant("the contents of records are not fsynced", "disk/disk", (" disk.sync(", f" {NOTHING}"), POWER),
    mutant(
        "the folder of a record is not fsynced", "disk/disk", (" disk.sync_folder(", f" {NOTHING}"), POWER
    ),
    mutant(
        "results are not fsynced into their folder before the input is archived",
        "job/commit",
        ("sync_targets(disk, folders, commit_record.publications)  #", "pass  #"),
        POWER_WITHOUT_JOURNAL,
    ),
    without(
        "the archive is not fsynced",
        "job/commit",
        "disk.sync_folder(folders.absolute(commit_record.archive.folder))",
        POWER_WITHOUT_JOURNAL,
    ),
    mutant(
        "underprocess/ is not fsynced after the input has left it",
        "job/commit",
        ("disk.sync_folder(source_folder)\n    return", "return"),
        POWER,
    ),
    mutant(
        "the folder of a lease is not fsynced when the input goes there",
        "job/commit",
        ("disk.sync_folder(job_folder)\n        disk", "disk"),
        LEASE_POWER,
    ),
    mutant(
        "the record's own name is not fsynced in recovery",
        "job/commit",
        ("\n    disk.sync_folder(job_folder)", ""),
        power_after_crash("two results, alone"),
    ),
    mutant(
        "what an input holds is not fsynced by its claim",
        "disk/contents",
        ("errors = disk.sync_all(list(descriptors.values()))", "errors = [None] * len(descriptors)"),
        POWER,
    ),
    mutant(
        "what an input holds is fsynced after it was moved",
        "spool",
        ("synced = sync_contents(self._disk, [waiting]).get(waiting)", "synced = None"),
        OTHERS_FSYNC,
    ),
    without(
        "underprocess/ is not fsynced after a claim",
        "spool",
        "self._disk.sync_folder(self.folders.underprocess)",
        POWER_WITHOUT_JOURNAL,
    ),
    without(
        "unprocessed/ is not fsynced after a claim",
        "spool",
        "self._disk.sync_folder(self.folders.unprocessed)",
        POWER,
    ),
    without(
        "the name of a locked job folder is not fsynced",
        "locks/locks",
        "self._disk.sync_folder(os.path.dirname(self.folder))",
        POWER,
    ),
    without(
        "the name of a lease's job folder is not fsynced",
        "locks/leases",
        "self._disk.sync_folder(os.path.dirname(job))",
        LEASE_POWER,
    ),
    mutant(
        "the name of a lease's generation is not fsynced",
        "locks/leases",
        ("(os.path.dirname(job))\n        self._disk.sync_folder(job)", "(os.path.dirname(job))"),
        LEASE_POWER,
    ),
    without(
        "the stage folder is not fsynced after it was cleaned",
        "job/job",
        "self.disk.sync_folder(self._stage)",
        power("two files, alone"),
    ),
    without(
        "the job folder is not fsynced after it was cleaned",
        "job/job",
        "self.disk.sync_folder(self.folder)",
        HANDED_IN,
    ),
    mutant(
        "lines that were set aside are not fsynced before the decision",
        "job/claim",
        ("self.job.disk.sync(", NOTHING),
        power("lines that are set aside"),
    ),
    mutant(
        "the name of the lines that were set aside is not fsynced before the decision",
        "job/claim",
        ("self.job.disk.sync_folder(", NOTHING),
        power("lines that are set aside", by_chance=True),
    ),
    mutant(
        "lines that were set aside are not fsynced before a checkpoint",
        "job/claim",
        (" job.disk.sync(", f" {NOTHING}"),
        HOLLOW,
    ),
    without("parts are not fsynced before a checkpoint", "job/claim", "self.staging.sync()", HOLLOW),
    mutant(
        "a checkpoint is written before its parts are fsynced",
        "job/claim",
        ("self.staging.sync()", "pass"),
        HOLLOW,
        and_edit=("self._saved = checkpoint", "self.staging.sync()\n        self._saved = checkpoint"),
    ),
    mutant(
        "what is written to a part after a checkpoint is not fsynced",
        "output/parts",
        ("self.lines += lines\n        self.is_durable = False", "self.lines += lines"),
        power("checkpoints"),
    ),
    mutant(
        "the folders of a new spool are not fsynced",
        "layout",
        ("disk.sync_folder(os.path.dirname(folder)", "str(os.path.dirname(folder)"),
        FIRST_START,
    ),
    without("the name of a new spool is not fsynced", "layout", "disk.sync_folder(state)", FIRST_START),
    without(
        "the number of a spool's form is not fsynced",
        "disk/format",
        "disk.sync_folder(state)",
        f"{FORM}[older-none]",
    ),
    mutant(
        "a spool is used before the number of its form is there",
        "layout",
        ("    mark(folders.watch, folders.state, disk)\n", ""),
        f"{FORM}[new-none]",
    ),
    mutant(
        "a result beside the spool is not fsynced",
        "output/direct",
        ("self._disk.sync_folder(", NOTHING),
        BESIDE,
    ),
    mutant(
        "a file that comes in the place of one that is durable is not fsynced",
        "spool",
        ("sync_unless(self._disk, job.input_path, status, synced)", "pass"),
        f"{SWAPPED}[two results, alone]",
    ),
    mutant(
        "a file that comes in the place of one that is durable is not fsynced in a group",
        "job/group",
        ("sync_unless(self._disk, job.input_path, status, synced)", "pass"),
        f"{SWAPPED}[two results]",
    ),
    without(
        "what an adopted input holds is not fsynced",
        "spool",
        "sync_unless(self._disk, job.input_path, status, None)",
        POWER_GAPS + "test_a_file_that_someone_puts_into_underprocess_is_archived_whole_or_not_at_all",
    ),
    mutant(
        "the name of a job folder is not fsynced before a decision",
        "job/claim",
        ("job.make_durable()\n        decision.write", "decision.write"),
        POWER,
    ),
    mutant(
        "the name of a job folder is not fsynced before a checkpoint",
        "job/claim",
        ("job.make_durable()\n        checkpoints.write", "checkpoints.write"),
        POWER_GAPS + "test_a_checkpoint_that_was_made_survives",
    ),
    mutant(
        "the name of a job folder is not fsynced before attempts are remembered",
        "job/job",
        (
            "        self.make_durable()\n        write_whole(self.disk, self.folder, ATTEMPTS",
            "        write_whole(self.disk, self.folder, ATTEMPTS",
        ),
        POWER_GAPS + "test_an_attempt_that_was_counted_survives",
    ),
    without(
        "the name of a job folder is not fsynced before a marker is noted",
        "job/markers",
        "job.make_durable()",
        power("a marker"),
    ),
    without(
        "what an earlier owner decided is not fsynced before it is carried out",
        "job/job",
        "commit.make_durable(self.disk, self.folders, self.folder, commit_record)",
        power_after_crash("two results, alone"),
    ),
]
