"""A whole configuration, as frozen dataclasses: each field declares its key, see `declaration`.

A new key is a line here. Then `make generate` puts it into the documents.
"""

from __future__ import annotations

import re
from typing import Any

from fproc.base import schema, urls
from fproc.base.errors import Problem
from fproc.base.schema import Problems, boolean, choice, has_shape, list_of, number, or_null, text
from fproc.base.values import asdict, dataclass
from fproc.config import checks
from fproc.config.checks import at_least_one
from fproc.config.declaration import Flag, checked_fields, key, section, settings_of, shape_of_fields
from fproc.config.input_format import FileRule, InputFormat, check_file_rule
from fproc.config.nodes import Example, NodeSpec, check_example, check_node
from fproc.config.retention import Retention

MEGABYTE = 10**6
"""What `mb` means in names of settings."""

IGNORED = (
    # hidden: rsync, lftp, desktop.ini's kin of macOS, locks of LibreOffice, what NFS keeps of open files
    ".*",
    # uploads and downloads that are still coming: FTP and SFTP servers and clients, sync tools, browsers
    *("*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.incomplete", "*.uploading", "*.inprogress"),
    *("in.*.", "*.crdownload", "*.download", "*.opdownload", "*.aria2", "*.!ut", "*.!qb", "*.bc!"),
    *("*.lftp-pget-status", "*_.gstmp", "*.sb-????????-??????"),
    # producers: Spring, Camel, HDFS and what runs on it
    *("*.writing", "*.camellock", "*._copying_", "_temporary"),
    # editors and Office
    *("*~", "#*#", "*.swp", "~$*"),
    # what Windows puts into shares
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin"),
)
"""Names under which files are known to lie that are no inputs, or not yet. Names of real data are none."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a file is tried again."""

    max_attempts: int = key(3, at_least_one(), "how often a file is tried")
    backoff_seconds: float = key(
        1.0,
        checks.check_seconds,
        "the first delay; each further one is twice as long, and half of each is random",
    )
    backoff_max_seconds: float = key(300.0, checks.check_seconds, "the longest delay")

    def delay_seconds(self, attempt: int, jitter: float) -> float:
        """Return how long to wait after failed attempt number `attempt` (from 1).

        Exponential backoff with "equal jitter": half the delay is fixed, half is random, so that files
        which failed together do not come back together. `jitter` is a random number from 0 to 1.
        """
        full: float = min(self.backoff_max_seconds, self.backoff_seconds * 2.0 ** min(attempt - 1, 60))
        return full / 2 + full / 2 * jitter


@dataclass(frozen=True, slots=True)
class Intake:
    """When a file in `unprocessed/` is taken, and in what order."""

    ready: str = key("auto", choice("auto", "stable", "rename", "marker"), "when a file is taken, see below")
    settle_seconds: float = key(
        1.0, checks.check_seconds, "how long size and time of a file must stay the same"
    )
    settle_unknown_seconds: float = key(
        10.0,
        checks.check_seconds,
        "the same if nobody can tell whether a file is still being written, from when it was first seen",
    )
    poll_seconds: float = key(
        0.2,
        number(least=0.001, most=3600),
        "how often the folder is scanned; on Linux the kernel reports new names in between, and scans take "
        "a tenth of the time at most",
    )
    marker: str = key(
        ".done",
        checks.check_marker,
        "the name of a file's marker: the end of it, or a pattern with `{name}` or `{stem}`",
    )
    order: str = key(
        "oldest",
        choice("oldest", "newest", "name"),
        "which file first: `oldest`, `newest` or `name`; of more than 100,000, `oldest` and `newest` go by "
        "those that were looked at so far, see [below](#order)",
    )
    match: tuple[str, ...] = key(
        ("*",), list_of(text(), least=1), "names that are taken; others are left alone"
    )
    ignore: tuple[str, ...] = key(
        IGNORED,
        list_of(text()),
        "names that are never taken, see [below](#names)",
        default_text="`.*`, `*.tmp`, ...",
    )
    ignore_more: tuple[str, ...] = key(
        (), list_of(text()), "further names that are never taken, beside the defaults"
    )


