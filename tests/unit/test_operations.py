"""What the documents for operators say is so: messages are in the code, and commands are commands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache

import pytest

from fproc.cli.arguments import parser as command_line
from fproc.cli.arguments.options import Arguments
from fproc.cli.arguments.quick import asked_action
from tests.support.project import PROJECT

DOCUMENTS = sorted(
    str(path.relative_to(PROJECT)) for path in (PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"))
)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:\./fproc\.pyz|fproc) --[^`]*)`")
CALL = re.compile(
    r"(?:^|[|;&(]\s*|\s)(?:\./fproc\.pyz|fproc|python3 -m fproc)((?:\s+[^\s|;&>)#][^|;&>)#]*)?)"
)
ROW = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)
WILD = "\0"


def text_of(document: str) -> str:
    return (PROJECT / document).read_text(encoding="utf-8")


def patterns_in(source: str) -> Iterator[str]:
    """Yield the texts in a source, each with a mark where a value is put in."""
    tree = ast.parse(source)
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else WILD for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield re.sub(r"%(?:\.\d+)?[sdfgr]", WILD, node.value)


@cache
def known_texts() -> tuple[str, ...]:
    sources = (path.read_text("utf-8") for path in (PROJECT / "fproc").rglob("*.py"))
    return tuple(text for source in sources for text in patterns_in(source))


def is_said(message: str) -> bool:
    """Whether fproc says something, in which `...` stands for any value."""
    wanted = message.replace("...", WILD)
    return any(wanted in text for text in known_texts())


MESSAGES = ROW.findall(text_of("docs/OPERATIONS.md").partition("## Troubleshoot")[2])


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_of_the_documents_is_one_of_fproc(message: str) -> None:
    assert is_said(message)


def test_a_message_that_nothing_says_is_noticed() -> None:
    assert not is_said("the watched folder has disappeared")
    assert not is_said("only ... GB are free; make room")


TEXT = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LOGGED = re.compile(r"(?:INFO|WARNING|ERROR) (?!\.\.\.)(.+)")
TOLD = re.compile(r"(?:unprocessed|underprocess|processed|failed)/[^:]+: (.+)")
LEAST_LITERAL = 10
"""A text with no more than this of its own, between the values that are put in, says nothing."""


def quoted_lines(text: str) -> list[str]:
    """What the examples of a document show of the log, and of what `--why` says."""
    lines = [line for block in TEXT.findall(text) for line in block.splitlines()]
    return [found[1] for line in lines if (found := LOGGED.match(line) or TOLD.match(line))]


@cache
def known_forms() -> tuple[re.Pattern[str], ...]:
    """The texts of fproc into which values are put, as patterns."""
    texts = [text for text in known_texts() if len(text.replace(WILD, "")) > LEAST_LITERAL]
    return tuple(re.compile(".*".join(map(re.escape, text.split(WILD)))) for text in texts)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_line_of_the_log_that_a_document_shows_is_one_of_fproc(document: str) -> None:
    lost = [
        line
        for line in quoted_lines(text_of(document))
        if not any(form.fullmatch(line) for form in known_forms())
    ]
    assert lost == []


def test_a_line_that_fproc_would_not_log_is_noticed() -> None:
    (line,) = quoted_lines("```text\nINFO uploaded the file orders.csv\n```\n")
    assert not any(form.fullmatch(line) for form in known_forms())


def calls(text: str) -> list[list[str]]:
    """The arguments of each call of fproc in the commands of a document."""
    lines = [line for block in SHELL.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    commands = [line for line in lines if not line.lstrip().startswith("#")] + INLINE.findall(text)
    return [shlex.split(found) for line in commands for found in CALL.findall(line) if found.strip()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_command_of_the_documents_has_options_that_fproc_knows(document: str) -> None:
    parser = command_line.command_parser()
    for arguments in calls(text_of(document)):
        if arguments[0].startswith("-") and arguments != ["--version"]:
            numbered = ["1" if word in {"N", "COUNT"} else word for word in arguments]
            action = asked_action(parser.parse_args(numbered, Arguments()))
            assert action is not None, arguments


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_verb_of_the_documents_is_one_of_the_makefile(document: str) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    asked = set(re.findall(r"`make ([a-z-]+)[^`]*`", text_of(document)))
    asked |= {
        verb for block in SHELL.findall(text_of(document)) for verb in re.findall(r"^make ([a-z-]+)", block)
    }
    assert asked - verbs == set()


def test_a_command_that_fproc_does_not_know_is_noticed() -> None:
    found = calls("```sh\nls | ./fproc.pyz --watch --nothing  # a comment\n```\nand `fproc --status --json`")
    assert found == [["--watch", "--nothing"], ["--status", "--json"]]
    with pytest.raises(SystemExit):
        command_line.command_parser().parse_args(found[0])
