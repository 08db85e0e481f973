"""Filesystems without a journal, late writers, and others who come in between."""

from __future__ import annotations

from tests.support.mutation import (
    DIRECT,
    LATE_WRITERS,
    MEDDLING,
    POWER_SWEEP,
    UNJOURNALED,
    crash,
    mutant,
    others_fsync,
    power,
    without,
)

WATCHED = LATE_WRITERS + "test_through_any_crash_what_is_processed_is_watched_and_a_late_writer_noticed"
MOVED = LATE_WRITERS + "test_the_move_of_a_late_one_to_failed_survives_any_crash"

OTHER_JOB = (
    POWER_SWEEP + "test_power_loss_after_another_job_fsynced_underprocess_changes_nothing_without_a_journal"
)

HALVES = [
    without(
        "a file's new name is not fsynced before the old one goes",
        "job/unjournaled",
        "self.sync_folder(os.path.dirname(target))",
        UNJOURNALED + "test_a_move_makes_the_new_name_durable_before_the_old_one_goes",
    ),
    mutant(
        "several inputs lose their first names before their second ones are durable",
        "job/group",
        (
            "                self._disk.sync_folder(self._folders.underprocess)\n                for",
            "                for",
        ),
        others_fsync("three files, without a journal", "_what_is_left"),
    ),
    mutant(
        "parts lose their first names before their second ones are durable",
        "job/group",
        (
            "commit.sync_targets(self._disk, self._folders, self._moves())",
            "self._end(commit.end_publication)",
        ),
        others_fsync("three files, without a journal", "_what_is_left"),
    ),
    mutant(
        "an input loses its first name before its archive is durable",
        "job/commit",
        (
            "    disk.sync_folder(folders.absolute(commit_record.archive.folder))\n    end_archiving(",
            "    end_archiving(",
        ),
        power("two results, alone, without a journal"),
    ),
    mutant(
        "an input loses its first name before its second one is durable",
        "spool",
        (
            "self.folders.underprocess)\n        take_first_name(self._disk, job, waiting)",
            "self.folders.underprocess)",
        ),
        others_fsync("two results, alone, without a journal", "_what_is_left"),
        and_edit=(
            "        self._disk.sync_folder(self.folders.underprocess)",
            (
                "        take_first_name(self._disk, job, waiting)\n"
                "        self._disk.sync_folder(self.folders.underprocess)"
            ),
        ),
    ),
    mutant(
        "several inputs lose their first names before their archive is durable",
        "job/group",
        (
            "self._share(self._folders.processed)\n            self._end(commit.end_archiving)",
            "self._end(commit.end_archiving)\n            self._share(self._folders.processed)",
        ),
        f"{OTHER_JOB}[three files, without a journal]",
    ),
    mutant(
        "an input's parts lose their first names before their second ones are durable",
        "job/commit",
        (
            "commit_record = publish(disk, folders, job_folder, commit_record)",
            (
                "commit_record = publish(disk, folders, job_folder, commit_record)\n"
                "    end_publication(disk, folders, job_folder, commit_record)"
            ),
        ),
        others_fsync("two results, alone, without a journal", "_what_is_left"),
    ),
    mutant(
        "a part that replaces a result loses its first name at once",
        "job/unjournaled",
        ("self.replace(second, target)", "self.replace(source, target)"),
        others_fsync("an earlier result is replaced, without a journal", "_what_is_left"),
    ),
    mutant(
        "nothing is taken where a name cannot be put aside without replacing",
        "job/unjournaled",
        (
            "if error.errno not in NO_RENAMEAT2:\n            raise\n        if os.path.lexists(aside)",
            "if error:\n            raise\n        if os.path.lexists(aside)",
        ),
        crash("two results, without a journal", "link and unlink"),
    ),
    mutant(
        "what was put aside replaces what waits",
        "job/unjournaled",
        ("disk.move(aside, target)", "disk.replace(aside, target)"),
        UNJOURNALED + "test_a_third_file_that_comes_while_the_second_is_put_back_replaces_nothing[none]",
    ),
    mutant(
        "what was put aside is put where the first file was, whatever waits there",
        "job/unjournaled",
        ("disk.rename_noreplace(aside, target)", "disk.replace(aside, target)"),
        UNJOURNALED + "test_a_third_file_that_comes_while_the_second_is_put_back_replaces_nothing[renameat2]",
    ),
    mutant(
        "several inputs keep their first names",
        "job/group",
        (
            'take_first_name(self._disk, claim.job, f"{self._folders.unprocessed}/{claim.name}")',
            "pass",
        ),
        crash("three files, without a journal"),
    ),
    mutant(
        "parts of several inputs keep their first names",
        "job/group",
        ("            self._end(commit.end_publication)\n", ""),
        crash("three files, without a journal"),
    ),
    mutant(
        "an archived input keeps its name in the folder of a lease",
        "job/commit",
        (
            "end_archiving(disk, folders, job_folder, commit_record, source=source)",
            "end_archiving(disk, folders, job_folder, commit_record)",
        ),
        crash("two results, alone, without a journal", "leases"),
    ),
    mutant(
        "what was dropped over an input that is being taken is removed",
        "job/unjournaled",
        ("    if paths.has_other_names(aside):", "    if aside:"),
        UNJOURNALED + "test_a_file_that_is_dropped_over_one_that_is_being_taken_stays[renameat2-False]",
    ),
    mutant(
        "a result that a reader has moved on is published again",
        "job/commit",
        ("elif not (disk.has_halves and _has_left(commit_record, move, source, target)):", "else:"),
        UNJOURNALED + "test_a_result_that_a_reader_moves_at_once_is_not_published_twice_after_a_crash",
    ),
]

