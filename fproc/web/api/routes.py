"""All routes, and the functions that answer them."""

from __future__ import annotations

import json
from datetime import datetime

from fproc import __version__
from fproc.base.text import shown
from fproc.base.times import rfc3339
from fproc.base.values import replace
from fproc.config.model import Config
from fproc.pipeline.graph import DROP, END, Graph, is_builtin, is_sink
from fproc.spool.intake.uploads import UploadArea
from fproc.telemetry.history.chosen import ChosenEvents
from fproc.telemetry.rolling import PAST_WINDOWS, WINDOWS
from fproc.web.access.tokens import Scope
from fproc.web.api import state
from fproc.web.api.commands import Commands
from fproc.web.api.exposition import metrics_content_type
from fproc.web.api.gauges import Moment, metrics_text
from fproc.web.api.page_constants import inbox_in_shell, instance_name, page_constants
from fproc.web.api.queries import MOST_ROWS, ROWS
from fproc.web.api.state import DashboardState
from fproc.web.http.auth import TOKEN_NEEDED, Authenticator
from fproc.web.http.executor import Lane
from fproc.web.http.messages import Refused, Request, Response, json_response
from fproc.web.http.router import Route, Routes
from fproc.web.inspect.downloads import Downloads
from fproc.web.inspect.explaining import Explaining
from fproc.web.inspect.failure_groups import FailureGroups
from fproc.web.page import pages

LOGIN_BYTES = 4096
"""The most bytes of a log-in: anyone may send one."""

OPENMETRICS = "application/openmetrics-text"


def build_routes(view: DashboardState, auth: Authenticator, upload_area: UploadArea) -> Routes:
    """Return all routes."""
    answers = _Answers(view, auth)
    groups = FailureGroups(view.config)
    commands = Commands(
        view.config, upload_area, lambda: bool(view.health().paused), groups, view.listing.details.note
    )
    return {
        "/": {"GET": Route(answers.page, is_open=True)},
        "/health": {"GET": Route(answers.health, is_open=True, lane=Lane.VITAL)},
        "/livez": {"GET": Route(lambda _: json_response({"status": "ok"}), is_open=True, is_immediate=True)},
        "/readyz": {"GET": Route(answers.health, is_open=True, lane=Lane.VITAL)},
        "/stats": {"GET": Route(answers.stats)},
        "/series": {"GET": Route(answers.series, lane=Lane.SEARCH)},
        "/files": {"GET": Route(answers.files, lane=Lane.SEARCH)},
        "/errors": {"GET": Route(answers.errors, lane=Lane.SEARCH)},
        "/trace": {"GET": Route(answers.trace, lane=Lane.SEARCH)},
        "/graph": {"GET": Route(answers.graph)},
        "/metrics": {"GET": Route(answers.metrics, lane=Lane.VITAL)},
        "/openapi.json": {"GET": Route(answers.openapi)},
        "/upload": {
            "POST": Route(receive=commands.upload_form, media_type="multipart/form-data", scope=Scope.UPLOAD)
        },
        "/upload/": {"PUT": Route(receive=commands.upload_file, scope=Scope.UPLOAD)},
        "/retry": {
            "POST": Route(
                commands.retry, media_type="application/json", scope=Scope.OPERATE, lane=Lane.CHANGE
            )
        },
        **_inspection_routes(view, groups, has_token=auth.has_token),
        "/login": {
            "POST": Route(
                answers.log_in,
                is_open=True,
                media_type="application/x-www-form-urlencoded",
                most_bytes=LOGIN_BYTES,
            )
        },
        "/logout": {"POST": Route(lambda _: auth.log_out(), is_open=True)},
    }