@dataclass(frozen=True, slots=True)
class Recovery:
    """Whether, and how often in seconds, files that no live instance holds are taken up again."""

    enabled: bool = key(True, boolean, "take up files in `underprocess/` that no live instance holds")
    check_interval: float = key(
        60.0,
        checks.check_interval,
        "seconds between sweeps of what jobs left behind; inputs that lost their owner are found within a "
        "second, or this time if it is shorter",
    )


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """How often a file's progress is made durable: after these seconds, or megabytes (10**6), of work."""

    seconds: float = key(
        5.0, checks.check_interval, "seconds of work after which a file's progress is made durable"
    )
    mb: float = key(64.0, checks.check_megabytes, "or after these megabytes of it, whichever comes first")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a single line, one attempt at a file (`timeout_seconds`), or one upload, may cost.

    A worker without progress for `stall_seconds` is named. More rejected lines of one file than
    `max_rejected`, a number or a share such as "5%", fail it.
    """

    max_line_bytes: int = key(1048576, at_least_one(2**30), "a longer line is an error of that line")
    max_hops: int = key(100, at_least_one(10**6), "how many nodes a record may go through")
    timeout_seconds: float | None = key(
        None,
        or_null(checks.check_time_limit),
        "an attempt at a file that takes longer is ended by force, and counts as failed; the report names "
        "the line and the node",
    )
    stall_seconds: float = key(
        60.0,
        checks.check_time_limit,
        "a worker that makes no progress for this long is named in the log, in `/health` and by `--why`, "
        "with file, line and node; it is not ended",
    )
    max_rejected: int | str | None = key(
        None,
        or_null(checks.check_max_rejected),
        'a file of which more lines are set aside or skipped than this number, or share (`"5%"`), fails',
    )
    max_upload_mb: float = key(
        1024.0, checks.check_megabytes, "the most megabytes (10^6 bytes) that one upload may have"
    )
    max_expanded_mb: float | None = key(
        102400.0,
        or_null(checks.check_megabytes),
        "a compressed file that holds more megabytes (10^6 bytes) than this fails: a small one may hold "
        "enough to fill any disk",
    )

    @property
    def most_expanded_bytes(self) -> int | None:
        """The most bytes that a compressed file may hold, or None."""
        return None if self.max_expanded_mb is None else int(self.max_expanded_mb * MEGABYTE)


@dataclass(frozen=True, slots=True)
class TokenFiles:
    """The files with tokens that do not allow everything."""

    read: str | None = key(
        None,
        or_null(text()),
        "a file with a token that may look at everything, and change nothing",
        is_path=True,
    )
    upload: str | None = key(
        None, or_null(text()), "one with a token that may upload, and nothing else", is_path=True
    )
    operate: str | None = key(
        None, or_null(text()), "one with a further token that may do everything", is_path=True
    )

    def paths(self) -> tuple[str | None, ...]:
        """Return the path of each file, or None where there is none."""
        return self.read, self.upload, self.operate


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Where the dashboard listens, and the files with its tokens, its certificate and the key to that."""

    host: str = key(
        "127.0.0.1",
        checks.check_host,
        "where the dashboard listens; any address but loopback needs a token",
        flag=Flag("--host", "ADDRESS", "where the dashboard listens (default: 127.0.0.1)"),
        variable="FPROC_HOST",
    )
    port: int = key(
        8000,
        number(least=0, most=65535, whole=True),
        "the dashboard's port; 0 takes any free one, which the log names",
        flag=Flag("--port", "N", "the dashboard's port (default: 8000; 0: any free one)"),
        variable="FPROC_PORT",
    )
    token_file: str | None = key(
        None,
        or_null(text()),
        "a file with the token, which may do everything; see [DASHBOARD.md](DASHBOARD.md#who-may-ask)",
        is_path=True,
    )
    tokens: TokenFiles = section(TokenFiles)
    name: str | None = key(
        None,
        or_null(text()),
        "what this fproc is called on the page: in its title, its header and its questions",
        default_text="its host and folder",
    )
    tls_cert: str | None = key(
        None, or_null(text()), "a PEM file with the certificate, for `https`", is_path=True
    )
    tls_key: str | None = key(
        None, or_null(text()), "one with its key, which may be in the certificate's file", is_path=True
    )


