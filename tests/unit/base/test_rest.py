"""After a piece of work comes a rest in proportion."""

from __future__ import annotations

from fproc.base.rest import Rest


def test_work_is_followed_by_a_rest_in_proportion() -> None:
    now = [100.0]
    rest = Rest(10, lambda: now[0])
    assert rest.is_over()
    rest.after(0.5)
    assert (rest.is_over(), rest.until) == (False, 105.0)
    now[0] = 105.0
    assert rest.is_over()


def test_a_rest_has_a_least_length_if_that_is_asked_for() -> None:
    rest = Rest(10, lambda: 100.0)
    rest.after(0.01, least_seconds=3.0)
    assert rest.until == 103.0
