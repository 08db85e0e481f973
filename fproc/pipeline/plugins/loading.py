"""Users' processors: from an import path to what the engine runs.

A processor may be a function, a generator function, a class with `process` and maybe `finish`, or, with
`"stream": true`, a function over an iterator of records. What it returns is brought into one shape here, and
anything else is refused with a message that shows it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from fproc.base import own_code
from fproc.base.errors import Problem, ProcessorExitError, reason_of
from fproc.base.text import nearest
from fproc.base.values import dataclass
from fproc.config.nodes import TEXT, NodeSpec
from fproc.pipeline.failures import cause_of
from fproc.pipeline.plugins.dicts import DictInstance, adapted
from fproc.pipeline.plugins.sources import loaded_source
from fproc.pipeline.processors.base import (
    BuiltinForm,
    Form,
    Maker,
    Output,
    Processor,
    Source,
    State,
    UserForm,
    record_of,
    records_of,
    seen,
)
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.processors.state import of_instance, refused
from fproc.pipeline.records import Record
from fproc.pipeline.streams import Stream

_END = object()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The maker of a node's processor, and what that does, where the compiler may know it."""

    make: Maker
    form: Form | None = None


def resolve(node: NodeSpec) -> tuple[Resolved | None, list[Problem]]:
    """Return the maker of a node's processor, or what is wrong with its `type` or `config`."""
    if node.type in BUILTINS:
        return _builtin(node)
    if "." not in node.type:
        hint = nearest(node.type, list(BUILTINS)) or "name a built-in, or a module.attribute of your own"
        return None, [Problem(f"{node.path}.type", f"unknown processor {node.type!r}", hint)]
    try:
        target = _import(node.type)
    except ImportError as error:
        return None, [Problem(f"{node.path}.type", str(error))]
    problem = _check_call(target, node)
    return (None, [problem]) if problem else (Resolved(_maker(target, node), _form(target, node)), [])


def _builtin(node: NodeSpec) -> tuple[Resolved | None, list[Problem]]:
    builtin = BUILTINS[node.type]
    if node.stream:
        what = f"{node.type!r} is a built-in, and no stream"
        return None, [Problem(f"{node.path}.stream", what, "leave it out")]
    if node.gets != TEXT:
        what = f"{node.type!r} is a built-in, which gets a record as it needs it"
        return None, [Problem(f"{node.path}.as", what, "leave it out")]
    values, problems = check_options(node.type, builtin, node.config, f"{node.path}.config", node.folder)
    if problems:
        return None, problems
    return Resolved(builtin.make(**values), BuiltinForm(node.type, values)), []


def sources(types: Iterable[str]) -> Iterator[bytes]:
    """Yield the source of the modules of these processors, and of those loaded from the same folders."""
    homes = {
        os.path.dirname(sys.modules[name].__file__ or "")
        for name in {path.rpartition(".")[0] for path in types}
        if name in sys.modules and getattr(sys.modules[name], "__file__", None)
    }
    if not homes:  # as in all pipelines of built-ins
        return
    loaded = {getattr(module, "__file__", None) or "" for module in [*sys.modules.values()]}
    starts = tuple(homes)
    near = [path for path in loaded if path.startswith(starts) and path.endswith(".py")]
    for path in sorted(path for path in near if os.path.dirname(path) in homes):
        with suppress(OSError):
            yield loaded_source(path)


def _import(path: str) -> Any:
    """Return the object at an import path `module.attribute` or `package.module.attribute`.

    Raises:
        ImportError: with a message for the user.
    """
    module_name, _, attribute = path.rpartition(".")
    own_code.has_run_others = True
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        own = module_name == missing or module_name.startswith(missing + ".")
        hint = (
            "it must lie beside the configuration or in plugins_dir" if own else f"{module_name!r} imports it"
        )
        raise ImportError(f"there is no module {missing!r}; {hint}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything, `SystemExit` included
        raise ImportError(f"importing {module_name!r} failed: {cause_of(error)}") from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        known = [name for name in vars(module) if not name.startswith("_")]
        hint = (
            nearest(attribute, known) or f"it is {getattr(module, '__file__', None) or 'built into Python'}"
        )
        raise ImportError(f"module {module_name!r} has no {attribute!r}; {hint}") from error
    except Exception as error:
        raise ImportError(f"getting {attribute!r} from {module_name!r} failed: {cause_of(error)}") from error


def _check_call(target: Any, node: NodeSpec) -> Problem | None:
    """Return why the processor cannot be called with this node's `config`, before any line is processed."""
    import inspect  # noqa: PLC0415 - slow to import, and only users' processors need it

    if not callable(target):
        return Problem(f"{node.path}.type", f"{node.type!r} is {seen(target)}, which cannot be called")
    if isinstance(target, type):
        if node.stream:
            return Problem(f"{node.path}.stream", f"{node.type!r} is a class; a stream is a function")
        if not callable(getattr(target, "process", None)):
            return Problem(f"{node.path}.type", f"class {node.type!r} has no method process(self, line)")
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return None  # some C functions have no signature
    try:
        signature.bind(*([] if isinstance(target, type) else ["line"]), **node.config)
    except TypeError as error:
        wants = f"it is called as {node.type.rpartition('.')[2]}{signature}"
        return Problem(f"{node.path}.config", f"does not go with {node.type!r}: {error}", wants)
    return None


def _form(target: Callable[..., Any], node: NodeSpec) -> Form | None:
    import inspect  # noqa: PLC0415 - slow to import, and only users' processors need it

    if node.stream:
        return None
    is_class = isinstance(target, type)
    gives_many = inspect.isgeneratorfunction(getattr(target, "process", None) if is_class else target)
    call = target if is_class else adapted(target, node)
    return UserForm(call, dict(node.config), is_class=is_class, gives_many=gives_many)


def _maker(target: Callable[..., Any], node: NodeSpec) -> Maker:
    config = dict(node.config)
    if isinstance(target, type):
        start = _contained(target)
        return lambda _source, _output: _instance(start(**config), node)
    target = adapted(target, node)
    if node.stream:

        def make_stream(_source: Source, _output: Output) -> Processor:
            stream = Stream(target, config, own_tag=node.tag)
            state = refused("it is a stream")
            return Processor(stream.process, stream.finish, stream.close, state, is_users=True, blocks=stream)

        return make_stream
    process = _contained(lambda tag, line: records_of(target(line, **config), tag))
    processor = Processor(process, is_users=True)
    return lambda _source, _output: processor


def _instance(instance: Any, node: NodeSpec) -> Processor:
    bare = of_instance(instance)
    state = State(_contained(bare.snapshot), _contained(bare.restore))
    target = instance if node.gets == TEXT else DictInstance(instance)
    process = _contained(lambda tag, line: records_of(target.process(line), tag))
    if not callable(getattr(instance, "finish", None)):
        return Processor(process, state=state, target=target, is_users=True)

    def finish() -> Iterator[Record]:
        rest = _contained(target.finish)()
        if not isinstance(rest, Iterator):
            yield from records_of(rest, node.tag)
            return
        take = _contained(lambda: next(rest, _END))
        while (item := take()) is not _END:
            yield record_of(item, node.tag)

    return Processor(process, finish, state=state, target=target, is_users=True)


def _contained(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of a user's code that may try to exit: that is an error of its record only.

    Ctrl-C while it runs is the user's, and passes.
    """

    def contained(*arguments: Any, **options: Any) -> Any:
        try:
            return call(*arguments, **options)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise ProcessorExitError(reason_of(error)) from error

    return contained
