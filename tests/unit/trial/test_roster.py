"""Someone is called at every instant, in the right order, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.trial import Roster, Trial, load
from shared.trial.base import Bilingual
from shared.trial.roster import WEEKDAYS, Away, Duty, Escalation, Person, PersonChannel

FILE = Path(__file__).parents[3] / "deploy" / "trials" / "vinmec-cp-bmmnc.yaml"
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
TRIAL: Trial = load(FILE.read_text(encoding="utf-8"), FILE.name)
YEAR = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31, 23, 59), timezones=st.just(UTC))


def person(name: str) -> Person:
    mail = PersonChannel(kind="mail", address=f"{name}@example.org")
    return Person(id=name, user_id=name, title=Bilingual(en=name, vi=name), channels=(mail,))


def roster(*duties: Duty, zone: str = "Asia/Ho_Chi_Minh", away: tuple[Away, ...] = ()) -> Roster:
    steps = Escalation(next_person_after_s=300, new_round_after_s=900)
    people = (person("a"), person("b"), person("c"))
    return Roster(zone=zone, persons=people, duties=duties, away=away, escalation=steps)


def names(found: Roster, at: datetime) -> list[tuple[str, str]]:
    return [(one.person.id, one.reason) for one in found.on_call(at)]


@given(YEAR)
def test_at_every_instant_of_a_year_everyone_is_reached_and_someone_is_on_duty(at: datetime) -> None:
    calls = TRIAL.on_call(at)
    assert calls[0].reason == "on_duty"
    assert {one.person.id for one in calls} == {one.id for one in TRIAL.roster.persons}
    assert len({one.person.id for one in calls}) == len(calls)
    assert [one.call_after_s for one in calls] == [300 * index for index in range(len(calls))]
    ranks = ["on_duty", "stand_in", "last_resort"]
    assert [ranks.index(one.reason) for one in calls] == sorted(ranks.index(one.reason) for one in calls)


@given(
    YEAR,
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7),
            st.times(),
            st.times(),
            st.lists(st.sampled_from("abc"), max_size=2),
        ),
        max_size=4,
    ),
    st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.lists(st.sampled_from("abc"), max_size=3),
)
def test_no_roster_leaves_an_alarm_unheard(at: datetime, rows: list, zone: str, on_leave: list[str]) -> None:
    duties = [Duty(person=p, days=tuple(d), starts=s, ends=e, stand_ins=tuple(i)) for p, d, s, e, i in rows]
    away = tuple(Away(person=name, from_on=date(2026, 1, 1), to_on=date(2026, 12, 31)) for name in on_leave)
    calls = roster(*duties, zone=zone, away=away).on_call(at)
    assert sorted(one.person.id for one in calls) == ["a", "b", "c"]


def test_the_shipped_week_has_no_hole() -> None:
    assert TRIAL.roster.gaps() == ()


@pytest.mark.parametrize(
    ("local", "first"),
    [
        ("2026-11-16T06:59:59", "safety-1"),  # Monday before seven still belongs to Sunday's 24 hours
        ("2026-11-16T07:00:00", "safety-1"),
        ("2026-11-16T18:59:59", "safety-1"),
        ("2026-11-16T19:00:00", "safety-2"),
        ("2026-11-17T02:00:00", "safety-2"),  # the night that began on Monday
        ("2026-11-17T07:00:00", "safety-1"),
        ("2026-11-21T06:59:59", "safety-2"),  # Saturday before seven belongs to Friday's night
        ("2026-11-21T23:59:59", "safety-2"),
        ("2026-11-22T07:00:00", "safety-1"),
    ],
)
def test_hours_cross_midnight_and_end_on_the_minute(local: str, first: str) -> None:
    assert TRIAL.on_call(datetime.fromisoformat(local).replace(tzinfo=HANOI))[0].person.id == first


def test_the_order_is_duty_then_stand_ins_then_everyone_else() -> None:
    night = Duty(person="b", days=("mon",), starts=time(19), ends=time(7), stand_ins=("c",))
    at = datetime(2026, 11, 17, 2, 0, tzinfo=HANOI)
    assert names(roster(night), at) == [("b", "on_duty"), ("c", "stand_in"), ("a", "last_resort")]
    assert names(roster(night), at + timedelta(hours=5)) == [
        ("a", "last_resort"),
        ("b", "last_resort"),
        ("c", "last_resort"),
    ]


def test_leave_moves_a_person_to_the_end_on_local_days() -> None:
    duty = Duty(person="a", days=WEEKDAYS, starts=time(0), ends=time(0), stand_ins=("b",))
    away = Away(person="a", from_on=date(2026, 11, 17), to_on=date(2026, 11, 17))
    found = roster(duty, away=(away,))
    day = datetime(2026, 11, 17, tzinfo=HANOI)
    assert names(found, day - timedelta(seconds=1))[0] == ("a", "on_duty")
    assert names(found, day) == [("b", "stand_in"), ("c", "last_resort"), ("a", "last_resort")]
    assert names(found, day + timedelta(days=1))[0] == ("a", "on_duty")


def test_the_hour_that_is_lived_twice_and_the_one_that_is_skipped() -> None:
    night = Duty(person="b", days=WEEKDAYS, starts=time(2), ends=time(3), stand_ins=())
    rest = Duty(person="a", days=WEEKDAYS, starts=time(3), ends=time(2), stand_ins=())
    berlin = roster(night, rest, zone="Europe/Berlin")
    twice = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    assert [names(berlin, at)[0] for at in twice] == [("b", "on_duty")] * 2
    skipped = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    assert names(berlin, skipped)[0] == names(berlin, skipped + timedelta(seconds=1))[0] == ("a", "on_duty")


def test_holes_are_told_by_weekday_and_hour() -> None:
    office = Duty(
        person="a", days=("mon", "tue", "wed", "thu", "fri", "sat"), starts=time(7), ends=time(7), stand_ins=()
    )
    assert roster(office).gaps() == ("mon 00:00-mon 07:00", "sun 07:00-mon 00:00")
    assert roster().gaps() == ("mon 00:00-mon 00:00",)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        TRIAL.on_call(datetime(2026, 1, 1))
