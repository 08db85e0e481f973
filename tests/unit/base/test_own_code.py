"""fproc's own code that cannot be read, or is another by now, told from what users' code and inputs do."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fproc.base import own_code
from fproc.base.errors import Reject
from fproc.base.faults import trouble_of
from fproc.base.own_code import REPLACED, REPLACED_STATUS, build_id, has_changed, is_at_fault, is_unreadable
from fproc.config.model import RetryPolicy
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plugins import sources
from fproc.pipeline.processors.base import Processor
from fproc.process import children
from fproc.process.worker_process import WorkerProcess
from fproc.run.verdict import Verdict, decide
from fproc.watch.workers.slot import WORKER
from tests.support.helpers import SOURCE, Memory, line_failure, plan_of

POLICY = RetryPolicy()


def raised(code: str, module: str) -> Exception:
    """What some code raises, run as that of a module."""
    try:
        exec(code, {"__name__": module})
    except Exception as error:  # noqa: BLE001 - it may be any
        return error
    raise AssertionError("it raised nothing")


@pytest.fixture
def replaceable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package in a folder where it can be changed, as the one that this process runs."""
    package = tmp_path / "fproc"
    shutil.copytree(Path(own_code.__file__).parents[1], package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(own_code, "_PACKAGE", str(package))
    build_id.cache_clear()
    build_id()
    yield package
    build_id.cache_clear()


@pytest.fixture
def broken_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive on the path whose bytes change once its directory was read."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first_of_it.py", "")
        archive.writestr("next_of_it.py", "text = '" + "".join(map(str, range(1000))) + "'")
        offset = archive.getinfo("next_of_it.py").header_offset
    monkeypatch.syspath_prepend(str(path))
    raised("import first_of_it; 1 / 0", "anyone")
    with open(path, "r+b") as file:
        file.seek(offset + 60)
        file.write(b"\xff" * 200)


IMPORTS = [
    "from fproc.nowhere import anything",
    "from fproc.base.times import nothing_of_the_kind",
    "import fproc.nowhere",
]


@pytest.mark.parametrize("code", IMPORTS)
def test_a_module_of_fproc_that_cannot_be_imported_within_fproc_is_no_file_s_fault(code: str) -> None:
    error = raised(code, "fproc.run.run")
    assert (is_unreadable(error), decide(error, 1, POLICY)) == (True, Verdict.PAUSE)
    assert trouble_of(error).startswith(f"{REPLACED} (")


@pytest.mark.parametrize("code", IMPORTS)
def test_an_import_from_fproc_that_fails_in_users_code_is_their_own_fault(code: str) -> None:
    error = raised(code, "own")
    assert (is_at_fault(error), decide(error, 1, POLICY)) == (False, Verdict.FAIL)


@pytest.mark.parametrize("module", ["fproc.run.reading.inputs", "own"])
def test_a_module_that_python_lacks_is_no_matter_of_fproc_s_code(module: str) -> None:
    assert not is_at_fault(raised("import no_such_module_anywhere", module))


@pytest.mark.parametrize("has_plugins", [False, True])
@pytest.mark.parametrize(("module", "expected"), [("fproc.run.run", True), ("own", False)])
@pytest.mark.usefixtures("broken_archive")
def test_an_archive_that_was_written_over_is_fproc_s_own_if_fproc_imports_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, module: str, expected: bool, has_plugins: bool
) -> None:
    monkeypatch.setattr(sys, "meta_path", [each for each in sys.meta_path if each is not sources._finder])
    if has_plugins:
        sources.add_plugin_folder(str(tmp_path / "plugins"))
        assert sources._finder in sys.meta_path
    assert sources.__name__ in own_code.IMPORTERS
    assert is_unreadable(raised("import next_of_it", module)) is expected


def test_half_a_module_of_fproc_s_is_no_file_s_fault(replaceable: Path) -> None:
    (replaceable / "half.py").write_text("def half(")
    half = str(replaceable / "half.py")
    code = f"import importlib.machinery as m; m.SourceFileLoader('half', {half!r}).get_code('half')"
    assert is_unreadable(raised(code, "fproc.run.run"))
    assert not is_unreadable(raised(code, "own"))


@pytest.mark.parametrize("call", ["{}['missing']", "None.missing", "int('x')"])
def test_another_error_is_the_file_s_as_long_as_the_code_is_what_it_was(replaceable: Path, call: str) -> None:
    error = raised(call, "fproc.run.run")
    assert (has_changed(), decide(error, 1, POLICY)) == (False, Verdict.FAIL)
    (replaceable / "run" / "run.py").write_text("# of another version\n")
    assert (has_changed(), decide(error, 1, POLICY)) == (True, Verdict.PAUSE)
    assert decide(raised(call, "own"), 1, POLICY) is Verdict.FAIL


def test_a_line_that_is_rejected_is_rejected_by_other_code_too(replaceable: Path) -> None:
    (replaceable / "run" / "run.py").unlink()
    error = RecordError(line_failure("failed", "start", 1, "a", "no"))
    error.__cause__ = Reject("no")
    assert decide(error, 1, POLICY) is Verdict.FAIL


def test_no_line_is_set_aside_because_a_built_in_cannot_import_of_fproc() -> None:
    def process(_tag: str, _line: str) -> Any:
        raise raised("from fproc.nowhere import anything", "fproc.pipeline.processors.text")

    plan = plan_of([{"tag": "start", "type": "trim", "next": "end"}])
    makers = {**plan.makers, "start": lambda *_: Processor(process)}
    set_aside: list[RecordError] = []
    run = Interpreter(
        plan.graph,
        makers,
        source=SOURCE,
        output=Memory(),
        entry="start",
        max_hops=9,
        on_error=set_aside.append,
    )
    with pytest.raises(ImportError):
        run.push("start", "start", "a")
    assert set_aside == []


def test_a_process_of_another_build_refuses_to_work(replaceable: Path) -> None:
    (replaceable / "run" / "run.py").write_text("# of another version\n")
    build_id.cache_clear()
    worker = WorkerProcess.started(WORKER)
    try:
        assert children.status_within(worker.child.process, 20) == REPLACED_STATUS
    finally:
        worker.end()


def test_a_process_that_finds_no_fproc_refuses_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not os.path.isdir(f"{path}/fproc")])
    child = children.start_process("fproc.watch.workers.worker.serve_tasks")
    try:
        assert children.status_within(child.process, 20) == REPLACED_STATUS
    finally:
        child.end()
