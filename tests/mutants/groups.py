"""Inputs that are claimed and decided about together."""

from __future__ import annotations

from tests.support.mutation import (
    GAPS,
    GROUP,
    GROUP_OWNERS,
    MEANWHILE,
    crash,
    mutant,
    others_fsync,
    power,
    power_after_crash,
    without,
)

HANDED_BACK = MEANWHILE + "test_a_file_that_is_handed_in_again_at_once_is_processed_again_after_power_loss"
TOGETHER = power("three files")
AWAY = GROUP + "test_nothing_is_decided_about_files_while_a_folder_of_the_commit_is_away"
TOGETHER_WITHOUT_JOURNAL = power("two files, without a journal")

GROUPS = [
    without(
        "the folders that inputs leave and come to are not looked for before a decision",
        "checks/home",
        "self._check((self._folders.underprocess, self._folders.processed))",
        f"{AWAY}[underprocess]",
    ),
    mutant(
        "parts that commit together are not fsynced",
        "job/group",
        (
            "errors = self._disk.sync_all([descriptor for _, _, descriptor in open_parts])",
            "errors = [None] * len(open_parts)",
        ),
        TOGETHER,
    ),
    mutant(
        "what several inputs hold is fsynced after they were moved",
        "job/group",
        ("for path, result in sync_contents(self._disk, list(waiting)).items()", "for path, result in ()"),
        others_fsync("three files"),
    ),
    without(
        "underprocess/ is not fsynced after several claims",
        "job/group",
        "self._disk.sync_folder(self._folders.underprocess)",
        TOGETHER_WITHOUT_JOURNAL,
    ),
    without(
        "unprocessed/ is not fsynced after several claims",
        "job/group",
        "self._disk.sync_folder(self._folders.unprocessed)",
        TOGETHER,
    ),
    mutant(
        "the stage folder is not fsynced before several decisions",
        "job/group",
        ("            if self._has_parts():\n", "            if False:\n"),
        TOGETHER,
    ),
    mutant(
        "a shared record is not fsynced",
        "job/group",
        ("            self._disk.sync(record)\n", ""),
        TOGETHER_WITHOUT_JOURNAL,
    ),
    mutant(
        "the names of a shared record are not fsynced",
        "job/group",
        (
            "            self._disk.close(record)\n        self._share(self._folders.commits)",
            "            self._disk.close(record)",
        ),
        TOGETHER,
    ),
    mutant(
        "results are not fsynced before several inputs are archived",
        "job/group",
        ("commit.sync_targets(self._disk, self._folders, self._moves())", "pass"),
        TOGETHER_WITHOUT_JOURNAL,
    ),
    mutant(
        "the stage folder is not fsynced before a shared record goes",
        "job/group",
        ("self._share(self._stage)  #", "pass  #"),
        TOGETHER,
    ),
    mutant(
        "the archive is not fsynced for several inputs",
        "job/group",
        ("self._share(self._folders.processed)", "pass"),
        TOGETHER_WITHOUT_JOURNAL,
    ),
    mutant(
        "underprocess/ is not fsynced after several inputs have left it",
        "job/group",
        (
            "self._share(self._folders.underprocess)\n            self._has_late_records",
            "self._has_late_records",
        ),
        TOGETHER,
    ),
    mutant(
        "the absence of shared records is not fsynced",
        "job/group",
        ("self._share(self._folders.commits)  #", "pass  #"),
        HANDED_BACK,
    ),
    mutant(
        "several inputs are archived before their results are published",
        "job/group",
        ("self._each(self._publish)", "self._each(self._archive)"),
        GAPS + "test_an_input_is_archived_only_when_its_results_are_there[crash]",
        and_edit=(
            "self._each(self._archive)\n            self._share(self._folders.processed",
            "self._each(self._publish)\n            self._share(self._folders.processed",
        ),
    ),
    mutant(
        "results are published before the shared record",
        "job/group",
        (
            "self._write_down()\n            self._append()\n            self._each(self._publish)",
            "self._each(self._publish)\n            self._write_down()\n            self._append()",
        ),
        crash("three files"),
    ),
    mutant(
        "shared records go before their inputs are archived",
        "job/group",
        ("self._each(self._archive)\n", "self._each(self._forget)\n"),
        crash("three files"),
        and_edit=(
            "self._each(self._forget)\n            if any(",
            "self._each(self._archive)\n            if any(",
        ),
    ),
    mutant(
        "a decision that was made anew in a group stays behind",
        "job/group",
        ("if commit_record is not self._written[claim]:", "if False:"),
        GROUP + "test_results_of_one_name_get_numbers",
    ),
    mutant(
        "records about earlier inputs of the names of a group stay",
        "job/group",
        ("return next(entries, None) is not None", "return False"),
        GROUP + "test_records_about_earlier_inputs_of_these_names_are_forgotten",
    ),
    mutant(
        "lines that were set aside are not published",
        "job/claim",
        ("if self._rejected_bytes:", "if False:"),
        "tests/unit/run/test_attempt.py::test_a_line_over_the_limit_is_set_aside_with_its_beginning",
    ),
    mutant(
        "several claims do not look for what a crash has left",
        "job/group",
        (
            "return [name for name in holds if name in committed or part_prefix(name) in prefixes]",
            "return []",
        ),
        GROUP + "test_an_input_whose_job_is_known_is_claimed_alone_with_what_is_known",
        power("three files"),
    ),
    mutant(
        "a shared record is not looked for in recovery",
        "job/job",
        ("commit_record = decision.read_shared(self.folders, self.name)", "commit_record = None"),
        crash("three files"),
    ),
    mutant(
        "the names of a shared record are not fsynced in recovery",
        "job/job",
        (
            "self.disk.close(record)\n        self.disk.sync_folder(self.folders.commits)",
            "self.disk.close(record)",
        ),
        power_after_crash("two results"),
    ),
    mutant(
        "a shared record that was not fsynced is not fsynced in recovery",
        "job/job",
        ("            self.disk.sync(record)\n", "            pass\n"),
        power_after_crash("two results"),
    ),
    mutant(
        "a late owner's decision stands in a group",
        "job/group",
        ("            claim.check_owner()\n            self._disk.unlink(path)", "            return"),
        GROUP_OWNERS + "test_a_commit_record_of_a_late_owner_is_gone_before_anything_is_published",
    ),
    mutant(
        "a group removes the decision of who has the input now",
        "job/group",
        ("was quicker\n            claim.check_owner()", "was quicker"),
        GROUP_OWNERS + "test_a_commit_record_of_the_next_owner_stays",
    ),
    mutant(
        "a group does not see whether it owns an input that it decides about",
        "job/group",
        (
            "        claim.check_owner()\n        try:\n            self._disk.give_name",
            "        try:\n            self._disk.give_name",
        ),
        GROUP_OWNERS + "test_nothing_is_decided_about_an_input_that_was_lost_before",
    ),
    mutant(
        "a group takes back the decision of who has the input now",
        "job/group",
        ("if is_at(record, claim.job.shared_record):", "if True:"),
        GROUP + "test_a_file_whose_job_folder_is_removed_while_its_group_decides_is_decided_once"
        "[taken over-after]",
    ),
    mutant(
        "shared records stay",
        "job/group",
        ("            self._disk.unlink(job.shared_record)", "            pass"),
        crash("three files"),
    ),
]
