"""The beta-binomial rule against published boundaries, exact probabilities, and the shipped charter."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dsmb.boundaries import crossing_probability, state
from services.dsmb.boundaries.state import stop_at
from services.dsmb.domain import Watched
from shared.trial.beta_binomial import beta_cdf, posterior_above, stop_table
from tests.unit.dsmb import build

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PUBLISHED = (2, 3, 3, 3, 4, 4, 5, 5, 5, 5, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11)
"""stoppingrule: p0 = 0.2, Beta(0.6, 2.4), 1 to 30 children."""


def test_a_published_boundary_and_its_error_of_the_first_kind() -> None:
    table = stop_table(0.2, 0.6, 2.4, 0.9630827, 30)
    assert table == PUBLISHED
    assert crossing_probability(table, 0.2) == pytest.approx(0.09957367, abs=5e-9)


@pytest.mark.parametrize(("children", "events"), [(4, 2), (5, 2), (8, 3), (10, 3), (12, 3)])
def test_elimination_with_a_flat_prior(children: int, events: int) -> None:
    """BOIN: Beta(1, 1), p0 = 0.1, above 0.95."""
    assert stop_table(0.1, 1, 1, 0.95, 12)[children - 1] == events


@pytest.mark.parametrize(
    ("rate", "crossing"), [(0.10, 0.0992), (0.15, 0.3921), (0.20, 0.7390), (0.25, 0.9303), (0.30, 0.9881)]
)
def test_how_often_the_shipped_rule_crosses(rate: float, crossing: float) -> None:
    (rule,) = build.plan().rules
    table = [stop_at(rule, children) for children in range(1, 59)]
    assert crossing_probability(table, rate) == pytest.approx(crossing, abs=5e-5)


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.01, 0.99))
def test_the_beta_distribution_is_the_binomial_tail(a: int, b: int, x: float) -> None:
    """I_x(a + 1, b + 1) = P(more than a of a + b + 1)."""
    n = a + b + 1
    tail = math.fsum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a + 1, n + 1))
    assert beta_cdf(x, a + 1, b + 1) == pytest.approx(tail, rel=1e-10, abs=1e-13)


@given(st.integers(1, 58), st.integers(0, 58))
def test_more_children_with_the_event_never_make_it_less_likely(evaluable: int, events: int) -> None:
    if events < evaluable:
        assert posterior_above(0.1, 0.2, 1.8, events, evaluable) <= posterior_above(
            0.1, 0.2, 1.8, events + 1, evaluable
        )


def watched(events: int, over: int, waiting: int) -> list[Watched]:
    ended, open_still = NOW - timedelta(days=1), NOW + timedelta(seconds=1)
    return (
        [Watched(True, open_still)] * events + [Watched(False, ended)] * over + [Watched(False, open_still)] * waiting
    )


@pytest.mark.parametrize(
    ("events", "over", "crossed"),
    [(1, 0, False), (2, 0, True), (2, 1, False), (3, 4, True), (3, 5, False), (11, 47, True), (10, 48, False)],
)
def test_crossing_follows_the_integer_table(events: int, over: int, crossed: bool) -> None:
    (rule,) = build.plan().rules
    found = state(rule, watched(events, over, waiting=9), NOW)
    assert (found.evaluable, found.with_event, found.waiting) == (events + over, events, 9)
    assert found.crossed is crossed


def test_more_children_than_planned_do_not_silence_a_rule() -> None:
    (rule,) = build.plan().rules
    assert state(rule, watched(11, 60, 0), NOW).crossed


def test_a_child_lost_before_its_window_ends_counts_neither_way() -> None:
    (rule,) = build.plan().rules
    found = state(rule, [Watched(False, None), Watched(True, None)], NOW)
    assert (found.evaluable, found.with_event, found.waiting) == (1, 1, 1)
