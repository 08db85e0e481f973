"""`--input`: results where they were asked for, whole or not at all, and nothing else left there."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import InputError, ResultNameError, UsageError
from fproc.cli.input import Destination, destination, process_inputs
from fproc.pipeline.plan import Plan
from fproc.spool.disk.disk import Disk
from fproc.spool.job.decision import appended_text
from fproc.spool.output import direct
from fproc.spool.output.direct import DirectOutput, publish_text
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, Crash, files

STAGE = ".stage"
NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "count"]},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "{stem}.count"}},
]


def output(folder: Path, disk: Disk | None = None, **options: Any) -> DirectOutput:
    return DirectOutput(
        disk or Disk(power=False), str(folder), **{"rename": {}, "read_text": appended_text, **options}
    )


def written(folder: Path, *results: str, **options: Any) -> DirectOutput:
    made = output(folder, **options)
    for result in results:
        made.staging.write(result, f"new {result}")
    made.staging.flush()
    return made


def test_results_appear_under_their_names_and_nothing_else_is_left(tmp_path: Path) -> None:
    made = written(tmp_path / "out", "a", "b")
    assert [name for name in os.listdir(tmp_path / "out") if name != STAGE] == []
    assert made.publish([], set()) == [str(tmp_path / "out" / "a"), str(tmp_path / "out" / "b")]
    made.close()
    assert files(str(tmp_path / "out")) == {"a": "new a\n", "b": "new b\n"}
    assert sorted(os.listdir(tmp_path / "out")) == ["a", "b"]


def test_nothing_is_made_in_the_folder_before_there_is_a_result(tmp_path: Path) -> None:
    made = output(tmp_path / "out")
    assert made.publish([], set()) == []
    made.close()
    assert os.listdir(tmp_path) == []


def test_what_was_not_published_leaves_no_trace_not_even_the_folders_made_for_it(tmp_path: Path) -> None:
    before = open_descriptors()
    made = written(tmp_path / "deep" / "er" / "out", "a")
    assert (tmp_path / "deep" / "er" / "out").is_dir()
    made.close()
    assert os.listdir(tmp_path) == []
    assert not new_descriptors(before)


def test_folders_that_were_there_stay(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    written(tmp_path / "mine" / "out", "a").close()
    assert os.listdir(tmp_path) == ["mine"]
    assert os.listdir(tmp_path / "mine") == []


def test_a_result_replaces_an_earlier_one_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old and longer than the new one\n")
    made = written(tmp_path, "a")
    assert (tmp_path / "a").read_text().startswith("old")
    made.publish([], set())
    made.close()
    assert files(str(tmp_path)) == {"a": "new a\n"}


def test_results_of_one_call_do_not_replace_each_other(tmp_path: Path) -> None:
    taken: set[str] = set()
    for _ in range(3):
        made = written(tmp_path, "a.log")
        made.publish([], taken)
        made.close()
    assert sorted(os.listdir(tmp_path)) == ["a.log", "a~2.log", "a~3.log"]
    assert taken == {str(tmp_path / name) for name in os.listdir(tmp_path)}


def test_a_result_can_be_published_under_another_name_without_hitting_a_third(tmp_path: Path) -> None:
    made = written(tmp_path, "in.log", "out.txt", rename={"in.log": "out.txt"})
    made.publish([], set())
    made.close()
    assert files(str(tmp_path)) == {"out.txt": "new in.log\n", "out~2.txt": "new out.txt\n"}


@pytest.mark.parametrize("how", ["itself", "a link to it", "a hard link to it"])
def test_no_result_replaces_an_input_and_then_none_is_published(tmp_path: Path, how: str) -> None:
    given = tmp_path / "in.log"
    given.write_text("input\n")
    if how == "a link to it":
        (tmp_path / "b").symlink_to(given)
    elif how == "a hard link to it":
        os.link(given, tmp_path / "b")
    names = sorted(os.listdir(tmp_path))
    made = written(tmp_path, "a", "in.log" if how == "itself" else "b")
    with pytest.raises(InputError, match="would replace an input; choose another --output"):
        made.publish([str(given)], set())
    made.close()
    assert (given.read_text(), sorted(os.listdir(tmp_path))) == ("input\n", names)


def test_a_result_cannot_be_put_where_a_folder_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    made = written(tmp_path, "0", "a")
    with pytest.raises(InputError, match="which is a folder"):
        made.publish([], set())
    made.close()
    assert os.listdir(tmp_path) == ["a"]


def test_a_streamed_result_makes_no_file(tmp_path: Path) -> None:
    stream = io.BytesIO()
    made = written(tmp_path / "out", "a", stream=stream, streamed_result="a")
    assert made.publish([], set()) == []
    made.close()
    assert (stream.getvalue(), os.listdir(tmp_path)) == (b"new a\n", [])


def test_runs_at_the_same_time_leave_each_other_s_parts_alone(tmp_path: Path) -> None:
    one, other = written(tmp_path, "a"), written(tmp_path, "b")
    one.publish([], set())
    one.close()
    other.publish([], set())
    other.close()
    assert files(str(tmp_path)) == {"a": "new a\n", "b": "new b\n"}
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_what_a_killed_run_left_is_swept_away_by_the_next(tmp_path: Path) -> None:
    disk = BrokenDisk(10**9)
    killed = written(tmp_path, "a", disk=disk)
    disk.die()
    foreign = tmp_path / STAGE / "id-of-a-spool"
    foreign.mkdir()
    written(tmp_path, "b").close()
    assert os.listdir(tmp_path / STAGE) == ["id-of-a-spool"]
    assert killed.staging.parts


class InterruptedDisk(Disk):
    """Somebody presses Ctrl-C just after the call of this number that makes something."""

    def __init__(self, number: int) -> None:
        super().__init__(power=False)
        self.left = number

    def _made(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def make_folder(self, path: str) -> None:
        super().make_folder(path)
        self._made()

    def sync_folder(self, path: str) -> None:
        super().sync_folder(path)
        self._made()


def test_ctrl_c_while_folders_are_made_leaves_none_of_them(tmp_path: Path) -> None:
    interrupted = 0
    for number in range(1, 20):
        one = output(tmp_path / "new" / "results", InterruptedDisk(number))
        try:
            one.staging.lines("result").append("a line")
            one.staging.flush()
        except KeyboardInterrupt:
            interrupted += 1
        one.close()
        assert os.listdir(tmp_path) == []
    assert interrupted > 4


class UnreachedDisk(Disk):
    """Another host's, whose locks and ours do not see each other, as over NFS without a lock daemon."""

    def lock(self, folder: str) -> int | None:
        self.make_folder(folder)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def on_host(monkeypatch: pytest.MonkeyPatch, mark: str, folder: Path) -> DirectOutput:
    """An output of a run on a host that shares the folder with others."""
    monkeypatch.setattr(direct, "is_local", lambda _path: False)
    monkeypatch.setattr(direct, "host_mark", lambda: mark)
    return DirectOutput(UnreachedDisk(power=False), str(folder), rename={}, read_text=appended_text)


