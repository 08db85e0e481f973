"""What is removed once it is old, or there is too much of it."""

from __future__ import annotations

from fproc.base.schema import or_null
from fproc.base.values import dataclass
from fproc.config import checks
from fproc.config.checks import at_least_one
from fproc.config.declaration import key


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long, how many and how much is kept; None is without a bound."""

    processed_days: float | None = key(
        None,
        or_null(checks.check_days),
        "inputs that have been in `processed/` for this many days are removed",
        default_text="for ever",
    )
    processed_files: int | None = key(
        None,
        or_null(at_least_one()),
        "if there are more inputs in `processed/`, the oldest are removed",
        default_text="no limit",
    )
    processed_mb: float | None = key(
        None,
        or_null(checks.check_megabytes),
        "if they take more megabytes (10^6 bytes), the oldest are removed",
        default_text="no limit",
    )
    failed_days: float | None = key(
        None, or_null(checks.check_days), "the same for `failed/`, reports included", default_text="for ever"
    )
    failed_files: int | None = key(
        None, or_null(at_least_one()), "an input and its reports count as one", default_text="no limit"
    )
    failed_mb: float | None = key(
        None, or_null(checks.check_megabytes), "reports included", default_text="no limit"
    )
    results_days: float | None = key(
        None,
        or_null(checks.check_days),
        "the same for results, but for those that are appended to; see [below](#what-is-removed)",
        default_text="for ever",
    )
    results_files: int | None = key(
        None,
        or_null(at_least_one()),
        "if there are more results, the oldest are removed",
        default_text="no limit",
    )
    results_mb: float | None = key(
        None,
        or_null(checks.check_megabytes),
        "if they take more megabytes, the oldest are removed",
        default_text="no limit",
    )
    history_days: float | None = key(
        30.0, or_null(checks.check_days), "how long the history keeps what happened; `null` is for ever"
    )
    history_events: int | None = key(
        None, or_null(at_least_one()), "how many events the history keeps", default_text="no limit"
    )
    history_mb: float | None = key(
        None,
        or_null(checks.check_megabytes),
        "how many megabytes of events the history keeps",
        default_text="no limit",
    )

    @property
    def prunes_results(self) -> bool:
        """Whether results are removed."""
        return any(bound is not None for bound in (self.results_days, self.results_files, self.results_mb))

    @property
    def has_amounts(self) -> bool:
        """Whether a number or size is limited, and not only the age."""
        amounts = (self.processed_files, self.processed_mb, self.failed_files, self.failed_mb)
        others = (self.results_files, self.results_mb, self.history_events, self.history_mb)
        return any(bound is not None for bound in (*amounts, *others))
