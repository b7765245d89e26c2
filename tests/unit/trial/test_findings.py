"""Departures from the plan are told, with their certainty, and never refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.case import Exposure, Subject
from shared.trial import findings, load
from shared.trial.findings import months_after
from tests.unit.trial.children import child, infusion

FILE = Path(__file__).parents[3] / "deploy" / "trials" / "vinmec-cp-bmmnc.yaml"
TRIAL = load(FILE.read_text(encoding="utf-8"), FILE.name)


def codes(subject: Subject, *exposures: Exposure) -> list[tuple[str, bool]]:
    return [(one.code, one.certain) for one in findings(TRIAL, subject, exposures)]


def test_the_two_arms_as_planned_give_no_finding() -> None:
    assert codes(child(), infusion("2025-01-10T10:00", 1), infusion("2025-07-08T10:00", 2)) == []
    assert codes(child(), infusion("2025-10-14T10:00", 1), infusion("2026-04-02T10:00", 2)) == []
    assert codes(child()) == []


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("2025-01-31T23:59", []),  # T0 + 21 days
        ("2025-02-01T00:00", [("infusion_outside_window", True), ("early_crossover", True)]),
        ("2025-06-10T10:00", [("infusion_outside_window", True), ("early_crossover", True)]),
        ("2025-09-18T23:59", [("infusion_outside_window", True), ("early_crossover", True)]),
        ("2025-09-19T00:00", []),  # T9 - 21 days
        ("2025-10-31T10:00", []),  # T9 + 21 days
        ("2025-11-01T10:00", [("infusion_outside_window", True)]),
        ("2025-01", []),
        ("2025-09", [("infusion_outside_window", False)]),
        ("2025-01-09T10:00", [("infusion_before_enrolment", True)]),
    ],
)
def test_the_first_infusion_against_the_windows_of_both_arms(first: str, expected: list[tuple[str, bool]]) -> None:
    assert codes(child(), infusion(first, 1)) == expected


def test_the_second_infusion_is_held_against_the_arm_the_first_one_fits() -> None:
    late = infusion("2026-04-10T10:00", 2)  # right for arm B only
    assert codes(child(), infusion("2025-01-12T10:00", 1), late) == [("infusion_outside_window", True)]
    assert codes(child(), infusion("2025-10-10T10:00", 1), late) == []


def test_more_infusions_than_planned_and_voided_ones_ignored() -> None:
    given_ = [infusion("2025-01-10", 1), infusion("2025-07-10", 2), infusion("2025-08-10", 3)]
    assert codes(child(), *given_) == [("more_infusions_than_planned", True)]
    assert codes(child(), *given_[:2], infusion("2025-08-10", 3, voided=True)) == []


def test_numbers_that_contradict_the_dates() -> None:
    assert ("infusion_number_out_of_order", True) in codes(
        child(), infusion("2025-01-10", 2), infusion("2025-07-10", 1)
    )
    twice = codes(child(), infusion("2025-01-10", 1), infusion("2025-07-10", 1))
    assert twice.count(("infusion_number_twice", True)) == 2
    assert ("infusion_missing", True) in codes(child(), infusion("2025-07-10", 2))


def test_missing_and_future_times_are_asked_back() -> None:
    assert codes(child(), infusion(None, 1)) == [("infusion_undated", True)]
    recorded = datetime(2025, 1, 12, tzinfo=UTC)
    assert codes(child(), infusion("2062-01-10", 1, recorded=recorded)) == [("infusion_in_future", True)]
    assert ("window_not_checked", True) in codes(child(None), infusion("2025-01-10", 1))


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2024-01-10", []),  # one year old that day
        ("2024-01-11", [("age_outside_range", True)]),
        ("2024-01", [("age_outside_range", False)]),
        ("2014-01-11", []),  # ten, eleven tomorrow
        ("2014-01-10", [("age_outside_range", True)]),
        ("2014", [("age_outside_range", False)]),
        ("2013-12", [("age_outside_range", True)]),
        (None, [("age_not_checked", True)]),
    ],
)
def test_age_at_enrolment(birth: str | None, expected: list[tuple[str, bool]]) -> None:
    assert codes(child(birth=birth)) == expected


@given(
    st.dates(date(2024, 1, 1), date(2026, 1, 1)),
    st.lists(st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2026, 6, 1))), max_size=4),
)
def test_nothing_that_was_given_is_ever_refused(enrolled: date, given_: list[date | None]) -> None:
    exposures = [infusion(one.isoformat() if one else None, index) for index, one in enumerate(given_, 1)]
    found = findings(TRIAL, child(enrolled.isoformat()), exposures)
    assert all(one.why_en and one.why_vi and one.aggregate.split("/")[0] in ("subject", "exposure") for one in found)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 60))
def test_months_of_dates_land_in_the_right_month(day: date, months: int) -> None:
    later = months_after(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and months_after(later, 0).day in (28, 29, 30))
