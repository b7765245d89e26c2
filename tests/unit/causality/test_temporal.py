"""Hours between exposure and onset: intervals, signs, anchors, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.causality.domain import temporal
from services.causality.domain.temporal import span
from shared.case import Moment
from tests.unit.causality.build import NOW, at, event, exposure


@pytest.mark.parametrize(
    ("onset", "exposed", "low", "high", "anchor"),
    [
        ("2026-03-09T23:12", "yes", "14.0", "14.0", "end"),
        ("2026-03-09T09:05", "yes", "0.1", "0.1", "start"),
        ("2026-03-09T09:00", "yes", "0.0", "0.0", "start"),
        ("2026-03-08T09:00", "no", "-24.0", "-24.0", "start"),
        ("2026-03-10", "yes", "14.8", "38.8", "end"),
        ("2026-03-09", "unknown", "-9.0", "15.0", "start"),
        ("2026-03", "unknown", "-201.0", "543.0", "start"),
        ("2026-02", "no", "-873.0", "-201.0", "start"),
    ],
)
def test_hours_since_an_infusion(onset: str, exposed: str, low: str, high: str, anchor: str) -> None:
    facts = temporal(event(onset=onset), exposure(), NOW)
    assert facts.hours is not None
    assert (facts.exposed, *facts.hours.texts, facts.anchor) == (exposed, low, high, anchor)


def test_zones_are_compared_as_instants() -> None:
    facts = temporal(
        event(onset=None).model_copy(update={"onset": Moment(value="2026-03-09T03:12", zone="UTC")}), exposure(), NOW
    )
    assert facts.hours is not None
    assert facts.hours.texts == ("1.0", "1.0")


def test_a_drug_going_on_counts_from_its_start() -> None:
    facts = temporal(
        event(onset="2026-03-09T09:00"), exposure(kind="piracetam", start="2026-03-01T09:00", end=None), NOW
    )
    assert (facts.exposed, facts.anchor) == ("yes", "start")
    later = temporal(
        event(onset="2026-03-09T09:00"),
        exposure(kind="piracetam", start="2026-03-01T09:00", end="2026-08-30T09:00"),
        NOW,
    )
    assert later.hours is not None
    assert later.hours.texts == ("192.0", "192.0")


def test_what_is_missing_is_named() -> None:
    assert temporal(event(onset=None), exposure(), NOW).missing == ("onset",)
    nothing = temporal(event(onset=None), exposure(start=None, end=None), NOW)
    assert (nothing.missing, nothing.exposed, nothing.hours) == (("onset", "start"), "unknown", None)
    ended = temporal(event(onset="2026-03-10"), exposure(start=None), NOW)
    assert (ended.exposed, ended.missing) == ("yes", ("start",))


def test_a_time_in_the_future_counts_as_missing() -> None:
    now = datetime(2026, 3, 9, 12, tzinfo=UTC)
    facts = temporal(event(onset="2062-03-10T05:00"), exposure(), now)
    assert (facts.missing, facts.exposed) == (("onset",), "unknown")


def test_contradictions_are_said() -> None:
    wrong = temporal(event(), exposure(end="2026-03-08T09:12"), NOW)
    assert wrong.contradiction is not None
    assert wrong.exposed == "unknown"
    backwards = temporal(event(end=at("2026-03-09T05:00")), exposure(), NOW)
    assert backwards.contradiction is not None


VALUES = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2029, 1, 1)).flatmap(
    lambda d: st.sampled_from([d.strftime(f) for f in ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M")])
)


@given(VALUES, VALUES, st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Paris"]))
def test_the_interval_holds_every_reading_and_the_answer_agrees_with_it(start: str, onset: str, zone: str) -> None:
    begun, began = Moment(value=start, zone=zone), Moment(value=onset, zone=zone)
    facts = temporal(
        event().model_copy(update={"onset": began}), exposure(end=None).model_copy(update={"start": begun}), NOW
    )
    assert facts.hours is not None
    assert facts.hours.low <= facts.hours.high
    for s in span(begun):
        for o in span(began):
            hours = (o - s) / timedelta(hours=1)
            assert float(facts.hours.low) - 1e-6 <= hours <= float(facts.hours.high) + 1e-6
    if facts.exposed == "yes":
        assert span(began)[0] >= span(begun)[1]
    if facts.exposed == "no":
        assert span(began)[1] < span(begun)[0]
