"""The bell: thresholds against the strict date, nothing dropped when a duty comes late."""

from __future__ import annotations

from datetime import timedelta

from services.sae_notifier.rules import THRESHOLDS, alarms, next_alarm_at
from tests.unit.sae_notifier.rules.cases import HOSPITALISED, UNANSWERED, duties, necbr, to, version

DUTY = necbr(duties(version()))


def test_thresholds_count_back_from_the_strict_date() -> None:
    relaxed = necbr(
        duties(
            version(serious=UNANSWERED), version(2, HOSPITALISED, news="2026-03-09T10:00", recorded="2026-03-09T11:00")
        )
    )
    assert relaxed.due_strict_at < relaxed.due_at
    at = {one.threshold: relaxed.due_strict_at - one.at for one in alarms(relaxed, relaxed.aware_at)}
    assert at == {
        "T-72h": timedelta(hours=72),
        "T-24h": timedelta(hours=24),
        "T-4h": timedelta(hours=4),
        "due": timedelta(),
        "overdue": timedelta(seconds=-1),
    }
    late = {one.threshold: one for one in alarms(relaxed, relaxed.due_strict_at + timedelta(hours=1))}
    assert late["overdue"].fires
    assert not late["overdue"].legally_overdue


def test_each_threshold_fires_at_its_second_and_not_before() -> None:
    for name, offset in THRESHOLDS:
        at = DUTY.due_strict_at + offset
        before = {one.threshold: one for one in alarms(DUTY, at - timedelta(seconds=1))}
        after = {one.threshold: one for one in alarms(DUTY, at)}
        assert not before[name].reached
        assert after[name].fires


def test_a_late_entry_gives_every_threshold_once_and_rings_once() -> None:
    found = alarms(DUTY, DUTY.due_strict_at - timedelta(hours=1))
    assert [one.threshold for one in found if one.fires] == ["T-4h"]
    assert [one.threshold for one in found if one.told_with == "T-4h"] == ["T-72h", "T-24h"]
    overdue = alarms(DUTY, DUTY.due_at + timedelta(days=400))
    assert [one.threshold for one in overdue if one.fires] == ["overdue"]
    assert all(one.reached for one in overdue)
    assert overdue[-1].legally_overdue


def test_a_24_hour_clock_rings_at_once() -> None:
    (duty,) = to("sponsor", duties(version()), "SP-INV")
    assert [one.threshold for one in alarms(duty, duty.aware_at) if one.reached] == ["T-72h", "T-24h"]


def test_the_next_look_is_the_next_threshold() -> None:
    assert next_alarm_at(DUTY, DUTY.aware_at) == DUTY.due_strict_at - timedelta(hours=72)
    assert next_alarm_at(DUTY, DUTY.due_strict_at) == DUTY.due_strict_at + timedelta(seconds=1)
    assert next_alarm_at(DUTY, DUTY.due_strict_at + timedelta(seconds=1)) is None
