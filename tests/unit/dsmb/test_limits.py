"""Exact Poisson limits against printed tables, and against the sums of probabilities that define them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dsmb.tables.cells import rate
from services.dsmb.tables.poisson import gamma_cdf, gamma_quantile, limits
from services.dsmb.tables.tally import Count

PRINTED = {0: (0.0, 3.6889), 1: (0.0253, 5.5716), 2: (0.2422, 7.2247), 5: (1.6235, 11.6683), 10: (4.7954, 18.3904)}


@pytest.mark.parametrize("events", PRINTED)
def test_the_limits_are_those_of_the_tables(events: int) -> None:
    assert limits(events, 0.95) == pytest.approx(PRINTED[events], abs=5e-5)


@given(st.integers(0, 400), st.sampled_from([0.9, 0.95, 0.99]))
def test_at_each_limit_the_other_tail_holds_half_of_what_is_left(events: int, confidence: float) -> None:
    lower, upper = limits(events, confidence)
    tail = (1 - confidence) / 2
    assert _at_most(events, upper) == pytest.approx(tail, rel=1e-9)
    if events:
        assert 1 - _at_most(events - 1, lower) == pytest.approx(tail, rel=1e-7)


def _at_most(events: int, mean: float) -> float:
    """P(count <= events), term by term."""
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(events + 1))


@given(st.floats(0.5, 5_000), st.floats(1e-6, 1 - 1e-6))
def test_the_quantile_undoes_the_distribution(a: float, p: float) -> None:
    assert gamma_cdf(a, gamma_quantile(a, p)) == pytest.approx(p, rel=1e-9, abs=1e-12)


def test_a_count_of_ten_thousand_is_no_harder() -> None:
    lower, upper = limits(10_000, 0.95)
    assert (lower, upper) == pytest.approx((9804.9, 10197.9), abs=0.1)


def test_nothing_is_divided_by_no_time() -> None:
    assert rate(Count(n=1, events=1), "365.25", "0.95")["rate"] is None
    with pytest.raises(ValueError, match="never below 0"):
        rate(Count(days=-1), "365.25", "0.95")


@pytest.mark.parametrize(("a", "x"), [(0.0, 1.0), (1.0, -1.0)])
def test_what_has_no_meaning_is_refused(a: float, x: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        gamma_cdf(a, x)
