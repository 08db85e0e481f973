"""A bug in the commit code as data, and short names for the tests that must notice it."""

from __future__ import annotations

from dataclasses import dataclass

SWEEP = "tests/system/test_crash_sweep.py::"
POWER_SWEEP = "tests/system/test_power_sweep.py::"
POWER_GAPS = "tests/system/test_power_gaps.py::"
MEANWHILE = "tests/system/test_crash_meanwhile.py::"
GAPS = "tests/system/test_crash_gaps.py::"
FAILING_DISKS = "tests/system/test_failing_disks.py::"
WITH_LEASES = "tests/system/test_crash_with_leases.py::"
PAUSED = "tests/unit/spool/locks/test_paused_owners.py::"
DIRECT = "tests/unit/spool/output/test_direct.py::"
UNJOURNALED = "tests/unit/spool/job/test_unjournaled.py::"
VANISHED = "tests/system/test_vanished_results.py::"
LATE_WRITERS = "tests/unit/spool/job/test_late.py::"
LEASES = "tests/unit/spool/locks/test_leases.py::"
SHARING = "tests/unit/spool/locks/test_sharing.py::"
CALLS = "tests/unit/spool/disk/test_disk.py::"
GROUP_OWNERS = "tests/unit/spool/job/test_group_owners.py::"
GROUP = "tests/unit/spool/job/test_group.py::"
SPOOL = "tests/unit/spool/test_spool.py::"
MEDDLING = "tests/unit/spool/job/test_meddling.py::"
ARCHIVE = "tests/unit/spool/intake/test_archive.py::"
OLD_RESULTS = "tests/unit/spool/intake/test_old_results.py::"
RETENTION_SWEEP = "tests/system/test_retention_sweep.py::"
HELPERS = "tests/unit/run/test_helpers_that_write.py::"
UPLOAD_TESTS = "tests/unit/spool/intake/test_uploads.py::"
UPLOAD_CRASHES = "tests/unit/spool/intake/test_upload_crashes.py::"


def crash(scenario: str, way: str = "renameat2") -> str:
    """The sweep of crashes over a scenario."""
    return f"{SWEEP}test_a_crash_before_any_call_changes_nothing_of_what_comes_out[{way}-{scenario}]"


def power(scenario: str, *, by_chance: bool = False) -> str:
    """The sweep of power loss over a scenario; by chance, the newest name survives."""
    how = "lose_power_but_for_the_newest_name" if by_chance else "lose_power"
    return f"{POWER_SWEEP}test_power_loss_before_any_call_changes_nothing_of_what_comes_out[{how}-{scenario}]"


def others_fsync(scenario: str, ending: str = "") -> str:
    """The sweep of power loss after another process has fsynced all folders, or those that `ending` says."""
    name = "test_power_loss_before_any_call_changes_nothing_of_what_comes_out"
    return f"{POWER_SWEEP}{name}[lose_power_after_others_fsynced{ending}-{scenario}]"


def power_after_crash(scenario: str) -> str:
    """The sweep of power loss while a decision is carried out after a crash."""
    name = "test_power_loss_while_a_commit_record_is_rolled_forward_after_a_crash_changes_nothing"
    return f"{POWER_SWEEP}{name}[{scenario}]"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: in a file, each old text (which occurs once) becomes the new one beside it.

    `tests` are those that must notice it.
    """

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


def mutant(
    name: str, module: str, edit: tuple[str, str], *tests: str, and_edit: tuple[str, str] | None = None
) -> Mutant:
    """Return a bug in a module of the spool; `and_edit` is the other half of a step that moves."""
    return Mutant(name, f"fproc/spool/{module}.py", (edit, and_edit) if and_edit else (edit,), tests)


def without(name: str, module: str, step: str, *tests: str) -> Mutant:
    """Return the bug of a whole statement left out."""
    return mutant(name, module, (step, "pass"), *tests)
