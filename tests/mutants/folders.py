"""Bugs about the folders in the names of results."""

from __future__ import annotations

from tests.support.mutation import crash, mutant, power, without

TESTS = "tests/unit/spool/job/test_result_folders.py::"
POWER = power("results in folders, alone")

FOLDERS = [
    without(
        "the name of a new folder of results is not fsynced",
        "checks/result_folders",
        "disk.sync_folder(above)",
        POWER,
    ),
    mutant(
        "a folder of results that is there counts as durable",
        "checks/result_folders",
        ("if known and known == identity_of(path):", "if os.path.isdir(path):"),
        TESTS + "test_a_folder_that_another_process_has_just_made_is_made_durable_too",
    ),
    mutant(
        "a folder of results that was made once counts as durable for ever",
        "checks/result_folders",
        ("if known and known == identity_of(path):", "if known:"),
        TESTS + "test_a_folder_that_was_removed_and_made_anew_is_durable_too",
    ),
    mutant(
        "a folder of results is made after the decision",
        "job/claim",
        ("self.job.prepare_results(self.staging.parts)", "pass"),
        TESTS + "test_a_folder_is_made_and_fsynced_before_the_decision",
    ),
    mutant(
        "a folder of results that a reader removed is not made again",
        "job/commit",
        ('if "/" not in move.name:', "if True:"),
        TESTS + "test_a_folder_that_a_reader_removes_after_the_decision_is_made_again",
    ),
    mutant(
        "only the folder of results itself is fsynced, not those in it",
        "job/commit",
        ("disk.sync_folder(folders.absolute(folder))", "disk.sync_folder(folders.absolute(base))"),
        power("results in folders, alone, without a journal"),
    ),
    mutant(
        "a result in a folder goes to the folder of results itself",
        "job/decision",
        (
            'return f"{self.folder}/{self.target_name}"',
            'return f"{self.folder}/{os.path.basename(self.target_name)}"',
        ),
        crash("results in folders"),
    ),
]