@pytest.mark.parametrize("marks", [("one", "other"), ("", "other"), ("one", ""), ("", "")])
def test_runs_on_two_hosts_leave_each_other_s_parts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: tuple[str, str]
) -> None:
    first, second = (on_host(monkeypatch, mark, tmp_path) for mark in marks)
    for output, name in ((first, "a"), (second, "b"), (first, "c")):
        output.staging.write(name, name)
        output.staging.flush()
    assert second.publish([], set()) == [str(tmp_path / "b")]
    second.close()
    assert first.publish([], set()) == [str(tmp_path / "a"), str(tmp_path / "c")]
    first.close()
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


def test_what_a_run_on_another_host_left_is_swept_away_a_day_after_its_last_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = tmp_path / ".stage"
    old, fresh = stages / "input-other-1", stages / "input-other-2"
    for stage in (old, fresh):
        stage.mkdir(parents=True)
        (stage / "0").write_text("part")
    two_days_ago = os.stat(fresh).st_mtime - 2 * 86400
    for path in (old / "0", old, fresh):
        os.utime(path, (two_days_ago, two_days_ago))
    output = on_host(monkeypatch, "one", tmp_path)
    output.staging.write("a", "a")
    output.staging.flush()
    output.publish([], set())
    output.close()
    assert os.listdir(stages) == ["input-other-2"], "its part has just been written to"


def test_what_a_killed_run_of_this_host_left_is_swept_away_at_once_on_a_shared_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".stage/input-one-1").mkdir(parents=True)
    output = on_host(monkeypatch, "one", tmp_path)
    output.staging.write("a", "a")
    output.staging.flush()
    output.publish([], set())
    output.close()
    assert os.listdir(tmp_path) == ["a"]


def test_a_call_that_dies_anywhere_leaves_old_or_new_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    for calls in range(100):
        folder = tmp_path / str(calls)
        folder.mkdir()
        (folder / "a").write_text("old\n")
        disk = BrokenDisk(calls)
        disk.power = False
        try:
            made = written(folder, "a", disk=disk)
            made.publish([], set())
            made.close()
        except Crash:
            disk.die()
        assert files(str(folder))["a"] in {"old\n", "new a\n"}
        again = written(folder, "a")
        again.publish([], set())
        again.close()
        assert files(str(folder)) == {"a": "new a\n"}
        assert os.listdir(folder) == ["a"]
        if not disk.broke_at:
            break
    assert calls > 5