def _inspection_routes(view: DashboardState, groups: FailureGroups, *, has_token: bool) -> Routes:
    """Return the routes that are about one file, and that of failures by kind."""
    downloads = Downloads(view.config)

    def details(request: Request) -> Response:
        if request.is_of_browser:
            return pages.file_page(_constants(view.config), has_token=has_token)
        name = request.path.removeprefix("/file/")
        found = view.listing.details.of(name)
        if found is None:
            raise Refused(404, f"{shown(name)}: nothing is known of such an input")
        return replace(json_response(found, is_polled=True), headers={"Vary": "Accept, Cookie"})

    def log_in(request: Request, refusal: Response) -> Response:
        if not request.is_of_browser:
            return refusal
        return pages.log_in(refusal, _reason(refusal), back=request.target)

    def failures(request: Request) -> Response:
        query, since = request.query.get("q", ""), _since(request)
        return json_response(groups.as_json(_limit(request), query, since), is_polled=True)

    return {
        "/explain": {"GET": Route(Explaining(view.config).explain, lane=Lane.SEARCH)},
        "/failures": {"GET": Route(failures, lane=Lane.SEARCH)},
        "/file/": {"GET": Route(details, lane=Lane.SEARCH, log_in=log_in)},
        "/results/": {"GET": Route(downloads.result)},
        "/rejects/": {"GET": Route(downloads.rejects)},
        "/failed/": {"GET": Route(downloads.failed)},
    }


class _Answers:
    """Answers to requests that only read."""

    def __init__(self, view: DashboardState, auth: Authenticator) -> None:
        self._view = view
        self._auth = auth

    def page(self, request: Request) -> Response:
        """Answer with the dashboard, or the form that asks for the token."""
        refusal = self._auth.stranger(request)
        if refusal is not None:
            return pages.log_in(refusal, _reason(refusal), back=request.target)
        constants = _constants(self._view.config)
        return pages.dashboard(constants, has_token=self._auth.has_token)

    def log_in(self, request: Request) -> Response:
        """Redirect to the dashboard, or answer with the form once more."""
        back = request.query.get("next", "/")
        answer = self._auth.log_in(request.body, request.client, back)
        if answer.status == 303:  # noqa: PLR2004 - See Other
            return answer
        return pages.log_in(answer, _reason(answer), back=back)

    def health(self, request: Request) -> Response:
        """Answer whether the service is healthy; only who may look is told why not."""
        is_well, value = state.health(self._view)
        if not self._auth.may_look(request):
            value = state.reduced_health(value)
        return json_response(value, 200 if is_well else 503)

    def stats(self, request: Request) -> Response:
        """Answer with figures."""
        window = _window(request, None)
        return json_response(state.stats(self._view, window), but="system", is_polled=True)

    def series(self, request: Request) -> Response:
        """Answer with figures over time."""
        window = _window(request, WINDOWS[0], (*WINDOWS, *PAST_WINDOWS)) or WINDOWS[0]
        past = self._view.listing.past
        source = self._view.metrics if window in WINDOWS else past
        series = source.series(window, request.query.get("node", ""))
        keeping_up = self._view.listing.keeping_up.over(window)
        value = {**series, "changes": past.changes(window), "keeping_up": keeping_up}
        return json_response(value, is_polled=True)

    def files(self, request: Request) -> Response:
        """Answer with files by state."""
        query = request.query
        try:
            page = self._view.listing.files(
                state=query.get("state", ""),
                query=query.get("q", ""),
                limit=_limit(request),
                after=query.get("after", ""),
                sort=query.get("sort", ""),
                chosen=ChosenEvents(
                    _time(request, "since"),
                    _time(request, "until"),
                    query.get("pipeline", ""),
                    query.get("node", ""),
                ),
            )
        except ValueError as error:
            raise Refused(400, str(error)) from None
        return json_response(page, is_polled=True)

    def errors(self, request: Request) -> Response:
        """Answer with files and lines that failed."""
        errors = self._view.listing.errors(
            limit=_limit(request),
            file=request.query.get("file", ""),
            node=request.query.get("node", ""),
        )
        return json_response(errors, is_polled=True)

    def trace(self, request: Request) -> Response:
        """Answer with traces of lines."""
        traces = self._view.listing.traces(limit=_limit(request), file=request.query.get("file", ""))
        return json_response(traces, is_polled=True)

    def graph(self, _request: Request) -> Response:
        """Answer with the pipeline."""
        return json_response(_graph(self._view.graph), is_polled=True)

    def metrics(self, request: Request) -> Response:
        """Answer with figures for Prometheus."""
        openmetrics = OPENMETRICS in request.headers.get("accept", "")
        text = metrics_text(Moment.now(self._view), openmetrics=openmetrics)
        return Response(200, text.encode(), metrics_content_type(openmetrics=openmetrics))

    def openapi(self, _request: Request) -> Response:
        """Answer with the description of all routes."""
        value = json.loads(pages.static("api/openapi.json"))
        value["info"]["version"] = __version__
        value["components"]["securitySchemes"]["cookie"]["name"] = self._auth.cookie
        return json_response(value, is_polled=True)


