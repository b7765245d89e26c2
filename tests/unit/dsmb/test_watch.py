"""What one child contributes to the rule on serious events related to an infusion."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.dsmb.domain import Document, Plan, Watched, watch
from shared.case import Nullification, Seriousness
from tests.unit.dsmb import build

CODE = "VN01-001"
CHILD = build.subject(CODE, "2026-01-01")
INFUSED = build.infusion(CODE, "2026-01-05T09:00")
ENDS = datetime(2026, 10, 5, 2, 0, 59, tzinfo=UTC)
"""Nine months of the calendar after the last second of the minute of the infusion, 09:00 in Hanoi."""


def seen(*documents: Document, plan: Plan | None = None) -> Watched | None:
    plan = plan or build.plan()
    return watch(build.one_child(*documents), plan.rules[0], plan, build.CUT)


def told(onset: str | None, **how: object) -> Document:
    return build.case(CODE, build.event("e", "FEVER", onset, **({"serious": True} | how)))  # type: ignore[arg-type]


def test_a_child_not_infused_is_not_watched() -> None:
    assert seen(CHILD, told("2026-03-01")) is None


def test_without_an_event_it_counts_when_the_window_is_over() -> None:
    assert seen(CHILD, INFUSED) == Watched(False, ENDS)


@pytest.mark.parametrize(
    ("onset", "counts"),
    [
        ("2026-01-05T08:59", False),
        ("2026-01-05T09:00", True),
        ("2026-01-05", True),  # it may have been after
        ("2026-01-04", False),
        ("2026-01", True),
        (None, True),
        ("2026-10-05T09:00", True),
        ("2026-10-05T09:01", False),
    ],
)
def test_the_window_begins_with_the_infusion_and_lasts_nine_months(onset: str | None, counts: bool) -> None:
    late = datetime(2027, 1, 1, tzinfo=UTC)
    case = build.case(CODE, build.event("e", "FEVER", onset, serious=True), recorded_at=late)
    assert seen(CHILD, INFUSED, case) == Watched(counts, ENDS)


@pytest.mark.parametrize(
    ("onset", "counts"),
    [
        ("2026-01-04", False),
        ("2026-01-05T08:59", True),  # the hours before the infusion belong to its day
        ("2026-10-04T23:59", True),
        ("2026-10-05T08:59", False),
        ("2026-10", True),
    ],
)
def test_where_the_charter_counts_by_the_day_the_rule_does_as_the_tables_do(onset: str, counts: bool) -> None:
    late = datetime(2027, 1, 1, tzinfo=UTC)
    case = build.case(CODE, build.event("e", "FEVER", onset, serious=True), recorded_at=late)
    plan = build.plan(onset_clock="day")
    assert seen(CHILD, INFUSED, case, plan=plan) == Watched(counts, ENDS)
    counted = build.cut([CHILD, INFUSED, case], plan, datetime(2027, 2, 1, tzinfo=UTC)).events.values["span"]
    assert ("first_9_months" in counted) == counts


def test_what_nobody_answered_counts() -> None:
    assert seen(CHILD, INFUSED, told("2026-02-01")) == Watched(True, ENDS)
    silent = build.event("e", "FEVER", "2026-02-01", seriousness=Seriousness())
    assert seen(CHILD, INFUSED, build.case(CODE, silent)) == Watched(True, ENDS)


def test_not_serious_does_not_count() -> None:
    assert seen(CHILD, INFUSED, told("2026-02-01", serious=False)) == Watched(False, ENDS)


def test_it_takes_two_to_say_not_related() -> None:
    said_no = build.case(CODE, build.event("e", "FEVER", "2026-02-01", serious=True, related="no"), name="c")
    known = (CHILD, INFUSED, said_no)
    assert seen(*known) == Watched(True, ENDS)
    agreed = build.assessment(CODE, "c", {"e": "no"}, known)
    assert seen(*known, agreed) == Watched(False, ENDS)
    unsigned = build.assessment(CODE, "c", {"e": "no"}, known, signed=False)
    assert seen(*known, unsigned) == Watched(True, ENDS)
    newer = build.infusion(CODE, "2026-07-05T09:00", 2)
    assert seen(*known, agreed, newer) == Watched(True, ENDS), "the signature rests on what has changed since"


def test_a_void_case_does_not_count() -> None:
    case = build.case(
        CODE, build.event("e", "FEVER", "2026-02-01", serious=True), nullified=Nullification(reason="reported twice")
    )
    assert seen(CHILD, INFUSED, case) == Watched(False, ENDS)


def test_a_fever_that_became_worse_after_the_infusion_counts() -> None:
    worse = build.event("e", "FEVER", "2026-01-02", [(1, "2026-01-02"), (3, "2026-01-06")], serious=True)
    assert seen(CHILD, INFUSED, build.case(CODE, worse)) == Watched(True, ENDS)


def test_a_child_that_left_is_not_evaluable_without_an_event() -> None:
    left = build.subject(CODE, "2026-01-01", "2026-05-01")
    assert seen(left, INFUSED) == Watched(False, None)
    assert seen(left, INFUSED, told("2026-02-01")) == Watched(True, None)
