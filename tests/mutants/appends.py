"""Bugs in appending to results that inputs share."""

from __future__ import annotations

from tests.support.mutation import crash, mutant

TESTS = "tests/unit/spool/output/test_appends.py::"
IN_TEXTS = "tests/unit/spool/output/test_appended_texts.py::"
IN_ROTATED = "tests/unit/spool/output/test_rotated_results.py::"
PACKED = (
    IN_ROTATED + "test_what_was_complete_when_it_was_rotated_and_packed_after_a_crash_is_not_appended_again"
)
CRASHES = TESTS + "test_whoever_comes_after_a_crash_completes_what_was_begun"
POWER_LOSS = TESTS + "test_loss_of_power_before_any_call_costs_nothing_and_doubles_nothing"
HALVES = TESTS + "test_half_of_an_input_is_completed_or_cut_and_written_again"
ROTATED = IN_ROTATED + "test_a_result_that_is_rotated_before_any_call_after_a_crash_too_has_each_input_once"
REMOVED = IN_ROTATED + "test_a_result_that_is_removed_while_it_is_appended_to_is_begun_anew"

APPENDS = [
    mutant(
        "what is appended is not fsynced",
        "output/appends",
        ("self._disk.sync(shared.descriptor)", "id(shared)"),
        POWER_LOSS,
    ),
    mutant(
        "the intent to append is not written",
        "output/appends",
        ("self._intents.write(intent, lock.folder)", "pass"),
        HALVES,
    ),
    mutant(
        "the intent to append is written after what is appended",
        "output/appends",
        ("self._intents.write(intent, lock.folder)\n", "pass\n"),
        HALVES,
        and_edit=(
            "end_bytes = shared.size_bytes()\n            if not",
            (
                "end_bytes = shared.size_bytes()\n                self._intents.write(intent, lock.folder)\n"
                "            if not"
            ),
        ),
    ),
    mutant(
        "the intent is removed before the parts",
        "output/appends",
        (
            "        for part in parts:\n            unlink_if_there",
            (
                "        self._intents.remove(intent.result)\n        for part in parts:\n"
                "            unlink_if_there"
            ),
        ),
        CRASHES,
    ),
    mutant(
        "the absence of parts that were appended is not fsynced before the intent goes",
        "output/appends",
        (
            "self._disk.sync_folder(self._stage)\n        self._intents.remove(intent.result)",
            "self._intents.remove(intent.result)",
        ),
        POWER_LOSS,
    ),
    mutant(
        "the name of a new result that is appended to is not fsynced",
        "output/appends",
        ("self._disk.sync_folder(os.path.dirname(path))", "pass"),
        POWER_LOSS,
    ),
    mutant(
        "what an appender that died had begun is not looked for",
        "output/appends",
        ("            settled = self._settle(result)\n", "            settled = {}\n"),
        CRASHES,
    ),
    mutant(
        "a part that was appended before is appended again",
        "output/appends",
        ("if entry.is_there and entry.key not in appended]", "if entry.key not in appended]"),
        TESTS + "test_a_part_that_is_gone_was_appended_before",
    ),
    mutant(
        "what was begun is written once more behind its half",
        "output/appends",
        ("        if done_bytes is None:", "        done_bytes = 0\n        if done_bytes is None:"),
        HALVES,
    ),
    mutant(
        "whatever is there from the intent's offset on counts as appended",
        "output/shared_result",
        ("if not wanted.startswith(found):", "if False:"),
        HALVES,
    ),
    mutant(
        "garbage is not cut before what was begun is written again",
        "output/appends",
        (
            "            shared.cut(intent.offset_bytes)\n            done_bytes = 0",
            "            done_bytes = 0",
        ),
        HALVES,
    ),
    mutant(
        "what is left of a part that was begun is written from its beginning",
        "output/shared_result",
        ("held.append(data[begin:])", "held.append(data[:])"),
        HALVES,
    ),
    mutant(
        "a result that was rotated after a crash is not looked for",
        "output/appends",
        ("candidates = [self._link_path(intent.result), path]", "candidates = [path]"),
        ROTATED,
    ),
    mutant(
        "another file that has the result's name is taken for the one that was begun with",
        "output/appends",
        ("is_settled = shared.inode == intent.inode and", "is_settled ="),
        ROTATED,
        and_edit=(
            "if os.lstat(candidate).st_ino == intent.inode:",
            "if candidate == path and os.lstat(candidate):",
        ),
    ),
    mutant(
        "a result that was removed while it was appended to counts as there",
        "output/appends",
        ("            if not self._is_gone(result):\n", "            if result:\n"),
        REMOVED,
    ),
    mutant(
        "what was emptied after a crash counts as there",
        "output/appends",
        ("            return False\n        done_bytes = ", "            return True\n        done_bytes = "),
        IN_ROTATED + "test_what_was_emptied_after_a_crash_is_appended_to_what_is_there",
    ),
    mutant(
        "what was complete when it was removed is appended again",
        "output/appends",
        (
            "            return True  # whoever",
            "            return not self._is_gone(intent.result)  # whoever",
        ),
        IN_ROTATED
        + "test_what_was_complete_when_it_was_rotated_and_packed_after_a_crash_is_not_appended_again",
    ),
    mutant(
        "what could not be made durable stays",
        "output/appends",
        (
            "                shared.cut(intent.offset_bytes)\n            raise",
            "                pass\n            raise",
        ),
        TESTS + "test_what_could_not_be_made_durable_is_cut_and_written_again",
    ),
    mutant(
        "whoever appends takes no lock",
        "output/appends",
        (
            'name, manager = f"{LOCK}{digest}", self._lock_manager()',
            'name, manager = f"{LOCK}{digest}{id(self)}", self._lock_manager()',
        ),
        TESTS + "test_nobody_appends_while_another_does_and_who_waits_too_long_says_so",
    ),
    mutant(
        "whoever has lost the lock appends nevertheless",
        "output/appends",
        ("if not lock.is_owner():", "if False:"),
        TESTS + "test_who_has_lost_the_lock_writes_nothing",
    ),
    mutant(
        "parts whose stage is another folder count as appended",
        "output/appends",
        ("if not has_text(gone) and identity_of(self._stage) != intent.stage:", "if False:"),
        TESTS + "test_parts_are_waited_for_while_their_stage_is_another_folder",
    ),
    mutant(
        "what is appended does not go to the end",
        "disk/disk",
        ("os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC", "os.O_RDWR | os.O_CREAT | os.O_CLOEXEC"),
        TESTS + "test_parts_are_appended_in_their_order_and_where_is_said",
    ),
    mutant(
        "what several inputs append is appended before they are committed",
        "job/group",
        (
            "            self._write_down()\n            self._append()\n",
            "            self._append()\n            self._write_down()\n",
        ),
        crash("an appended result"),
    ),
    mutant(
        "what is appended is appended before the commit record",
        "job/claim",
        (
            "        decision.write_record(job.disk, job.folder, commit_record)\n",
            (
                "        for move in commit_record.appended:\n"
                "            commit.append(job.folders, job._appender, move.name, [commit_record])\n"
                "        decision.write_record(job.disk, job.folder, commit_record)\n"
            ),
        ),
        crash("an appended result, alone"),
    ),
    mutant(
        "nothing is appended when a commit record is rolled forward",
        "job/commit",
        (
            "    for move in commit_record.appended:\n        [",
            "    for move in commit_record.appended[:0]:\n        [",
        ),
        crash("an appended result, alone"),
    ),
    mutant(
        "a file that a rotator has locked is appended to",
        "output/appends",
        ("self._disk.lock_open(shared.descriptor) or None", "True"),
        IN_ROTATED + "test_a_rotator_that_holds_the_lock_of_the_file_is_waited_for",
    ),
    mutant(
        "what someone else has written behind an input is cut",
        "output/appends",
        ("if shared.size_bytes() > intent.offset_bytes + intent.size_bytes:", "if False:"),
        IN_ROTATED + "test_what_someone_else_has_written_meanwhile_is_never_cut",
    ),
    mutant(
        "it is not remembered which texts were appended",
        "output/appends",
        ("self._intents.finish(intent.result)", "self._intents.remove(intent.result)"),
        TESTS + "test_a_part_that_is_gone_was_appended_before",
    ),
    mutant(
        "that texts were appended is not made durable",
        "output/intents",
        (
            '{_DONE}")\n        self._disk.sync_folder(self._folders.appends)',
            '{_DONE}")',
        ),
        IN_TEXTS + "test_that_texts_were_appended_is_durable_before_a_rotator_empties_the_result",
    ),
    mutant(
        "texts that were appended before the last ones are forgotten",
        "output/appends",
        ("tuple(entries), stage, earlier)", "tuple(entries), stage, {})"),
        IN_TEXTS + "test_texts_are_known_to_be_appended_as_long_as_their_records_are_there",
    ),
    mutant(
        "texts are forgotten whose commit records may come back",
        "output/intents",
        ("        if left != appended:\n", "        if not appended:\n"),
        IN_TEXTS + "test_texts_are_known_to_be_appended_as_long_as_their_records_may_come_back",
    ),
    mutant(
        "texts whose commit records are gone are taken for those still to be appended",
        "output/entries",
        ("return self.data is not None", "return True"),
        IN_TEXTS + "test_a_text_whose_record_is_gone_was_appended_and_so_were_those_beside_it",
    ),
    mutant(
        "the second name of a result goes before its intent with texts is done",
        "output/appends",
        (
            "        self._intents.finish(intent.result)\n",
            (
                "        unlink_if_there(self._disk, self._link_path(intent.result))\n"
                "        self._intents.finish(intent.result)\n"
            ),
        ),
        ROTATED,
    ),
    mutant(
        "a text that is too long for a commit record stays in memory",
        "output/parts",
        ("if self._text_bytes > TEXT_BYTES:", "if False:"),
        "tests/unit/spool/output/test_parts.py::test_what_is_appended_is_held_in_memory_as_long_as_it_is_short",
    ),
    mutant(
        "a text that was held in memory is not in the checkpoint",
        "output/parts",
        (
            "            if part.text:\n                self._write_text",
            "            if False:\n                self._write_text",
        ),
        "tests/unit/spool/output/test_parts.py::test_a_checkpoint_writes_what_was_held_in_memory",
    ),
]
