"""Working days in two readings, and the last second of a period in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sae_notifier.rules import Deadline, legal_due, strict_due
from services.sae_notifier.rules.deadline import end_of
from services.sae_notifier.rules.rule import Unit
from tests.unit.sae_notifier.rules.cases import CALENDARS, HANOI

VN = CALENDARS["VN"]


@pytest.mark.parametrize(
    ("day", "legal", "strict"),
    [
        ("2026-01-01", False, False),
        ("2026-01-02", False, True),  # swapped off
        ("2026-01-10", True, True),  # a Saturday worked for it
        ("2026-01-17", False, False),  # an ordinary Saturday
        ("2026-02-16", False, False),
        ("2026-02-20", False, False),
        ("2026-04-27", False, False),  # Hung Kings on a Sunday, Monday in lieu
        ("2026-08-22", True, True),
        ("2026-08-31", False, True),
        ("2026-09-01", False, False),
        ("2026-11-24", True, True),  # doubt D9
        ("2026-12-25", True, True),
        ("2027-01-01", False, False),
        ("2027-02-04", False, True),  # how Tet 2027 is cut is not announced
        ("2027-02-05", False, False),
        ("2027-02-10", False, True),
        ("2027-09-02", False, False),
        ("2027-09-03", False, True),  # which day adjoins National Day is not announced
    ],
)
def test_a_day(day: str, legal: bool, strict: bool) -> None:
    on = date.fromisoformat(day)
    assert (VN.is_working(on, "legal"), VN.is_working(on, "strict")) == (legal, strict)


def test_a_setting_settles_the_legal_reading_and_shows_in_the_hash() -> None:
    off = VN.with_settings({"vn_culture_day": "off"})
    day = date(2026, 11, 24)
    assert (off.is_working(day, "legal"), off.is_working(day, "strict")) == (False, True)
    assert off.sha256 != VN.sha256
    assert VN.with_settings({"vn_culture_day": "nonsense", "other": "x"}).sha256 == VN.sha256


def test_the_day_in_lieu_of_a_doubtful_holiday_is_as_doubtful() -> None:
    """24 November 2029 is a Saturday: the Monday is off only if the holiday is one."""
    monday = date(2029, 11, 26)
    assert (VN.is_working(monday, "legal"), VN.is_working(monday, "strict")) == (True, True)
    off = VN.with_settings({"vn_culture_day": "off"})
    assert (off.is_working(monday, "legal"), off.is_working(monday, "strict")) == (False, True)


@settings(deadline=None)
@given(st.dates(date(2024, 1, 1), date(2040, 12, 31)))
def test_a_day_that_is_legally_worked_is_strictly_worked(day: date) -> None:
    assert not VN.is_working(day, "legal") or VN.is_working(day, "strict")


@settings(deadline=None)
@given(st.dates(date(2025, 1, 1), date(2035, 12, 31)), st.integers(1, 30))
def test_working_days_are_counted_one_by_one(day_0: date, number: int) -> None:
    last = VN.add_working_days(day_0, number, "legal")
    counted = [day_0 + timedelta(days=n) for n in range(1, (last - day_0).days + 1)]
    assert sum(VN.is_working(day, "legal") for day in counted) == number
    assert VN.is_working(last, "legal")
    assert VN.add_working_days(day_0, number, "strict") <= last


ZONES = st.sampled_from(
    [HANOI, "UTC", "Europe/London", "America/New_York", "Pacific/Auckland", "America/Havana", "Australia/Lord_Howe"]
)


@settings(deadline=None)
@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 30),
    st.sampled_from(["calendar_days", "working_days", "hours", "at_once"]),
    ZONES,
    ZONES,
)
def test_the_strict_due_is_never_later(aware: datetime, number: int, unit: Unit, desk: str, authority: str) -> None:
    deadline = Deadline(number, unit)
    legal = legal_due(aware, deadline, desk, authority, VN)
    strict = strict_due(aware, deadline, {desk, authority, HANOI}, authority, VN)
    assert aware <= strict.due_at <= legal.due_at
    assert legal.due_at.astimezone(ZoneInfo(authority)).date() == legal.due_on


@settings(deadline=None)
@given(st.dates(date(2000, 1, 1), date(2035, 1, 1)), ZONES)
def test_the_last_second_of_a_day_is_in_that_day(day: date, zone: str) -> None:
    local = end_of(day, zone).astimezone(ZoneInfo(zone))
    assert (local.date(), local.hour, local.minute, local.second) == (day, 23, 59, 59)


@pytest.mark.parametrize(
    ("aware", "zone", "due_local"),
    [
        ("2026-03-07T20:00:00-05:00", "America/New_York", "2026-03-08T21:00:00-04:00"),
        ("2026-10-31T20:00:00-04:00", "America/New_York", "2026-11-01T19:00:00-05:00"),
    ],
)
def test_hours_are_elapsed_time_when_clocks_change(aware: str, zone: str, due_local: str) -> None:
    due = legal_due(datetime.fromisoformat(aware), Deadline(24, "hours"), zone, zone, None)
    assert due.due_at == datetime.fromisoformat(due_local)
    assert due.day_0 is None


def test_a_naive_awareness_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        legal_due(datetime(2026, 1, 1), Deadline(7, "calendar_days"), "UTC", "UTC", None)
