"""Holding that fails: locks, leases, the fence, and who is taken for dead."""

from __future__ import annotations

from tests.support.mutation import (
    CALLS,
    GAPS,
    GROUP,
    LEASES,
    PAUSED,
    POWER_SWEEP,
    SHARING,
    SPOOL,
    WITH_LEASES,
    mutant,
    without,
)

KILLED_LOCKERS = (
    SHARING + "test_whenever_instances_with_locks_are_killed_the_next_start_leaves_nothing_of_them"
)

TAKEN_OVER = (
    POWER_SWEEP + "test_power_loss_while_a_decided_job_is_taken_over_by_a_lease_changes_nothing[leases]"
)

OWNERS = [
    mutant(
        "the lock is not taken",
        "disk/disk",
        ("fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n            if is_at", "if is_at"),
        GAPS + "test_another_process_that_works_before_any_call_changes_nothing[checkpoints]",
    ),
    mutant(
        "the lock of a folder that was removed counts",
        "disk/disk",
        ("if is_at(descriptor, folder):", "if True:"),
        CALLS + "test_a_folder_that_was_removed_while_it_was_being_locked_is_made_again",
    ),
    mutant(
        "an owner does not see whether it still is one",
        "job/job",
        ("if not self.is_owner():", "if False:"),
        SPOOL + "test_a_late_owner_whose_job_folder_was_removed_decides_nothing",
    ),
    mutant(
        "two may take over one lease",
        "locks/leases",
        (
            'self._disk.replace(os.path.join(job, generation), os.path.join(job, f"g{number}-{token}"))',
            "pass",
        ),
        PAUSED + "test_of_two_that_take_a_file_over_at_once_only_one_gets_it",
    ),
    mutant(
        "a lease that is taken over keeps its folder",
        "locks/leases",
        ('os.path.join(job, f"g{number}-{token}"))', "os.path.join(job, own))"),
        PAUSED + "test_a_late_owner_can_write_nothing_into_the_folder_that_its_host_remembers",
        and_edit=(
            """self._disk.replace(os.path.join(private, own), os.path.join(job, own))
            self._disk.remove_folder(private)

        return""",
            "self._remove(private)\n\n        return",
        ),
    ),
    mutant(
        "a group does not take back a decision about what it lost meanwhile",
        "job/group",
        ("self._each_that_is_ours(lambda claim: self._confirm(record, claim), self._open_claims)", "pass"),
        GROUP + "test_a_file_whose_job_folder_is_removed_while_its_group_decides_is_decided_once",
    ),
    mutant(
        "an instance with locks does not say so",
        "locks/sharing",
        ("            self._lockers.join()\n", ""),
        SHARING + "test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases",
    ),
    mutant(
        "an instance with locks does not make way",
        "locks/sharing",
        ("if self._lockers.have_to_leave():", "if False:"),
        SHARING + "test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases",
    ),
    mutant(
        "an instance makes way while its workers are at work",
        "locks/sharing",
        ("                end_workers()\n", ""),
        SHARING + "test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases",
    ),
    mutant(
        "an instance with leases waits for nobody who uses locks",
        "locks/sharing",
        ("            if others:", "            if False:"),
        SHARING + "test_the_loop_takes_nothing_while_another_instance_uses_locks_and_says_so",
    ),
    mutant(
        "an instance counts for workers that have died",
        "locks/beats",
        ("and not owner.is_surely_dead(self._observer)", ""),
        "tests/unit/spool/locks/test_beats.py::test_an_instance_counts_for_its_workers_as_long_as_they_live",
    ),
    mutant(
        "another boot of a host of this name counts as dead",
        "locks/owner",
        ("return ours == theirs and all(ours)", "return ours[:2] == theirs[:2]"),
        LEASES + "test_two_hosts_of_one_name_take_nothing_from_each_other",
    ),
    mutant(
        "a process that may not be looked at counts as dead",
        "locks/owner",
        ("return bool(began and self.began) and began", "return began"),
        LEASES + "test_what_is_not_surely_dead_is_waited_for",
    ),
    mutant(
        "an input goes straight to underprocess/ with a lease",
        "job/job",
        ("if self.is_lease:\n            self.disk.take(", "if False:\n            self.disk.take("),
        PAUSED + "test_a_paused_owner_does_not_bring_a_second_file_of_the_name_over_the_first",
    ),
    mutant(
        "a claim on NFS is a link",
        "disk/disk",
        ("if is_local(os.path.dirname(source)) is False:", "if False:"),
        CALLS + "test_what_others_may_move_is_taken_by_a_rename_where_hosts_share_a_folder",
    ),
    mutant(
        "the input of a lease is archived straight from underprocess/",
        "job/job",
        ("by_way=self.is_lease", "by_way=False"),
        WITH_LEASES + "test_an_owner_that_was_paused_does_not_archive_the_file_when_it_is_handed_in_again",
    ),
    mutant(
        "evidence against an owner holds for ever",
        "locks/leases",
        ("seen_version != state.seen_version", "not seen_version"),
        LEASES + "test_evidence_that_has_become_old_takes_nothing_over",
    ),
    mutant(
        "a file that was taken over goes on from the late owner's checkpoint",
        "spool",
        ("None if job.is_fresh_start else checkpoints.read_checkpoint(", "checkpoints.read_checkpoint("),
        WITH_LEASES + "test_an_owner_that_was_paused_anywhere_adds_nothing_to_what_goes_on_without_it",
    ),
    mutant(
        "a lease is made where there is one",
        "locks/leases",
        (
            "if state is None:\n            return self._made(job)",
            "if True:\n            return self._made(job)",
        ),
        LEASES + "test_a_host_that_has_a_file_keeps_it_from_the_others_while_it_counts",
    ),
    without(
        "what an instance left that died while it let go stays",
        "locks/lockers",
        "self._leases.finish_release(name)",
        KILLED_LOCKERS,
    ),
    without(
        "who died while it took a lease over counts on",
        "locks/leases",
        "self._dead_takers.add(token)",
        KILLED_LOCKERS,
    ),
    mutant(
        "a lease's folder is not fsynced before records are moved there",
        "locks/leases",
        ("            self._disk.sync_folder(job)  # the", "            #"),
        TAKEN_OVER,
    ),
    mutant(
        "a record that has two names in the folders of two leases is in the way for ever",
        "locks/leases",
        ("if same_file(source, target):", "if False:"),
        TAKEN_OVER,
    ),
]
