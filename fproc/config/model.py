"""A whole configuration, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fproc.base import urls
from fproc.base.values import asdict, dataclass, field

Next = tuple[str, ...] | Mapping[str, tuple[str, ...]] | None
"""Where a node's records go: to these nodes whatever the tag, by tag, or (None) to the tag's own node."""

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

    max_attempts: int = 3
    backoff_seconds: float = 1.0
    backoff_max_seconds: float = 300.0

    def delay_seconds(self, attempt: int, jitter: float) -> float:
        """How long to wait after failed attempt number `attempt` (from 1).

        Exponential backoff with "equal jitter": half the delay is fixed, half is random, so that files
        which failed together do not come back together. `jitter` is a random number from 0 to 1.
        """
        full: float = min(self.backoff_max_seconds, self.backoff_seconds * 2.0 ** min(attempt - 1, 60))
        return full / 2 + full / 2 * jitter


@dataclass(frozen=True, slots=True)
class Intake:
    """When a file in `unprocessed/` is taken, and in what order."""

    ready: str = "auto"
    settle_seconds: float = 1.0
    settle_unknown_seconds: float = 10.0
    poll_seconds: float = 0.2
    marker: str = ".done"
    order: str = "oldest"
    match: tuple[str, ...] = ("*",)
    ignore: tuple[str, ...] = IGNORED
    ignore_more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recovery:
    """Whether, and how often in seconds, files that no live instance holds are taken up again."""

    enabled: bool = True
    check_interval: float = 60.0


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """How often a file's progress is made durable: after so many seconds, or megabytes (10**6), of it."""

    seconds: float = 5.0
    mb: float = 64.0


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days things are kept; None is for ever."""

    processed_days: float | None = None
    failed_days: float | None = None
    history_days: float | None = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a single line, one attempt at a file (`timeout_seconds`), or one upload, may cost.

    A worker without progress for `stall_seconds` is named. More rejected lines of one file than
    `max_rejected`, a number or a share such as "5%", fail it.
    """

    max_line_bytes: int = 1048576
    max_hops: int = 100
    timeout_seconds: float | None = None
    stall_seconds: float = 60.0
    max_rejected: int | str | None = None
    max_upload_mb: float = 1024.0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Where the dashboard listens, and the files with its token, its certificate and the key to that."""

    host: str = "127.0.0.1"
    port: int = 8000
    token_file: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Whom to call, and after how long without a new input. The URLs may hold secrets."""

    webhook: str | None = field(default=None, repr=False)
    heartbeat_url: str | None = field(default=None, repr=False)
    quiet_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FileRule:
    """Which files start at which node: by name, by first line, or by both."""

    start: str
    match: str | None = None
    first_line: str | None = None


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node as it is written down; `path` is where that is, for messages."""

    tag: str
    type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    next: Next = None
    stream: bool = False
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Example:
    """Lines in, and the lines that each result must get."""

    input: tuple[str, ...]
    expect: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. Paths are absolute."""

    watch_dir: str
    results_dir: str
    plugins_dir: str
    nodes: tuple[NodeSpec, ...]
    workers: int | str = "auto"
    on_error: str = "fail"
    on_conflict: str = "keep"
    durability: str = "power"
    intake: Intake = Intake()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    recovery: Recovery = Recovery()
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    retention: Retention = Retention()
    limits: Limits = Limits()
    dashboard: Dashboard = Dashboard()
    alerts: AlertPolicy = AlertPolicy()
    files: tuple[FileRule, ...] = ()
    examples: tuple[Example, ...] = ()


def to_json(config: Config) -> dict[str, Any]:
    """The configuration as a JSON value; `parse` gives the same configuration back."""
    value = asdict(config)
    for section in ("nodes", "files"):
        for entry in value[section]:
            unset = [key for key, item in entry.items() if item is None or key == "path"]
            for key in unset:
                del entry[key]
    return value


def to_log(config: Config) -> dict[str, Any]:
    """The configuration as `to_json` gives it, without the secrets that its URLs may hold."""
    value = to_json(config)
    for key in ("webhook", "heartbeat_url"):
        url = value["alerts"][key]
        value["alerts"][key] = url and urls.masked(url)
    return value
