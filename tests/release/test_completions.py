"""Completions and man page: the shells and readers themselves take them, and miss no option."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from release.commands import actions, options
from release.completions import SHELLS, bash, fish
from release.man import man_page

FLAGS = {flag for word in (*actions(), *options()) for flag in word.flags}


def installed(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        assert not os.environ.get("CI"), f"{program} is missing"
        pytest.skip(f"there is no {program}")
    return path


def test_actions_and_options_are_those_of_the_command_line() -> None:
    assert {"--watch", "--version", "--mode", "-h", "--shape"} <= FLAGS
    assert {word.long for word in actions()} & {word.long for word in options()} == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_knows_every_flag(shell: str) -> None:
    text = SHELLS[shell]()
    spelt = {flag.removeprefix("--") if shell == "fish" else flag for flag in FLAGS if flag != "-h"}
    assert [flag for flag in spelt if flag not in text] == []


def completed_by_bash(folder: Path, *words: str) -> set[str]:
    """Return what bash offers for the last of these words."""
    script = f'{bash()}\nCOMP_WORDS=(fproc "$@"); COMP_CWORD=$#; _fproc; printf \'%s\\n\' "${{COMPREPLY[@]}}"'
    command = [installed("bash"), "-euc", script, "bash", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--wa"], {"--watch", "--watch-dir"}),
        (["--graph", ""], {"text", "mermaid", "dot", "svg"}),
        (["--input", "a.log", "b"], {"b.log", "box"}),
        (["--watch-dir", ""], {"box"}),
        (["--watch", "--port", ""], set()),
    ],
)
def test_bash_offers_flags_choices_files_and_folders(
    tmp_path: Path, words: list[str], offered: set[str]
) -> None:
    (tmp_path / "box").mkdir()
    for name in ("a.log", "b.log"):
        (tmp_path / name).touch()
    assert completed_by_bash(tmp_path, *words) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fproc --wa", {"--watch", "--watch-dir"}),
        ("fproc --shape ", {"logs", "csv", "jsonl", "batch"}),
        ("fproc --watch-dir b", {"box/"}),
        ("fproc --port ", set()),
    ],
)
def test_fish_offers_flags_choices_and_folders(tmp_path: Path, line: str, offered: set[str]) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "fproc.fish").write_text(fish())
    script = f'source fproc.fish; complete -C "{line}"'
    command = [installed("fish"), "--no-config", "-c", script]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert {one.partition("\t")[0] for one in done.stdout.splitlines()} == offered


ZSH = """
fpath=($PWD $fpath)
autoload -Uz compinit
compinit -u -D
print -- $_comps[fproc]
autoload +X _fproc
"""


def test_zsh_takes_the_completions_for_those_of_fproc(tmp_path: Path) -> None:
    (tmp_path / "_fproc").write_text(SHELLS["zsh"]())
    command = [installed("zsh"), "-fec", ZSH]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("_fproc\n", "")


def test_the_man_page_has_every_flag_and_no_fault_that_mandoc_sees(tmp_path: Path) -> None:
    page = tmp_path / "fproc.1"
    page.write_text(man_page("2026-02-03"))
    command = [installed("mandoc"), "-T", "lint", "-W", "warning", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    done = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True, text=True, check=True)
    plain = subprocess.run(["col", "-bx"], input=done.stdout, capture_output=True, text=True, check=True)
    assert [flag for flag in FLAGS if flag not in plain.stdout] == []
    assert "MODE" in plain.stdout
    assert "2026-02-03" in plain.stdout