def test_a_small_text_appears_whole_over_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_text(str(tmp_path), "a", "one\n")
    publish_text(str(tmp_path), "a", "two ä\n")
    assert files(str(tmp_path)) == {"a": "two ä\n"}

    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Disk, "write", refuse)
    with pytest.raises(OSError, match="No space left"):
        publish_text(str(tmp_path), "a", "three\n")
    assert files(str(tmp_path)) == {"a": "two ä\n"}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(NODES, watch_dir=str(tmp_path / "w"), durability="process", retry={"backoff_seconds": 0})


@pytest.fixture
def plain(tmp_path: Path) -> Plan:
    return plan_of([{"tag": "start", "type": "trim", "next": "end"}], watch_dir=str(tmp_path / "w"))


def test_output_means_a_folder_where_there_may_be_several_results(plan: Plan, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert destination(plan, ["x"], out) == Destination(out)
    assert destination(plan, ["x", "y"], out) == Destination(out)
    assert destination(plan, ["x"], None) == Destination(plan.config.results_dir)


def test_output_means_a_file_where_there_is_one_result(plain: Plan, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert destination(plain, ["x"], out) == Destination(str(tmp_path), default_name="out")
    assert destination(plain, ["x"], out + "/") == Destination(out)
    assert destination(plain, ["x", "y"], out) == Destination(out)
    assert destination(plain, ["x"], str(tmp_path)) == Destination(str(tmp_path))


def test_a_dash_and_standard_input_alone_mean_standard_output(plain: Plan) -> None:
    to_standard_output = Destination(plain.config.results_dir, stream_path="-")
    assert destination(plain, ["x"], "-") == to_standard_output
    assert destination(plain, ["-"], None) == to_standard_output
    assert destination(plain, ["-", "x"], None) == Destination(plain.config.results_dir)


def test_a_device_is_written_to_as_it_is(plain: Plan) -> None:
    assert destination(plain, ["x"], "/dev/null").stream_path == "/dev/null"


def test_several_results_do_not_go_into_one_file_that_is_there(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="so it must be a folder"):
        destination(plan, ["x"], str(tmp_path / "out"))


def test_inputs_stay_and_running_twice_gives_what_running_once_gives(plan: Plan, tmp_path: Path) -> None:
    given = tmp_path / "x.log"
    given.write_text("a\nb\n")
    for _ in range(2):
        to = destination(plan, [str(given)], str(tmp_path / "out"))
        assert process_inputs(plan, [str(given)], to, observer=None, bars=False)
        assert files(str(tmp_path / "out")) == {"x.log": "a\nb\n", "x.count": "2\n"}
    assert sorted(os.listdir(tmp_path)) == ["out", "x.log"]


def test_an_input_that_fails_gives_no_result_and_does_not_stop_the_others(plan: Plan, tmp_path: Path) -> None:
    for name, text in (("a", "bad\n"), ("b", "good\n")):
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in ("a", "none", "b")]
    assert not process_inputs(plan, paths, Destination(str(tmp_path / "out")), observer=None, bars=False)
    assert files(str(tmp_path / "out")) == {"b": "good\n", "b.count": "1\n"}


def test_what_passes_is_tried_again_until_the_attempts_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    this, sleep = threading.get_ident(), time.sleep

    def note(seconds: float) -> None:
        """Take note of how long this thread would wait; other threads do wait."""
        if threading.get_ident() == this:
            waits.append(seconds)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)
    plan = plan_of([{"tag": "start", "type": user("retry"), "next": "end"}], retry={"max_attempts": 3})
    (tmp_path / "x").write_text("a\n")
    to = Destination(str(tmp_path / "out"))
    assert not process_inputs(plan, [str(tmp_path / "x")], to, observer=None, bars=False)
    assert [0.5 <= waits[0] <= 1, 1 <= waits[1] <= 2, len(waits)] == [True, True, 2]
    assert os.listdir(tmp_path) == ["x"]


def test_results_appear_in_the_folders_that_their_names_have(tmp_path: Path) -> None:
    for text in ("old", "new"):
        made = output(tmp_path / "out")
        made.staging.write("error/2026/a", text)
        made.staging.flush()
        assert made.publish([], set()) == [str(tmp_path / "out" / "error" / "2026" / "a")]
        made.close()
    assert (tmp_path / "out" / "error" / "2026" / "a").read_text() == "new\n"
    assert os.listdir(tmp_path / "out") == ["error"]


def test_a_file_where_a_folder_should_be_is_named_with_its_result(tmp_path: Path) -> None:
    (tmp_path / "error").write_text("mine")
    made = written(tmp_path, "error/a")
    with pytest.raises(ResultNameError, match="'error/a' cannot be put into the folder of results"):
        made.publish([], set())
    made.close()
    assert (tmp_path / "error").read_text() == "mine"
    assert os.listdir(tmp_path) == ["error"]
