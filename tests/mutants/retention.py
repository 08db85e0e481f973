"""Removals of what `retention` does not keep that go too far, or come to no end."""

from __future__ import annotations

from tests.support.mutation import ARCHIVE, OLD_RESULTS, RETENTION_SWEEP, mutant, without

ANY_STEP = RETENTION_SWEEP + "test_through_a_crash_at_any_step_only_what_is_not_kept_goes_and_all_of_it"
IN_ITS_PLACE = (
    RETENTION_SWEEP
    + "test_through_a_crash_at_any_step_a_result_that_comes_in_the_place_of_an_old_one_survives"
)

RETENTION = [
    mutant(
        "the reports of a failed input are removed before it",
        "intake/archive",
        ("for path in kept.paths:", "for path in reversed(kept.paths):"),
        f"{ANY_STEP}[number]",
    ),
    without(
        "what is kept to run a removed input again stays",
        "intake/archive",
        "reruns.forget_archived(disk, self._folders, os.path.basename(folder), name)",
        f"{ANY_STEP}[number]",
    ),
    mutant(
        "an input that came in the place of an old one is removed",
        "intake/archive",
        ("if _time_of(kept.paths[0]) != kept.time:", "if False:"),
        ARCHIVE + "test_an_input_that_comes_in_the_place_of_an_old_one_stays",
    ),
    mutant(
        "an input that may still be written to is removed",
        "intake/archive",
        ("if not os.path.lexists(os.path.join(self._folders.late, entry.name)):", "if True:"),
        ARCHIVE + "test_an_input_that_may_still_be_written_to_stays",
    ),
    mutant(
        "one file too many is removed",
        "intake/bounds",
        ("files > self.files:", "files >= self.files:"),
        f"{ANY_STEP}[number]",
    ),
    mutant(
        "one file too many is removed for its size",
        "intake/bounds",
        ("size_bytes > self.megabytes * MEGABYTE:", "size_bytes >= self.megabytes * MEGABYTE:"),
        f"{ANY_STEP}[size]",
    ),
    mutant(
        "what was removed still counts",
        "intake/bounds",
        ("            files -= 1\n", ""),
        f"{ANY_STEP}[number]",
    ),
    mutant(
        "a result that was written to since it was published is removed",
        "intake/old_results",
        (" or status.st_mtime > result.time + SLACK_SECONDS:", ":"),
        f"{ANY_STEP}[age]",
    ),
    mutant(
        "a result is removed where it lies",
        "intake/old_results",
        ("disk.replace(path, aside)", "unlink_if_there(disk, path)\n            return True"),
        IN_ITS_PLACE,
    ),
    mutant(
        "a result that was replaced while it was removed is removed",
        "intake/old_results",
        ("if _identity(os.lstat(aside)) != _identity(status):", "if False:"),
        IN_ITS_PLACE,
    ),
    mutant(
        "what a crash left of a removal stays",
        "intake/remover",
        ("self._results.clean(self._disk)", "pass"),
        f"{ANY_STEP}[number]",
    ),
    mutant(
        "a result that replaced another just before a crash is removed",
        "intake/old_results",
        ('if name.startswith(f"{_MOVED}{_identity(os.lstat(path))}-"):', "if True:"),
        IN_ITS_PLACE,
    ),
    mutant(
        "a result that is moved back replaces the next one",
        "intake/old_results",
        ("disk.move(aside, path)", "disk.replace(aside, path)"),
        OLD_RESULTS + "test_a_result_that_comes_while_another_is_moved_back_stays",
    ),
    mutant(
        "results are forgotten while their folder is not there",
        "intake/old_results",
        ("            self._home.check()\n            if not", "            if not"),
        OLD_RESULTS + "test_nothing_is_forgotten_if_the_folder_of_results_vanishes_meanwhile",
    ),
    mutant(
        "results that are gone are not forgotten",
        "intake/old_results",
        ("self._names.forget(gone)", "pass"),
        f"{ANY_STEP}[number]",
    ),
]
