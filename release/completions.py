"""Completions for bash, zsh and fish."""

from __future__ import annotations

import re
from collections.abc import Callable

from release.commands import FILES, FOLDERS, Word, actions, options


def bash() -> str:
    """Return what bash sources for the first completion of `fproc`."""
    words = (*actions(), *options())
    cases = [f"        {word.long}) {_bash_values(word)} ;;" for word in words if word.takes_value]
    flags = " ".join(flag for word in words for flag in word.flags)
    return _BASH.format(cases="\n".join(cases), flags=flags)


def zsh() -> str:
    """Return the file `_fproc` of a folder in `fpath`."""
    specs = [f"    {_zsh_spec(word)}" for word in (*actions(), *options())]
    return "#compdef fproc\n_arguments -S \\\n" + " \\\n".join(specs) + "\n"


def fish() -> str:
    """Return the file `fproc.fish` of a folder of completions."""
    lines = ["# fproc takes no words but those that follow an option", "complete -c fproc -f"]
    for word in (*actions(), *options()):
        short = "".join(f" -s {flag[1:]}" for flag in word.flags if not flag.startswith("--"))
        line = f"complete -c fproc{short} -l {word.long[2:]} -d {_quoted(word.help)}"
        if word.takes_value:
            line += " -x" if word.metavar not in FILES else " -r -F"
        if word.choices:
            line += f" -a {_quoted(' '.join(word.choices))}"
        elif word.metavar in FOLDERS:
            line += " -a '(__fish_complete_directories)'"
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)


SHELLS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""The shells that there are completions for."""

_BASH = """\
# Completion of fproc for bash.
_fproc() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} option=
    local i
    for ((i = COMP_CWORD - 1; i > 0; i--)); do
        if [[ ${{COMP_WORDS[i]}} == -* ]]; then
            option=${{COMP_WORDS[i]}}
            break
        fi
    done
    COMPREPLY=()
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '{flags}' -- "$current")
        return
    fi
    case $option in
{cases}
    esac
}}
complete -o filenames -F _fproc fproc
"""


def _bash_values(word: Word) -> str:
    if word.choices:
        return f"mapfile -t COMPREPLY < <(compgen -W '{' '.join(word.choices)}' -- \"$current\")"
    if word.metavar in FOLDERS | FILES:
        kind = "d" if word.metavar in FOLDERS else "f"
        return f'mapfile -t COMPREPLY < <(compgen -{kind} -- "$current")'
    return ":"


def _zsh_spec(word: Word) -> str:
    """Return the description of an option for `_arguments`."""
    flags = word.flags[0] if len(word.flags) == 1 else "{" + ",".join(word.flags) + "}"
    text = re.sub(r"[\[\]:]", r"\\\g<0>", word.help)
    spec = f"[{text}]"
    if word.takes_value:
        values = f"({' '.join(word.choices)})" if word.choices else _ZSH_VALUES.get(word.metavar, " ")
        message = word.metavar or "one of"
        if word.is_repeated:
            spec += f":*-*:{message}:{values}" if word.metavar in FILES else f":*-*:{message}: "
        else:
            spec += f"{'::' if word.is_optional else ':'}{message}:{values}"
    return f"{flags}{_quoted(spec)}"


_ZSH_VALUES = {"DIR": "_files -/", "PATH": "_files"}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
