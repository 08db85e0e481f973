"""Files that ended, from the history: newest first, or sorted by a column."""

from __future__ import annotations

from fproc.base.values import dataclass
from fproc.telemetry.history.chosen import ALL_EVENTS, ChosenEvents
from fproc.telemetry.history.history import History
from fproc.web.lists.cursors import cursor, position_in, sorted_place, whole_number
from fproc.web.lists.rows import Page, row_of_event
from fproc.web.lists.sorting import ENDED_KEYS, SortOrder, order_of

ENDED = {"": ("processed", "failed"), "processed": ("processed",)}
"""The kinds of events that record the end of a file, by `state`; empty: all files that ended."""

CHOSEN = {**ENDED, "failed": ("failed",)}
"""The same for files of a time, a pipeline or a node: those that failed then may be elsewhere now."""

MOST_SEARCHED_EVENTS = 50_000
"""The most events that are read for one page. One that is not full by then says where to go on."""

MOST_SORTED_EVENTS = 100_000
"""The newest events, which are sorted: the order needs all of them for each page."""


@dataclass(frozen=True, slots=True)
class EndedFiles:
    """The lists of a history; without one, they are empty."""

    history: History | None

    def page(
        self,
        state: str,
        query: str,
        limit: int,
        after: str,
        *,
        sort: str = "",
        chosen: ChosenEvents = ALL_EVENTS,
    ) -> Page:
        """Return files that ended, from no more events than are read in a moment.

        Raises:
            ValueError: there is no such order, or `after` is from no answer; the message is one sentence.
        """
        order = order_of(sort, ENDED_KEYS)
        if order is not None:
            return self._sorted(state, query, limit, after, order=order, chosen=chosen)
        position = position_in(after, state, whole_number)
        if self.history is None:
            return [], None
        first, last = self.history.bounds(chosen)
        newest = last + 1 if position is None else min(position, last + 1)
        least = max(newest - MOST_SEARCHED_EVENTS, first)
        rows = self.history.recent(
            limit=limit, kinds=CHOSEN[state], query=query, after=newest, least=least, chosen=chosen
        )
        following = cursor(state, rows[-1].id) if len(rows) == limit else None
        if following is None and least > first:
            following = cursor(state, least)
        return [row_of_event(row.event) for row in rows], following

    def _sorted(
        self, state: str, query: str, limit: int, after: str, *, order: SortOrder, chosen: ChosenEvents
    ) -> Page:
        name = f"{state} {order}"
        position = position_in(after, name, sorted_place)
        if self.history is None:
            return [], None
        rows, place = self.history.in_order(
            order.key,
            is_down=order.is_down,
            limit=limit,
            kinds=CHOSEN[state],
            query=query,
            after=position,
            most=MOST_SORTED_EVENTS,
            chosen=chosen,
        )
        following = None if place is None or len(rows) < limit else cursor(name, place)
        return [row_of_event(row.event) for row in rows], following
