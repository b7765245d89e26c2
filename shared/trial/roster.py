"""The on-call roster: who is called for a serious event at a given instant, in which order, and after how long.

Hours are local wall-clock hours of the roster's zone, so a day with 23 or 25 hours has no hole and no doubt.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from shared.trial.base import Bilingual, Identifier, Spec, Zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Reason = Literal["on_duty", "stand_in", "last_resort"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PersonChannel(Spec):
    """`address` is an e-mail, or the https address of a webhook behind which an SMS or voice gateway may stand."""

    kind: Literal["mail", "webhook"]
    address: str

    @model_validator(mode="after")
    def _address_fits(self) -> PersonChannel:
        if self.kind == "mail" and (self.address.count("@") != 1 or " " in self.address):
            raise ValueError(f"a mail channel needs an e-mail address, not {self.address[:60]!r}")
        if self.kind == "webhook" and not self.address.startswith("https://"):
            raise ValueError(f"a webhook channel needs an https:// address, not {self.address[:60]!r}")
        return self


class Person(Spec):
    """A person on the roster, by role and user id, never by name."""

    id: Identifier
    user_id: Identifier
    title: Bilingual
    channels: tuple[PersonChannel, ...] = Field(min_length=1)


class Duty(Spec):
    """`person` is on duty from `starts` on each of `days` until `ends` (the next day when not later; equal = 24 hours)."""

    person: Identifier
    days: tuple[Weekday, ...] = Field(min_length=1)
    starts: time
    ends: time
    stand_ins: tuple[Identifier, ...]

    def covers(self, local: datetime) -> bool:
        """Whether this local wall-clock time falls into these hours."""
        now = local.time().replace(tzinfo=None)
        today = WEEKDAYS[local.weekday()] in self.days
        if self.starts < self.ends:
            return today and self.starts <= now < self.ends
        yesterday = WEEKDAYS[(local.weekday() - 1) % 7] in self.days
        return (today and now >= self.starts) or (yesterday and now < self.ends)


class Away(Spec):
    """Leave: from the start of `from_on` to the end of `to_on` the person is only the last resort."""

    person: Identifier
    from_on: date
    to_on: date

    @model_validator(mode="after")
    def _in_order(self) -> Away:
        if self.to_on < self.from_on:
            raise ValueError(f"{self.person}: to_on lies before from_on")
        return self


class Escalation(Spec):
    """Seconds: to the next person when nobody confirmed; and round again from the first one after the last."""

    next_person_after_s: int = Field(ge=10)
    new_round_after_s: int = Field(ge=10)


class OnCall(Spec):
    """One call to make: whom, why this person, and how long after the alert if nobody has confirmed by then."""

    person: Person
    reason: Reason
    call_after_s: int


class Roster(Spec):
    zone: Zone
    persons: tuple[Person, ...] = Field(min_length=1)
    duties: tuple[Duty, ...]
    away: tuple[Away, ...] = ()
    escalation: Escalation

    def on_call(self, at: datetime) -> tuple[OnCall, ...]:
        """Everyone to call at this (aware) instant, in order: on duty, stand-ins, then everyone else. Never empty."""
        if at.tzinfo is None:
            raise ValueError("on_call needs an aware datetime")
        local = at.astimezone(ZoneInfo(self.zone))
        duties = [duty for duty in self.duties if duty.covers(local)]
        away = {one.person for one in self.away if one.from_on <= local.date() <= one.to_on}
        reasons: dict[str, Reason] = {}
        for duty in duties:
            if duty.person not in away:
                reasons.setdefault(duty.person, "on_duty")
        for duty in duties:
            for stand_in in duty.stand_ins:
                if stand_in not in away:
                    reasons.setdefault(stand_in, "stand_in")
        # People on leave come last, but they come: an unheard alarm is worse than a disturbed holiday.
        for person in sorted(self.persons, key=lambda one: one.id in away):
            reasons.setdefault(person.id, "last_resort")
        by_id = {person.id: person for person in self.persons}
        step = self.escalation.next_person_after_s
        known: list[tuple[Person, Reason]] = [
            (by_id[name], reason) for name, reason in reasons.items() if name in by_id
        ]
        return tuple(
            OnCall(person=person, reason=reason, call_after_s=index * step)
            for index, (person, reason) in enumerate(known)
        )

    def gaps(self) -> tuple[str, ...]:
        """The stretches of a week without anyone on duty, as `sun 19:00-mon 07:00` (there the last resort is called)."""
        monday = datetime(2024, 1, 1)  # noqa: DTZ001  any Monday; only the wall clock of a week is looked at
        free = [
            minute
            for minute in range(7 * 24 * 60)
            if not any(duty.covers(monday + timedelta(minutes=minute)) for duty in self.duties)
        ]
        stretches: list[list[int]] = []
        for minute in free:
            if stretches and stretches[-1][1] == minute:
                stretches[-1][1] = minute + 1
            else:
                stretches.append([minute, minute + 1])
        return tuple(f"{_clock(start)}-{_clock(end)}" for start, end in stretches)


def _clock(minute: int) -> str:
    day, rest = divmod(minute, 24 * 60)
    return f"{WEEKDAYS[day % 7]} {rest // 60:02d}:{rest % 60:02d}"
