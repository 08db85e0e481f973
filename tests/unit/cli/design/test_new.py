"""`--new`: a folder with a pipeline that fits the sample, passes its check, and takes all of the sample."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from fproc.base.errors import EXIT_USAGE, UsageError
from fproc.cli.design.check import failed_examples
from fproc.cli.design.new.beginning import MOST_BYTES
from fproc.cli.design.new.folder import make_folder
from fproc.cli.design.sample import SHAPES, write_samples
from fproc.cli.input import destination, process_inputs
from fproc.pipeline.advice import configuration_warnings
from fproc.pipeline.plan import Plan, build_plan
from tests.support.loghub import LOGHUB, unless_absent
from tests.support.programs.running import run, run_in_shell, tree


@pytest.fixture(autouse=True)
def own_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each folder has a module of the same name."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("processors", None)
    yield
    sys.modules.pop("processors", None)


class Case(NamedTuple):
    """A sample, what it is recognised as, and the results of all of it."""

    text: str
    what: str
    results: dict[str, str]
    input: Mapping[str, Any] = MappingProxyType({})


JAVA = """\
2026-01-05 10:00:00,001 INFO  start
2026-01-05 10:00:01,002 ERROR lost
java.io.IOException: lost
\tat a.B.c(B.java:7)
Caused by: java.net.SocketException
\t... 12 more
2026-01-05 10:00:02,003 INFO  on
"""
JAVA_ERROR = "".join(JAVA.splitlines(keepends=True)[1:6])
COMBINED = '10.0.0.{n} - ann [1/Oct/2025:13:55:36 +0200] "GET /{n} HTTP/1.1" {status} 23 "-" "curl/8.5"\n'
REQUEST = (
    '{{"host":"10.0.0.{n}","ident":null,"user":"ann","time":"1/Oct/2025:13:55:36 +0200","method":"GET",'
    '"path":"/{n}","protocol":"HTTP/1.1","status":{status},"bytes":23,"referrer":null,"agent":"curl/8.5"}}\n'
)

CASES = {
    "csv": Case(
        "name,price\nbolt ,1.50\nsaw,20\n",
        "CSV with a header, 2 columns",
        {"x": "name,price\nbolt,1.50\nsaw,20\n"},
    ),
    "csv, semicolons, quotes over lines": Case(
        'name;note;price\nbolt;"a;b";1,5\nsaw;"two\nlines";2\n',
        "CSV with a header, 3 columns, separated by a semicolon, and line endings within quotes",
        {"x": 'name;note;price\nbolt;"a;b";1,5\nsaw;"two\nlines";2\n'},
        {"records": "csv"},
    ),
    "csv, names with dots": Case("a.b\ta\n1\t2\n3\t4\n", "separated by a tab", {"x": "a.b\ta\n1\t2\n3\t4\n"}),
    "csv without a header": Case(
        "1|bolt|2.5\n2|saw|7\n",
        "CSV with no header, 3 columns, separated by a bar",
        {"x": "1|bolt|2.5\n2|saw|7\n"},
    ),
    "json": Case(
        '{"n": 1.50, "s": " a "}\n\n{"n": 2}\n', "JSON lines", {"x": '{"n":1.50,"s":"a"}\n{"n":2}\n'}
    ),
    "pairs": Case(
        'user=ann note="a b" n=1\nuser=bob n=2\n',
        "pairs of key=value",
        {"x": '{"user":"ann","note":"a b","n":"1"}\n{"user":"bob","n":"2"}\n'},
    ),
    "pairs with semicolons": Case(
        "a=1;b=x y\na=2;b=z\n", "separated by ';'", {"x": '{"a":"1","b":"x y"}\n{"a":"2","b":"z"}\n'}
    ),
    "access log": Case(
        COMBINED.format(n=1, status=200) + COMBINED.format(n=2, status=503),
        "access log of a web server (combined)",
        {
            "x": REQUEST.format(n=1, status=200) + REQUEST.format(n=2, status=503),
            "x.errors": REQUEST.format(n=2, status=503),
        },
    ),
    "w3c": Case(
        "#Version: 1.0\n#Fields: time c-ip\n10:00 ::1\n10:01 ::2\n",
        "#Fields (W3C)",
        {"x": '{"time":"10:00","c-ip":"::1"}\n{"time":"10:01","c-ip":"::2"}\n'},
    ),
    "syslog": Case(
        "Jun 14 15:16:01 combo sshd[1]: hello\n",
        "syslog (RFC 3164)",
        {
            "x": '{"facility":null,"severity":null,"time":"Jun 14 15:16:01","host":"combo",'
            '"app":"sshd","pid":"1","message":"hello"}\n'
        },
    ),
    "levels": Case(
        "10:00 [info] an error is near \n10:01 [error] boom\n10:02 [Critical] no\n",
        "a log with levels (Critical, error, info)",
        {
            "x": "10:00 [info] an error is near\n10:01 [error] boom\n10:02 [Critical] no\n",
            "x.errors": "10:01 [error] boom\n10:02 [Critical] no\n",
        },
    ),
    "stack traces": Case(
        JAVA,
        "a log with stack traces and levels (ERROR, INFO)",
        {"x": JAVA, "x.errors": JAVA_ERROR},
        {"records": {"starts": r"^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d"}},
    ),
    "stack traces without levels": Case(
        "10:00:00 a\n10:00:01 b\nTraceback (most recent call last):\n  File x\nValueError: no\n",
        "a log with stack traces",
        {
            "x": "10:00:00 a\n10:00:01 b\nTraceback (most recent call last):\n  File x\nValueError: no\n",
            "x.errors": "10:00:01 b\nTraceback (most recent call last):\n  File x\nValueError: no\n",
        },
        {"records": {"starts": r"^\[?\d\d:\d\d:\d\d"}},
    ),
    "fixed columns": Case(
        "ID   NAME      PRICE\n1    bolt       1.50\n2    saw       20.00\n17   plate    100.00\n",
        "3 columns at fixed positions, with a header",
        {"x": "ID,NAME,PRICE\n1,bolt,1.50\n2,saw,20.00\n17,plate,100.00\n"},
    ),
    "fixed columns without a header, side by side": Case(
        "".join(f"{n} a{n} {n * 5:3}\n" for n in range(1, 10)) * 2,
        "3 columns at fixed positions",
        {"x": "column_1,column_2,column_3\n" + "".join(f"{n},a{n},{n * 5}\n" for n in range(1, 10)) * 2},
    ),
    "text with blanks at the same places": Case(
        "we are in\nit is on\nso we go\nhe is up\n",
        "text",
        {"x": "we are in\nit is on\nso we go\nhe is up\n"},
    ),
    "text with NULs": Case("a\nb\0c\nd\n", "text", {"x": "a\nb\0c\nd\n"}),
    "text": Case("Dear all,\n\nit is late. \n", "text", {"x": "Dear all,\nit is late.\n"}),
}


def made(folder: Path) -> tuple[Plan, dict[str, Any]]:
    """The pipeline of a new folder, loaded as `--check` does it."""
    value = json.loads((folder / "pipeline.json").read_text("utf-8"))
    return build_plan(value, folder=str(folder)), value


def check_new(tmp_path: Path, sample: Path) -> tuple[str, dict[str, bytes], dict[str, Any]]:
    """Make a folder for a sample; return what was told, the results of the sample, and the configuration."""
    told = make_folder(str(tmp_path / "new"), str(sample))
    plan, value = made(tmp_path / "new")
    assert failed_examples(plan) == []
    assert configuration_warnings(plan) == []
    to = destination(plan, [str(sample)], f"{tmp_path / 'out'}/")
    assert process_inputs(plan, [str(sample)], to, observer=None, bars=False)
    return told, tree(tmp_path / "out"), value


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_pipeline_fits_its_sample_and_takes_all_of_it(tmp_path: Path, case: Case) -> None:
    (tmp_path / "x").write_text(case.text, "utf-8")
    told, results, value = check_new(tmp_path, tmp_path / "x")
    assert told.splitlines()[0].startswith("recognised: ")
    assert case.what in told.splitlines()[0]
    assert {name: data.decode() for name, data in results.items()} == case.results
    assert value.get("input", {}) == case.input
    lines = case.text.splitlines()
    assert set(value["examples"][0]["input"]) <= set(lines)
    assert value["examples"][0]["input"][0] == lines[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pipeline_is_made_for_each_of_fprocs_own_samples(tmp_path: Path, shape: str) -> None:
    (path,) = write_samples(1, str(tmp_path), shape)
    _, results, _ = check_new(tmp_path, Path(path))
    assert Path(path).name in results


@unless_absent
@pytest.mark.parametrize(
    ("name", "what"),
    {
        "Apache_2k.log": "a log with levels (error, notice)",
        "HDFS_2k.log": "a log with levels (INFO, WARN)",
        "Linux_2k.log": "syslog (RFC 3164)",
        "OpenSSH_2k.log": "syslog (RFC 3164)",
        "Zookeeper_2k.log": "a log with levels (ERROR, INFO, WARN)",
        "HDFS_2k.log_structured.csv": "CSV with a header, 9 columns, separated by a comma",
    }.items(),
)
def test_a_pipeline_is_made_for_logs_of_real_programs(tmp_path: Path, name: str, what: str) -> None:
    told, results, _ = check_new(tmp_path, LOGHUB / name)
    assert told.splitlines()[0] == f"recognised: {what}"
    assert results[name].count(b"\n") == (LOGHUB / name).read_bytes().rstrip(b"\n").count(b"\n") + 1


@pytest.mark.parametrize(
    ("encoding", "told_encoding"), [("cp1252", {"encoding": "cp1252"}), ("utf-16", {}), ("utf-8-sig", {})]
)
def test_a_sample_is_decoded_and_decompressed_as_inputs_are(
    tmp_path: Path, encoding: str, told_encoding: dict[str, str]
) -> None:
    sample = tmp_path / "x.csv.gz"
    sample.write_bytes(gzip.compress("naïve,größe\né,1\nü,2\n".encode(encoding)))
    _, results, value = check_new(tmp_path, sample)
    assert results["x.csv"].decode() == "naïve,größe\né,1\nü,2\n"
    assert value.get("input", {}) == told_encoding


@pytest.mark.parametrize(
    "line", ["é" * MOST_BYTES, "a,b\n" + "1,é\n" * MOST_BYTES], ids=["one line", "lines"]
)
def test_only_the_beginning_of_a_big_sample_is_looked_at(tmp_path: Path, line: str) -> None:
    (tmp_path / "x").write_text(line, "utf-8")
    make_folder(str(tmp_path / "new"), str(tmp_path / "x"))
    plan, value = made(tmp_path / "new")
    assert failed_examples(plan) == []
    assert "encoding" not in value.get("input", {})


def test_without_a_sample_the_pipeline_is_that_of_the_documents(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    told = make_folder(str(tmp_path / "new"), None)
    assert "--check" in told
    plan, _ = made(tmp_path / "new")
    assert failed_examples(plan) == []
    (path,) = write_samples(1, str(tmp_path))
    assert process_inputs(
        plan, [path], destination(plan, [path], str(tmp_path / "out")), observer=None, bars=False
    )
    assert (tmp_path / "out").read_text("utf-8").splitlines()[0] == "[ERROR] Something bad happened"


def png(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))


REFUSED = {
    "absent": (lambda _: None, "No such file"),
    "folder": (Path.mkdir, "is a folder"),
    "no text": (png, "PNG"),
    "empty": (Path.touch, "there is no text in it"),
    "blank": (lambda path: path.write_text("\n \n", "utf-8"), "there is no text in it"),
}


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED)
def test_a_sample_that_cannot_be_read_is_named_and_nothing_is_made(
    tmp_path: Path, make: Any, why: str
) -> None:
    make(tmp_path / "x")
    with pytest.raises(UsageError, match=why) as raised:
        make_folder(str(tmp_path / "new"), str(tmp_path / "x"))
    assert str(raised.value).startswith(f"--from {tmp_path / 'x'}: ")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_empty_and_a_file_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a", "utf-8")
    with pytest.raises(UsageError, match=r"is not empty, there is 'x'; name a folder"):
        make_folder(str(tmp_path), None)
    with pytest.raises(UsageError, match="needs the name of a folder"):
        make_folder("", None)
    with pytest.raises(UsageError, match="Not a directory"):
        make_folder(str(tmp_path / "x"), None)
    assert tree(tmp_path) == {"x": b"a"}


def test_a_folder_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def publish(folder: str, name: str, text: str) -> None:
        if name == "pipeline.json":
            raise OSError(28, "No space left on device")
        (Path(folder) / name).write_text(text, "utf-8")

    monkeypatch.setattr("fproc.spool.output.direct.publish_text", publish)
    with pytest.raises(UsageError, match="No space left"):
        make_folder(str(tmp_path / "a" / "b"), None)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_that_it_names_work_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "my orders.csv").write_text("id,price\n1,2\n", "utf-8")
    told = run(tmp_path, "--new", "new one", "--from", "my orders.csv")
    assert told.status == 0
    commands = told.out.decode().partition("next:\n")[2].splitlines()
    ended = run_in_shell(tmp_path, " && ".join(commands))
    assert ended.status == 0, ended.err
    assert b"configuration: ok" in ended.out
    assert tree(tmp_path / "new one" / "watch_dir" / "results") == {"my orders.csv": b"id,price\n1,2\n"}
    again = run(tmp_path, "--new", "new one")
    assert (again.status, again.out) == (EXIT_USAGE, b"")
    assert again.err.startswith("fproc: --new new one: is not empty")
    assert again.err.count("\n") == 1
