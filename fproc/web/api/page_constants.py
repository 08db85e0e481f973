"""Constants that the page shares with the server: each one from its home, none written in a script."""

from __future__ import annotations

import json
import os
import shlex
import socket
from contextlib import suppress
from functools import cache

from fproc.config.model import Config
from fproc.pipeline.failures import LEFT_OUT
from fproc.pipeline.tracing.timing import ONE_IN
from fproc.pipeline.tracing.trace import USUAL
from fproc.spool.layout import REPORT_ENDING
from fproc.spool.output.intents import APPENDED
from fproc.telemetry.health import OK
from fproc.telemetry.metrics import OUTSIDE_NODES
from fproc.telemetry.rolling import PAST_WINDOWS, PERCENTILES, SERIES_PERCENTILES, STEPS, WINDOWS
from fproc.web.api.queries import ANY, MOST_ROWS, ROWS
from fproc.web.lists.ended_files import ENDED
from fproc.web.lists.rows import REJECTED_LINES, STATES
from fproc.web.lists.sorting import ENDED_KEYS, FOLDER_KEYS


def instance_name(config: Config) -> str:
    """Return what this fproc is called: `dashboard.name`, or its host and folder."""
    return config.dashboard.name or f"{socket.gethostname()}:{config.watch_dir}"


def inbox_in_shell(config: Config) -> str:
    """Return where files are dropped, as a word of a command line in the folder that fproc was started in."""
    path = os.path.join(config.watch_dir, STATES[0], "")
    with suppress(OSError):  # that folder may be gone
        below = os.path.relpath(path)
        path = path if below.startswith(os.pardir) else os.path.join(below, "")
    return shlex.quote(path)


@cache
def page_constants(name: str, inbox: str) -> str:
    """Return the block of constants of the page of an fproc of this name, as JSON.

    Its scripts take them from `CONSTANTS`. `inbox` is where files are dropped, for command lines.
    """
    constants = {
        "name": name,
        "states": STATES,
        "any_state": ANY,
        "sort_keys": _sort_keys(),
        "status_ok": OK,
        "windows_seconds": (*WINDOWS, *PAST_WINDOWS),
        "longest_window_seconds": WINDOWS[-1],
        "steps": STEPS,
        "percentiles": list(PERCENTILES),
        "series_percentiles": list(SERIES_PERCENTILES),
        "rows": ROWS,
        "most_rows": MOST_ROWS,
        "usual_outcomes": sorted(USUAL),
        "left_out": LEFT_OUT,
        "timed_one_in": ONE_IN,
        "outside_nodes": OUTSIDE_NODES,
        "inbox": inbox,
        "report_ending": REPORT_ENDING,
        "appended": APPENDED,
    }
    return json.dumps(constants)


def _sort_keys() -> dict[str, tuple[str, ...]]:
    """Return what the list of each state is sorted by."""
    lists = ("", *STATES, REJECTED_LINES)
    return {state: ENDED_KEYS if state in ENDED else FOLDER_KEYS for state in lists} | {ANY: ()}