def _constants(config: Config) -> str:
    """Return the constants of the pages of a configuration."""
    return page_constants(instance_name(config), inbox_in_shell(config))


def _reason(refusal: Response) -> str:
    """Return why a request was refused; "" where it only lacks a token."""
    reason: str = json.loads(refusal.body)["error"]
    return "" if reason == TOKEN_NEEDED else reason


def _number(request: Request, name: str) -> int | None:
    """Return a number in the query, or None if it is not there."""
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004 - longer than any that is valid
        raise Refused(400, f"{name} has to be a number")
    return int(text)


def _window(request: Request, otherwise: int | None, known: tuple[int, ...] = WINDOWS) -> int | None:
    window_seconds = _number(request, "window")
    if window_seconds is not None and window_seconds not in known:
        raise Refused(400, f"window has to be one of {', '.join(map(str, known))}, in seconds")
    return otherwise if window_seconds is None else window_seconds


def _limit(request: Request) -> int:
    limit = _number(request, "limit")
    if limit is not None and not 1 <= limit <= MOST_ROWS:
        raise Refused(400, f"limit has to be from 1 to {MOST_ROWS}")
    return ROWS if limit is None else limit


def _time(request: Request, name: str) -> float | None:
    """Return a time in the query in seconds since 1970, or None if it is not there."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        seconds = datetime.fromisoformat(text.upper().replace("Z", "+00:00")).timestamp()
        rfc3339(seconds)
    except (ValueError, OverflowError, OSError):
        raise Refused(400, f"{name} has to be a time, such as 2030-01-31T12:00:00Z") from None
    return seconds


def _since(request: Request) -> str:
    """Return a time in the query as reports have it, or ""."""
    seconds = _time(request, "since")
    return "" if seconds is None else rfc3339(seconds)


def _graph(graph: Graph) -> dict[str, object]:
    """Return the pipeline as JSON. Options of users' processors may be secret: it has their names only."""
    tags: dict[tuple[str, str], list[str]] = {}
    for source, tag, target in graph.edges():
        tags.setdefault((source, target), []).extend([tag] if tag else [])
    is_open = any(node.next is None and not is_sink(node) for node in graph.nodes.values())  # tags decide
    reserved = [name for name in (END, DROP) if is_open or any(target == name for _, target in tags)]
    nodes = [
        {
            "tag": name,
            "type": node.type,
            "is_entry": name in graph.entries,
            "is_sink": is_sink(node),
            **({"options": dict(node.config)} if is_builtin(node) else {"own_options": sorted(node.config)}),
        }
        for name, node in graph.nodes.items()
    ]
    nodes += [{"tag": name, "type": name, "is_entry": False, "is_sink": True} for name in reserved]
    edges = [
        {"from": source, "to": target, "tags": edge_tags} for (source, target), edge_tags in tags.items()
    ]
    return {"nodes": nodes, "edges": edges, "entries": list(graph.entries)}
