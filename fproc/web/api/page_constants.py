"""Constants that the page shares with the server: each one from its home, none written in a script."""

from __future__ import annotations

import json
from functools import cache

from fproc.config.model import Config
from fproc.pipeline.failures import LEFT_OUT
from fproc.pipeline.tracing.trace import USUAL
from fproc.telemetry.health import OK
from fproc.telemetry.rolling import PERCENTILES, SERIES_PERCENTILES, STEPS, WINDOWS
from fproc.web.api.queries import MOST_ROWS, ROWS, STATES


@cache
def page_constants() -> str:
    """Return the block of constants of the page, as JSON; its scripts take them from `CONSTANTS`."""
    constants = {
        "states": STATES,
        "status_ok": OK,
        "windows_seconds": WINDOWS,
        "steps": STEPS,
        "percentiles": list(PERCENTILES),
        "series_percentiles": list(SERIES_PERCENTILES),
        "rows": ROWS,
        "most_rows": MOST_ROWS,
        "usual_outcomes": sorted(USUAL),
        "left_out": LEFT_OUT,
        "watch_dir": Config().watch_dir,
    }
    return json.dumps(constants)