@has_shape(lambda: shape_of_fields(Dashboard))
def _check_dashboard(value: Any, path: str, problems: Problems) -> Any:
    dashboard = checked_fields(Dashboard)(value, path, problems)
    if dashboard is not None and dashboard.tls_key and not dashboard.tls_cert:
        problems.append(Problem(f"{path}.tls_cert", "is missing", "a key needs its certificate"))
    return dashboard


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Whom to call, and after how long without a new input. The URLs may hold secrets."""

    webhook: str | None = key(
        None,
        or_null(schema.url),
        "a URL that gets a POST of JSON when a file fails or loses lines, intake pauses or resumes, or "
        "nothing arrives; see [monitoring](monitoring/README.md#alerts)",
        variable="FPROC_WEBHOOK",
        is_secret=True,
    )
    heartbeat_url: str | None = key(
        None,
        or_null(schema.url),
        "a URL that is called (GET) once a minute while all is well, or once at the end of a `--drain` that "
        "went well",
        flag=Flag("--heartbeat-url", "URL", "with --watch: call this URL once a minute while all is well"),
        variable="FPROC_HEARTBEAT_URL",
        is_secret=True,
    )
    quiet_seconds: float | None = key(
        None,
        or_null(checks.check_time_limit),
        "after this many seconds without a new input, the webhook and the log say so",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. Paths are absolute in one that `keys.parse_config` gives."""

    watch_dir: str = key(
        "watch_dir",
        text(),
        "the folder with `unprocessed/`, `underprocess/`, `processed/`, `failed/`; made when missing at the "
        "start",
        flag=Flag("--watch-dir", "DIR", "the folder with unprocessed/, processed/, ..."),
        variable="FPROC_WATCH_DIR",
        is_path=True,
    )
    results_dir: str = key(
        "",
        text(),
        "where results go; may be on another filesystem",
        flag=Flag("--results-dir", "DIR", "where results go (default: results/ in the watched folder)"),
        variable="FPROC_RESULTS_DIR",
        is_path=True,
        default_text="`results` in `watch_dir`",
    )
    results_mode: str | None = key(
        None,
        or_null(checks.check_mode),
        'the mode of results, such as `"0640"`; group and ACL are as their folder passes them on',
        default_text="what the umask says",
    )
    plugins_dir: str = key(".", text(), "a further folder whose modules can be named in `type`", is_path=True)
    intake: Intake = section(Intake)
    input: InputFormat = section(InputFormat)
    workers: int | str = key(
        "auto",
        checks.check_workers,
        "worker processes; `auto` is one for each processor that may be used. A file of 32 MiB or more, of a "
        "pipeline that remembers no lines, is worked on by all that are free",
        flag=Flag("--workers", "N", "worker processes (default: auto)"),
        variable="FPROC_WORKERS",
    )
    on_error: str = key(
        "fail",
        choice("fail", "reject", "skip"),
        "what happens if a line fails: `fail` its file, `reject` the line, or `skip` it",
    )
    on_conflict: str = key(
        "keep",
        choice("keep", "replace"),
        "`replace` lets results (never inputs) replace earlier ones of their name",
    )
    retry: RetryPolicy = section(RetryPolicy)
    recovery: Recovery = section(Recovery)
    checkpoint: CheckpointPolicy = section(CheckpointPolicy)
    durability: str = key(
        "power",
        choice("power", "process"),
        "`power` survives power loss, `process` survives `kill -9` and is faster",
    )
    limits: Limits = section(Limits)
    retention: Retention = section(Retention)
    dashboard: Dashboard = section(Dashboard, _check_dashboard)
    alerts: AlertPolicy = section(AlertPolicy)
    files: tuple[FileRule, ...] = key(
        (), list_of(check_file_rule), "which files start where, and how they are read; see below"
    )
    nodes: tuple[NodeSpec, ...] = key((), list_of(check_node, least=1), "the graph", is_required=True)
    examples: tuple[Example, ...] = key(
        (), list_of(check_example), "lines in and lines out, which `--check` tries"
    )

    @property
    def mode_of_results(self) -> int | None:
        """The mode of results, or None for what the umask says."""
        return None if self.results_mode is None else int(self.results_mode, 8)


SETTINGS = tuple(settings_of(Config))
"""All keys, in the order of docs/CONFIGURATION.md."""


def to_json(config: Config) -> dict[str, Any]:
    """Return the configuration as a JSON value; `parse_config` turns it into the same configuration."""
    value = asdict(config)
    for entries in (value["nodes"], value["files"]):
        for entry in entries:
            unset = [name for name, item in entry.items() if item is None or name in {"path", "folder"}]
            for name in unset:
                del entry[name]
    for entry in value["nodes"]:
        entry["as"] = entry.pop("gets")
    return value


HIDDEN = r"(?i)passw|secret|token|credential|salt|api_?key|(^|_)key$"
"""How options of processors are called that the log does not show."""


def to_log(config: Config) -> dict[str, Any]:
    """Return the configuration like `to_json`, without its secrets.

    URLs may hold some, and so may options of processors, by their names.
    """
    for setting in SETTINGS:
        if setting.key.is_secret and setting.of(config):
            config = setting.changed(config, urls.masked(setting.of(config)))
    value = to_json(config)
    for node in value["nodes"]:
        node["config"] = _without_secrets(node.get("config"))
    return value


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "***" if re.search(HIDDEN, name) and isinstance(item, str) else _without_secrets(item)
            for name, item in value.items()
        }
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
