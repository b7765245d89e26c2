"""The periods of a child come from what was actually given, and what is not known stays unknown."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.case import Moment
from shared.case.periods import add_months, infusions, period_at, periods
from tests.unit.trial.children import ZONE, child, infusion, moment


def at(enrolled: str | None, given_: list[str | None], when: str) -> dict[str, str]:
    found = periods(child(enrolled), [infusion(start, index) for index, start in enumerate(given_, 1)])
    return {name: answer for name, answer in period_at(found, moment(when)).items() if answer != "no"}


def test_a_child_without_an_infusion_is_in_the_control_period_only() -> None:
    assert [one.name for one in periods(child(), [])] == ["control"]
    assert at("2025-01-10", [], "2026-10-01T10:00") == {"control": "yes"}
    assert at("2025-01-10", [], "2025-01-09") == {}


def test_of_a_child_known_only_by_a_code_nothing_is_known() -> None:
    assert period_at(periods(child(None, provisional=True), []), moment("2026-01-01")) == {"control": "unknown"}
    assert period_at(periods(child(provisional=True), []), moment("2026-01-01")) == {"control": "unknown"}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2025-10-09T23:59", {"control": "yes"}),
        ("2025-10-10T09:59", {"control": "yes"}),
        ("2025-10-10T10:00", {"control": "unknown", "after_first": "unknown", "first_9_months": "unknown"}),
        ("2025-10-10T10:01", {"after_first": "yes", "first_9_months": "yes"}),
        ("2025-10-10", {"control": "unknown", "after_first": "unknown", "first_9_months": "unknown"}),
        ("2026-04-10T09:59", {"after_first": "yes", "first_9_months": "yes"}),
        ("2026-04-11", {"after_second": "yes", "first_9_months": "yes"}),
        ("2026-07-10T09:59", {"after_second": "yes", "first_9_months": "yes"}),
        ("2026-07-10T10:01", {"after_second": "yes", "follow_up": "yes"}),
        (
            "2026",
            {"after_first": "unknown", "after_second": "unknown", "first_9_months": "unknown", "follow_up": "unknown"},
        ),
    ],
)
def test_a_delayed_child_moves_through_all_periods(when: str, expected: dict[str, str]) -> None:
    assert at("2025-01-10", ["2025-10-10T10:00", "2026-04-10T10:00"], when) == expected


def test_nine_months_end_on_the_last_day_of_a_shorter_month() -> None:
    found = periods(child("2025-05-01"), [infusion("2025-05-31T08:00:00", 1)])
    nine = next(one for one in found if one.name == "first_9_months")
    assert nine.end is not None
    assert nine.end.earliest == datetime(2026, 2, 28, 1, 0, tzinfo=UTC)


def test_voided_infusions_never_happened() -> None:
    given_ = [infusion("2025-10-10T10:00", 1, voided=True)]
    assert infusions(given_) == ()
    assert [one.name for one in periods(child(), given_)] == ["control"]


def test_an_undated_infusion_was_given_before_it_was_recorded() -> None:
    recorded = datetime(2026, 3, 1, tzinfo=UTC)
    found = periods(child(), [infusion(None, 1, recorded=recorded)])
    assert period_at(found, moment("2025-06-01"))["after_first"] == "unknown"
    assert period_at(found, moment("2025-06-01"))["control"] == "unknown"
    assert period_at(found, moment("2026-03-02"))["after_first"] == "yes"


def test_a_time_in_the_future_counts_as_missing() -> None:
    recorded = datetime(2026, 3, 1, tzinfo=UTC)
    found = periods(child(), [infusion("2062-02-10T10:00", 1, recorded=recorded)])
    assert period_at(found, moment("2026-03-02"))["after_first"] == "yes"
    assert period_at(found, moment("2026-02-02"))["after_first"] == "unknown"


def test_an_infusion_whose_predecessor_was_never_recorded_brings_it_along() -> None:
    found = periods(child(), [infusion("2026-04-10T10:00", 2)])
    said = period_at(found, moment("2026-05-01"))
    assert said["after_second"] == "yes"
    assert said["after_first"] == "no"
    assert period_at(found, moment("2025-06-01"))["control"] == "unknown"


def test_the_order_of_recording_does_not_matter() -> None:
    one, two = infusion("2025-10-10T10:00", 1), infusion("2026-04-10T10:00", 2)
    assert periods(child(), [one, two]) == periods(child(), [two, one])


ZONES = st.sampled_from([ZONE, "Europe/Berlin", "America/New_York", "UTC"])
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(
    lambda at_: at_.replace(microsecond=0)
)


@given(INSTANTS, st.integers(0, 240), ZONES)
def test_months_keep_the_clock_and_cut_only_the_day(instant: datetime, months: int, zone: str) -> None:
    before = instant.astimezone(ZoneInfo(zone))
    after = add_months(instant, months, zone).astimezone(ZoneInfo(zone))
    wall = before.replace(day=1, tzinfo=None)
    assert (after.year * 12 + after.month) - (wall.year * 12 + wall.month) == months
    length = calendar.monthrange(after.year, after.month)[1]
    assert after.day == min(before.day, length)
    # A wall-clock time that a change of clocks leaves out moves by that hour; every other one is kept.
    assert abs(
        datetime.combine(after.date(), after.time()) - datetime.combine(after.date(), before.time())
    ) <= timedelta(hours=1)


@given(INSTANTS, INSTANTS, st.integers(0, 36), ZONES)
def test_months_keep_the_order(one: datetime, two: datetime, months: int, zone: str) -> None:
    low, high = sorted((one, two))
    if high - low > timedelta(hours=2):
        assert add_months(low, months, zone) <= add_months(high, months, zone)


VALUES = st.datetimes(datetime(2025, 1, 1), datetime(2026, 10, 31))
FORMS = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@given(VALUES, st.lists(VALUES, max_size=3), VALUES)
def test_with_full_times_every_moment_has_exactly_one_place(
    enrolled: datetime, given_: list[datetime], when: datetime
) -> None:
    form = "%Y-%m-%dT%H:%M:%S"
    exposures = [infusion(one.strftime(form)) for one in given_]
    found = periods(child(enrolled.strftime(form)), exposures)
    said = period_at(found, moment(when.strftime(form)))
    parts = [said.get(name) for name in ("control", "after_first", "after_second")]
    known = parts.count("yes")
    first = min(given_, default=None)
    if when >= enrolled and (first is None or first >= enrolled):
        assert known == 1
    assert known <= 1
    assert "unknown" not in said.values()
    if first is not None and when.replace(microsecond=0) >= first.replace(microsecond=0):
        assert [said["first_9_months"], said["follow_up"]].count("yes") == 1


@given(VALUES, st.lists(st.tuples(VALUES, FORMS), max_size=3), VALUES, FORMS)
def test_less_precise_times_turn_answers_into_unknown_and_never_into_the_opposite(
    enrolled: datetime, given_: list[tuple[datetime, str]], when: datetime, form: str
) -> None:
    full = "%Y-%m-%dT%H:%M:%S"
    subject = child(enrolled.strftime(full))
    sharp = period_at(
        periods(subject, [infusion(one.strftime(full)) for one, _ in given_]), moment(when.strftime(full))
    )
    blunt_exposures = [infusion(one.strftime(how)) for one, how in given_]
    blunt = period_at(periods(subject, blunt_exposures), moment(when.strftime(form)))
    assert blunt.keys() == sharp.keys()
    for name, answer in blunt.items():
        assert answer in (sharp[name], "unknown"), name


@given(VALUES, st.lists(st.tuples(VALUES, FORMS), max_size=4))
def test_every_edge_is_an_interval_that_does_not_turn_round(
    enrolled: datetime, given_: list[tuple[datetime, str]]
) -> None:
    exposures = [infusion(one.strftime(how), index) for index, (one, how) in enumerate(given_, 1)]
    for period in periods(child(enrolled.strftime("%Y-%m-%d")), exposures):
        for edge in (period.start, period.end):
            if edge is not None and edge.earliest is not None and edge.latest is not None:
                assert edge.earliest <= edge.latest


def test_a_moment_that_is_missing_is_unknown_everywhere() -> None:
    found = periods(child(), [infusion("2025-10-10T10:00", 1)])
    assert set(period_at(found, None).values()) == {"unknown"}
    assert isinstance(found[0].start.earliest, datetime)
    assert Moment(value="2025-01-10", zone=ZONE).earliest() == found[0].start.earliest