OTHERS = [
    mutant(
        "the stage of a run on another host is swept",
        "output/direct",
        ("if not (reaches_all or is_of_host) and", "if False and"),
        DIRECT + "test_runs_on_two_hosts_leave_each_other_s_parts_alone[marks0]",
    ),
    mutant(
        "lines that were set aside are not compared at the seal",
        "job/claim",
        (
            "if size_bytes != self._rejected_bytes or not os.path.lexists(self.job.path(REJECTED)):",
            "if False:",
        ),
        MEDDLING + "test_set_aside_lines_that_someone_changed_are_not_decided_about[cut]",
        MEDDLING + "test_set_aside_lines_that_someone_changed_are_not_decided_about[unlink]",
    ),
    mutant(
        "the lock is closed before its folder is removed",
        "locks/locks",
        (
            "        try:\n            if self.is_owner():\n                with suppress(OSError):  # not",
            (
                "        is_owner = self.is_owner()\n"
                "        self._disk.close(self.descriptor)\n"
                "        try:\n"
                "            if is_owner:\n                with suppress(OSError):  # not"
            ),
        ),
        MEDDLING + "test_a_lock_that_is_let_go_of_leaves_whoever_holds_the_job_next_its_folder[closed]",
        and_edit=(
            "        finally:\n            self._disk.close(self.descriptor)",
            "        finally:\n            pass",
        ),
    ),
    mutant(
        "a result that got another number still replaces",
        "job/decision",
        ("replace(moves[index], number=number, replaces=False)", "replace(moves[index], number=number)"),
        MEDDLING + "test_a_result_that_got_another_number_replaces_nothing",
    ),
]

LATE = [
    mutant(
        "the record about an input that may be written to is not kept by a group",
        "job/group",
        ("elif commit_record.is_watched:", "elif False:"),
        f"{WATCHED}[crash-together]",
    ),
    mutant(
        "the record about an input that was written to late is not kept",
        "job/late",
        ("is_watched=True,", "is_watched=False,"),
        f"{MOVED}[crash]",
    ),
    without(
        "an input goes from processed/ to failed/ before that is decided",
        "job/late",
        "decision.write_record(self._disk, job.folder, commit_record)",
        f"{MOVED}[crash]",
    ),
    mutant(
        "a record is taken for one about a later input of its name",
        "job/job",
        ("self.forget_earlier(done)\n        self.clean()", "self.clean()"),
        LATE_WRITERS + "test_a_later_file_of_the_same_name_is_not_taken_for_the_first[alone]",
    ),
    mutant(
        "a record is taken for one about a later input of its name that commits in a group",
        "job/group",
        ("job.forget_earlier(commit_record)", "pass"),
        LATE_WRITERS + "test_a_later_file_of_the_same_name_is_not_taken_for_the_first[together]",
    ),
    without(
        "the record about an input that may be written to is not fsynced",
        "job/job",
        "self.disk.sync_folder(kept_in(self.folders, done))",
        f"{WATCHED}[power loss without a journal-alone]",
    ),
    without(
        "the records about inputs that may be written to are not fsynced in a group",
        "job/group",
        "self._share(self._folders.late)",
        f"{WATCHED}[power loss without a journal-together]",
    ),
    mutant(
        "the name of a job folder is not fsynced before an input goes to failed/",
        "job/late",
        ("        job.make_durable()\n        write_whole", "        write_whole"),
        f"{MOVED}[power loss]",
    ),
]
