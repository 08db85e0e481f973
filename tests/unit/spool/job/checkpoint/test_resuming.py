"""A file goes on from its checkpoint, if file and pipeline are still the same, else it starts over."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.run import attempt
from fproc.run.verdict import Verdict
from tests.support.spool.checkpoints import GOOD, LINES, NODES, NOTE, SEEN, Site, mine


@pytest.mark.parametrize("line", range(1, 10))
def test_a_stopped_file_goes_on_where_it_stood_and_gives_the_same(
    site: Site, line: int, saves: list[int]
) -> None:
    site.stop_before(line)
    assert site.look()["results"] == {}
    assert saves[-1] == len("".join(line + "\n" for line in LINES[:line]))
    outcome = site.run()
    figures = outcome.figures
    assert (outcome.verdict, outcome.event.results) == (Verdict.COMMIT, ("x.log", "x.sum"))
    assert (figures.lines_in, figures.lines_out, figures.rejected, figures.bytes_in) == (10, 9, 2, 28)
    assert figures.edges == {
        ("start", "number"): 8,
        ("number", "end"): 8,
        ("number", "total"): 8,
        ("total", "sum"): 1,
    }
    site.check_done(seen=LINES[line:])


def test_a_file_that_is_stopped_again_and_again_comes_to_its_end(site: Site) -> None:
    site.drop()
    outcome, rounds = site.run(is_stopping=lambda: True), 1
    while outcome.verdict is Verdict.STOP:
        asked = itertools.count()
        outcome, rounds = site.run(is_stopping=lambda: next(asked) >= 1), rounds + 1  # noqa: B023 - used at once
    assert rounds == len(LINES) + 1
    site.check_done(seen=LINES)


@pytest.mark.parametrize("lines", range(1, 11))
def test_a_file_whose_owner_died_goes_on_from_its_checkpoint(site: Site, lines: int) -> None:
    site.drop()
    site.crash_after(lines)
    SEEN.clear()
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES[lines - 1 :])


def replace_by_a_copy(path: Path) -> None:
    shutil.copy2(path, f"{path}.copy")
    os.replace(f"{path}.copy", path)


@pytest.mark.parametrize("change", [lambda path: os.utime(path, (1, 1)), replace_by_a_copy])
def test_a_file_that_was_touched_or_exchanged_starts_over(
    site: Site, change: Callable[[Path], object]
) -> None:
    site.stop_before(5)
    change(site.folder / "underprocess" / "x.log")
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_a_file_that_has_grown_since_its_checkpoint_starts_over(site: Site) -> None:
    site.stop_before(5)
    with open(site.folder / "underprocess" / "x.log", "a", encoding="utf-8") as file:
        file.write("more\n")
    assert site.run().verdict is Verdict.COMMIT
    assert [*LINES, "more"] == SEEN
    assert site.look()["results"] == {"x.log": GOOD["x.log"] + "9 more\n", "x.sum": "9\n"}


CHANGES: dict[str, dict[str, Any]] = {
    "on_error": {"on_error": "skip"},
    "limits": {"limits": {"max_hops": 50}},
    "files": {"files": [{"match": "*.csv", "start": "number"}]},
    "a node's config": {"nodes": [{**NOTE, "config": {"more": "!"}}, *NODES[1:]]},
    "a route": {"nodes": [*NODES[:2], {**NODES[2], "next": "end"}, NODES[3]]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_pipeline_that_has_changed_starts_over(site: Site, change: dict[str, Any]) -> None:
    site.stop_before(5)
    site.config |= change
    site.nodes = site.config.pop("nodes", site.nodes)
    assert site.run().verdict is Verdict.COMMIT
    assert SEEN == LINES


def test_a_plugin_whose_source_has_changed_starts_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = site.folder.parent / "plugins"
    plugins.mkdir()
    source = plugins / "plugin_that_changes.py"
    source.write_text("def keep(line):\n    return line\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    site.config["plugins_dir"] = str(plugins)
    keep = {"tag": "keep", "type": "plugin_that_changes.keep", "next": "number"}
    site.nodes = [{**NOTE, "next": "keep"}, keep, *NODES[1:]]
    site.stop_before(5)
    source.write_text("def keep(line):\n    return line + ''\n")
    del sys.modules["plugin_that_changes"]  # another process reads it anew; this one keeps what it has read
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_settings_that_no_result_depends_on_may_change(site: Site) -> None:
    site.stop_before(5)
    site.config |= {
        "retry": {"max_attempts": 9},
        "workers": 3,
        "durability": "process",
        "checkpoint": {"mb": 1},
    }
    assert site.run().verdict is Verdict.COMMIT
    site.check_done(seen=LINES[5:])


def test_a_watched_folder_that_was_moved_goes_on(site: Site) -> None:
    site.stop_before(5)
    moved = Site(site.folder.parent / "moved")
    os.rename(site.folder, moved.folder)
    assert moved.run().verdict is Verdict.COMMIT
    moved.check_done(seen=LINES[5:])


def test_results_that_go_to_another_filesystem_now_are_published(site: Site, tmp_path: Path) -> None:
    site.stop_before(5)
    if os.stat(site.folder).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("there is one filesystem only")
    site.config["results_dir"] = str(tmp_path / "results")
    assert site.run().verdict is Verdict.COMMIT


@pytest.mark.parametrize("is_same", [True, False])
def test_a_file_that_comes_anew_does_not_go_on_from_an_old_checkpoint(site: Site, *, is_same: bool) -> None:
    site.stop_before(5)
    old = site.folder / "underprocess" / "x.log"
    if is_same:  # an operator puts it back
        os.rename(old, site.folder / "unprocessed" / "x.log")
    else:
        old.unlink()
        site.drop()
    claim = site.take()
    assert (os.listdir(site.job), os.listdir(site.stage())) == ([], [])
    assert attempt.process_claim(claim, site.plan()).verdict is Verdict.COMMIT
    site.check_done(seen=LINES)


def test_a_file_whose_input_is_gone_leaves_no_checkpoint(site: Site) -> None:
    site.stop_before(5)
    os.unlink(site.folder / "underprocess" / "x.log")
    assert site.spool().adopt("x.log") is None
    assert site.look()["litter"] == []


def test_a_retry_goes_on_from_the_checkpoint(site: Site) -> None:
    site.drop(["a", "b", "retry", "c"])
    assert site.run().verdict is Verdict.RETRY
    site.now += 1000
    outcome = site.run()
    assert (outcome.verdict, outcome.event.attempt, outcome.figures.lines_in) == (Verdict.COMMIT, 2, 4)
    assert SEEN == ["a", "b", "retry", "retry", "c"]
    assert site.look()["results"] == {"x.log": "1 a\n2 b\n3 retry\n4 c\n", "x.sum": "4\n"}
    assert site.look()["litter"] == []


def test_a_file_that_was_written_to_while_it_was_read_starts_over(site: Site) -> None:
    config = {"path": str(site.folder / "underprocess" / "x.log")}
    grow = {"tag": "grow", "type": mine("grow_once"), "config": config, "next": "number"}
    site.nodes = [{**NOTE, "next": "grow"}, grow, *NODES[1:]]
    site.drop()
    outcome = site.run()
    assert (outcome.verdict, "was written to while it was read" in outcome.event.error) == (
        Verdict.CHANGED,
        True,
    )
    SEEN.clear()
    site.now += 1000
    SEEN.append("5")
    assert site.run().verdict is Verdict.COMMIT
    assert ["5", *LINES, "more"] == SEEN
    assert site.look()["results"]["x.sum"] == "9\n"
