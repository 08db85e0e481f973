"""The pipeline as text, as Mermaid, as Graphviz DOT and as SVG."""

from __future__ import annotations

from fproc.cli.design.svg.picture import Box, svg
from fproc.pipeline.graph import DROP, END, START, Graph, is_sink


def draw(graph: Graph, form: str) -> str:
    """Return the drawing in one of the forms of `--graph`, without a final line ending."""
    return {"text": _text, "mermaid": _mermaid, "dot": _dot, "svg": _svg}[form](graph)


def _text(graph: Graph) -> str:
    lines = []
    for name, node in graph.nodes.items():
        entry = "  <- lines enter" if name in graph.entries else ""
        lines.append(f"{name} ({node.type}{', stream' if node.stream else ''}){entry}")
        routes: dict[str, list[str]] = {}
        for source, tag, target in graph.edges():
            if source == name:
                routes.setdefault(tag, []).append(target)
        lines += [
            f"    {f'[{tag}] ' if tag else ''}-> {', '.join(targets)}" for tag, targets in routes.items()
        ]
        if node.next is None:
            lines.append(f"    {_result(graph, name) or '-> the node named by the tag'}")
    return "\n".join(lines)


def _mermaid(graph: Graph) -> str:
    ids = {name: f"n{number}" for number, name in enumerate(_all_names(graph))}
    lines = ["flowchart LR"]
    for name, ident in ids.items():
        label = _quoted(_label(graph, name), "#quot;")
        lines.append(f"    {ident}([{label}])" if name not in graph.nodes else f"    {ident}[{label}]")
    for source, tag, target in graph.edges():
        arrow = f"-- {_quoted(tag, '#quot;')} -->" if tag else "-->"
        lines.append(f"    {ids[source]} {arrow} {ids[target]}")
    return "\n".join(lines)


def _dot(graph: Graph) -> str:
    lines = ["digraph fproc {", "    rankdir=LR;", "    node [shape=box];"]
    for name in _all_names(graph):
        shape = "" if name in graph.nodes else ", shape=oval"
        lines.append(f"    {_quoted(name)} [label={_quoted(_label(graph, name))}{shape}];")
    for source, tag, target in graph.edges():
        label = f" [label={_quoted(tag)}]" if tag else ""
        lines.append(f"    {_quoted(source)} -> {_quoted(target)}{label};")
    return "\n".join([*lines, "}"])


def _svg(graph: Graph) -> str:
    unreached = graph.unreachable()
    boxes = [
        Box(
            name,
            _details(graph, name),
            is_sink=name not in graph.nodes or name in graph.sinks,
            is_entry=name in graph.entries,
            is_unreached=name in unreached,
        )
        for name in _all_names(graph)
    ]
    return svg(boxes, graph.edges())


def _details(graph: Graph, name: str) -> tuple[str, ...]:
    """Return what the picture of a node says below its name."""
    if name not in graph.nodes:
        return _RESERVED_DETAILS.get(name, ())
    node = graph.nodes[name]
    ways = [_result(graph, name)] if is_sink(node) else ["-> the node named by the tag"]
    return (
        node.type,
        *(["stream"] if node.stream else []),
        *(["lines enter"] if name in graph.entries else []),
        *(ways if node.next is None else []),
    )


_RESERVED_DETAILS = {END: ("=> {name}",), DROP: ("discards",)}


def _all_names(graph: Graph) -> list[str]:
    targets = [target for _, _, target in graph.edges()]
    return list(dict.fromkeys([START, *graph.nodes, *targets]))


def _label(graph: Graph, name: str) -> str:
    if name not in graph.nodes:
        return name
    return f"{name}: {graph.nodes[name].type}" + (f" {_result(graph, name)}" if _result(graph, name) else "")


def _result(graph: Graph, name: str) -> str:
    """Return the result that a sink writes to, or ''."""
    node = graph.nodes[name]
    if not is_sink(node):
        return ""
    return "=> standard output" if node.type == "stdout" else f"=> {node.config.get('file', '{name}')}"


def _quoted(text: str, quote: str = '\\"') -> str:
    text = text.replace("\\", "\\\\") if quote == '\\"' else text
    return '"' + text.replace('"', quote) + '"'
