"""Where events fall: periods, doubt, worsening, and the day the time at risk ends."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.dsmb.domain import Document
from services.dsmb.domain.follow_up import follow_up
from services.dsmb.domain.occurrence import episodes, occurrences
from tests.unit.dsmb import build

CODE = "VN01-001"
ENROLLED = build.subject(CODE, "2026-01-01")
FIRST = build.infusion(CODE, "2026-02-01T09:00", 1)
SECOND = build.infusion(CODE, "2026-07-01T09:00", 2)


def placed(*documents: Document, **changes: Any) -> dict[str, tuple[str | None, int | None, bool]]:
    """Period -> (day, grade, imputed)."""
    plan = build.plan(**changes)
    child = build.one_child(*documents)
    time = follow_up(child, plan, build.CUT)
    (episode,) = episodes(child, plan)
    return {
        one.span: (date.fromordinal(one.day).isoformat() if one.day else None, one.grade, one.imputed)
        for one in occurrences(episode, time, plan)
    }


def told(*documents: Document, onset: str | None, grades: Any = ((2, None),), arm: str = "B") -> Any:
    case = build.case(CODE, build.event("e", "FEVER", onset, grades))
    return placed(ENROLLED, build.allocation(CODE, arm), *documents, case)


def test_in_every_period_it_lies_in_and_in_no_other() -> None:
    found = told(FIRST, SECOND, onset="2026-03-10")
    day = ("2026-03-10", 2, False)
    assert found == {"whole": day, "exposed": day, "after_first": day, "first_9_months": day}
    assert set(told(FIRST, SECOND, onset="2026-07-02")) == {"whole", "exposed", "after_second", "first_9_months"}
    assert set(told(FIRST, onset="2026-01-20")) == {"whole", "control", "randomised"}


def test_the_randomised_comparison_of_an_arm_treated_at_once_goes_on_after_the_infusion() -> None:
    assert "randomised" in told(FIRST, onset="2026-03-10", arm="A")
    assert "randomised" in told(FIRST, onset="2026-01-20", arm="A")
    assert "before_first" in told(FIRST, onset="2026-01-20", arm="A")
    assert "randomised" not in placed(ENROLLED, FIRST, build.case(CODE, build.event("e", "FEVER", "2026-03-10")))


def test_the_randomised_comparison_ends_after_nine_months() -> None:
    plan = build.plan()
    long_ago = build.subject(CODE, "2025-10-01")
    child = build.one_child(long_ago, build.allocation(CODE, "A"), FIRST)
    days = follow_up(child, plan, build.CUT).days["randomised"]
    assert (date.fromordinal(days.first), date.fromordinal(days.last)) == (date(2025, 10, 1), date(2026, 6, 30))
    assert days.count == 273
    for onset, inside in (("2026-06-30", True), ("2026-07-01", False)):
        case = build.case(CODE, build.event("e", "FEVER", onset))
        assert ("randomised" in placed(long_ago, build.allocation(CODE, "A"), FIRST, case)) is inside


@pytest.mark.parametrize(
    ("onset", "period", "day", "imputed"),
    [
        ("2026-01-31", "control", "2026-01-31", False),
        ("2026-02-01T08:59", "control", "2026-01-31", False),  # some hours before, on the day of the infusion
        ("2026-02-01T09:00", "exposed", "2026-02-01", True),  # the same minute
        ("2026-02-01T09:01", "exposed", "2026-02-01", False),
        ("2026-02-01", "exposed", "2026-02-01", True),
        ("2026-01", "control", "2026-01-01", True),
        ("2026-02", "exposed", "2026-02-01", True),
        ("2026", "exposed", "2026-02-01", True),
        (None, "exposed", "2026-02-01", True),
    ],
)
def test_doubt_is_the_products(onset: str | None, period: str, day: str, imputed: bool) -> None:
    found = told(FIRST, onset=onset)
    assert found[period] == (day, 2, imputed)
    assert not {"control", "exposed"} - {period} & set(found)


def test_a_time_typed_in_the_future_is_a_missing_one() -> None:
    assert told(FIRST, onset="2031-01-01")["exposed"][0] == "2026-02-01"


def test_what_became_worse_after_the_infusion_is_an_event_of_both_periods_each_with_its_grade() -> None:
    found = told(FIRST, onset="2026-01-20", grades=[(1, "2026-01-20"), (3, "2026-02-03"), (2, "2026-02-05")])
    assert found["control"] == ("2026-01-20", 1, False)
    assert found["exposed"] == ("2026-02-03", 3, False)
    assert found["whole"] == ("2026-01-20", 3, False)
    better = told(FIRST, onset="2026-01-20", grades=[(3, "2026-01-20"), (1, "2026-02-03")])
    assert "exposed" not in better, "what became better is no new event"


def test_before_enrolment_is_not_counted() -> None:
    assert told(FIRST, onset="2025-12-31") == {}
    assert told(FIRST, onset="2025-12") == {}
    assert "whole" in told(FIRST, onset=None)


def test_after_leaving_it_is_counted_and_ends_no_time() -> None:
    left = build.subject(CODE, "2026-01-01", "2026-03-01")
    case = build.case(CODE, build.event("e", "FEVER", "2026-03-02"))
    found = placed(left, build.allocation(CODE, "B"), FIRST, case)
    assert found["exposed"] == (None, None, False)


@pytest.mark.parametrize("arm", ["A", "B"])
def test_after_leaving_the_randomised_comparison_counts_it_in_either_arm(arm: str) -> None:
    left = build.subject(CODE, "2026-01-01", "2026-03-01")
    case = build.case(CODE, build.event("e", "FEVER", "2026-04-02"))
    assert placed(left, build.allocation(CODE, arm), case)["randomised"] == (None, None, False)


def test_without_enrolment_only_the_time_after_an_infusion_is_known() -> None:
    unknown = build.subject(CODE, None)
    case = build.case(CODE, build.event("e", "FEVER", "2026-03-02"))
    found = placed(unknown, build.allocation(CODE, "B"), FIRST, case)
    assert found["whole"][0] is None
    assert found["exposed"][0] == "2026-03-02"


def test_an_infusion_known_by_its_month_gives_no_more_time_than_is_certain() -> None:
    vague = build.infusion(CODE, "2026-02")
    time = follow_up(build.one_child(ENROLLED, build.allocation(CODE, "B"), vague), build.plan(), build.CUT)
    assert date.fromordinal(time.days["exposed"].first) == date(2026, 2, 28)
    assert date.fromordinal(time.days["control"].last) == date(2026, 2, 27)
    assert time.uncertain
