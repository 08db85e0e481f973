"""`--processors`: the built-in processors, or the page of one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fproc.base.errors import UsageError
from fproc.base.text import nearest, shown
from fproc.pipeline.processors.base import Builtin, Option
from fproc.pipeline.processors.builtins import BUILTINS, FAMILIES
from fproc.pipeline.processors.options.kinds import in_words


def builtin_pages(name: str) -> str:
    """Return the page of a built-in, or for "" all of them with what they do.

    Raises:
        UsageError: there is none of that name.
    """
    if not name:
        return "\n\n".join(_family(title, builtins) for title, builtins in FAMILIES.items())
    if name not in BUILTINS:
        hint = nearest(name, list(BUILTINS))
        raise UsageError(f"--processors {shown(name)}: there is no such built-in" + (hint and f"; {hint}"))
    return "\n".join(_page(name, BUILTINS[name]))


def _family(title: str, builtins: Mapping[str, Builtin]) -> str:
    width = max(map(len, BUILTINS))
    return "\n".join([title, *(f"  {name:{width}}  {each.summary}" for name, each in builtins.items())])


def _page(name: str, builtin: Builtin) -> Iterator[str]:
    config, lines_in, lines_out = builtin.example
    yield f"{name}: {builtin.summary}"
    if builtin.options:
        yield from ("", "options:", *(_option(key, option) for key, option in builtin.options.items()))
    node = {"tag": name, "type": name, **({"config": config} if config else {})}
    node |= {} if builtin.is_sink else {"next": "end"}
    yield from ("", "example:", f"    {json.dumps(node, ensure_ascii=False)}")
    yield from ("  in:", *(f"    {line}" for line in lines_in))
    yield from ("  out:", *(f"    {line}" for line in lines_out))


def _option(key: str, option: Option) -> str:
    if option.required:
        kind = f"{in_words(option.kind)}, required"
    elif option.default is None:
        kind = in_words(option.kind)
    else:
        kind = f"{in_words(option.kind)}, default {json.dumps(option.default, ensure_ascii=False)}"
    return f"    {key} ({kind}): {option.meaning}"
