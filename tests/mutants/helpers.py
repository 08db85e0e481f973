"""Bugs in how helpers write into parts: a hole, a byte in another's place, a part that nobody holds."""

from __future__ import annotations

from tests.support.mutation import HELPERS, Mutant, mutant


def _chunked(name: str, module: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, f"fproc/run/chunked/{module}.py", ((old, new),), tests)


WRITES = [
    mutant(
        "a checkpoint does not wait for what helpers have to write",
        "output/parts",
        ("self._settle()\n        for result", "pass\n        for result"),
        HELPERS + "test_nothing_is_durable_before_all_that_was_reserved_is_written",
    ),
    mutant(
        "a run ends before helpers have written",
        "output/parts",
        ("self._settle()\n        self._settle = None", "self._settle = None"),
        HELPERS + "test_nothing_is_durable_before_all_that_was_reserved_is_written",
    ),
    mutant(
        "room is reserved twice",
        "output/parts",
        ("part.grow(size_bytes, lines)", "part.grow(0, lines)"),
        HELPERS + "test_helpers_write_what_they_do",
    ),
    mutant(
        "lines that are held are not written before room is reserved",
        "output/parts",
        ("self.flush()\n        part = self.parts.get(result)", "part = self.parts.get(result)"),
        HELPERS + "test_room_comes_after_all_that_was_written_before",
    ),
    mutant(
        "the owner appends while helpers write",
        "output/parts",
        ("elif self._settle:\n            self._disk.write_at", "elif 0:\n            self._disk.write_at"),
        HELPERS + "test_room_comes_after_all_that_was_written_before",
    ),
    mutant(
        "a helper does not inherit the lock of the job",
        "job/job",
        ("(lock,)", "()"),
        HELPERS + "test_what_a_helper_inherits_is_the_lock_of_the_job",
    ),
    _chunked(
        "a helper does not get what it has to hold",
        "helper",
        "*(output.held or ())",
        "*()",
        HELPERS + "test_a_job_stays_locked_until_its_helpers_are_dead",
    ),
    _chunked(
        "what a dead helper has not written is forgotten",
        "helpers",
        "helper.end()\n                    helper.fill()",
        "helper.end()",
        HELPERS + "test_what_a_dead_helper_has_not_written_its_owner_writes",
    ),
    _chunked(
        "what a helper could not write is taken for written",
        "serving",
        "is_written=False",
        "is_written=True",
        HELPERS + "test_what_a_helper_cannot_write_its_owner_writes",
    ),
    _chunked(
        "a buffer is dealt again before what is in it was written",
        "helper",
        "self._send(Placing(buffer, tuple(numbered)))",
        "self._send(Placing(buffer, tuple(numbered))); self._free.append(buffer)",
        HELPERS + "test_no_more_is_dealt_to_a_helper_than_it_has_buffers_for",
    ),
    _chunked(
        "what a helper does that was done without it is added too",
        "helper",
        "isinstance(message, Done) and not share.is_done",
        "isinstance(message, Done)",
        HELPERS + "test_what_a_helper_does_too_late_is_dropped",
    ),
    _chunked(
        "pieces of a result change places",
        "serving",
        "kept.setdefault(result, []).append(piece)",
        "kept.setdefault(result, []).insert(0, piece)",
        HELPERS + "test_a_result_s_pieces_stay_in_order",
    ),
]
