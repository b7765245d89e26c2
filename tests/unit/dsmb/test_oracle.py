"""The closed tables against a second count of the same children: day by day, child by child, from the definitions alone.

It shares nothing with what it judges but the trial's calendar: no periods, no frames, no sums of differences.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dsmb.domain import Document
from services.dsmb.tables import closed_tables
from tests.unit.dsmb import build

CUT_DAY = date(2026, 9, 30)
CLOCKS = ("minute", "day")


@dataclass(frozen=True)
class Told:
    """An event: `at` is its day or its minute."""

    at: date | datetime
    grade: int | None
    serious: bool

    @property
    def day(self) -> date:
        return self.at.date() if isinstance(self.at, datetime) else self.at

    def last_moment(self, clock: str) -> datetime:
        if isinstance(self.at, datetime) and clock == "minute":
            return self.at
        return datetime.combine(self.day, datetime.max.time())

    def first_moment(self, clock: str) -> datetime:
        if isinstance(self.at, datetime) and clock == "minute":
            return self.at
        return datetime.combine(self.day, datetime.min.time())


@dataclass(frozen=True)
class Kid:
    code: str
    arm: str | None
    enrolled: date
    left: date | None
    infused: tuple[datetime, ...]
    events: tuple[Told, ...]

    @property
    def end(self) -> date:
        return min(self.left or CUT_DAY, CUT_DAY)


@dataclass
class Cell:
    children: set[str] = field(default_factory=set)
    harmed: set[str] = field(default_factory=set)
    events: int = 0
    days: int = 0
    at_risk: int = 0
    first: int = 0


def later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days_of(kid: Kid) -> Iterator[tuple[str, date]]:
    """(period, day) for every day under observation."""
    first = kid.infused[0].date() if kid.infused else date.max
    again = kid.infused[1].date() if len(kid.infused) > 1 else date.max
    nine = later(first, 9) if kid.infused else date.max
    day = min(kid.enrolled, first)
    while day <= kid.end:
        if day >= kid.enrolled:
            yield "whole", day
            if day < first:
                yield ("control" if kid.arm == "B" else "before_first"), day
            if (kid.arm == "B" and day < first) or (kid.arm == "A" and day < later(kid.enrolled, 9)):
                yield "randomised", day
        if day >= first:
            yield "exposed", day
            yield ("after_first" if day < again else "after_second"), day
            yield ("first_9_months" if day < nine else "follow_up"), day
        day += timedelta(days=1)


def periods_of(kid: Kid, told: Told, clock: str) -> Iterator[str]:
    """Those in which the event counts: before an infusion only when it lies before it whatever is unknown."""

    def before(edge: datetime) -> bool:
        if clock == "day":
            return told.day < edge.date()
        return told.last_moment(clock) < edge

    if told.day < kid.enrolled:
        return
    yield "whole"
    given = list(kid.infused)
    if not given or before(given[0]):
        yield "control" if kid.arm == "B" else "before_first"
        if kid.arm == "B" or (kid.arm == "A" and told.day < later(kid.enrolled, 9)):
            yield "randomised"
        return
    yield "exposed"
    if kid.arm == "A" and told.day < later(kid.enrolled, 9):
        yield "randomised"
    yield "after_second" if len(given) > 1 and not before(given[1]) else "after_first"
    nine = datetime.combine(later(given[0].date(), 9), given[0].time())
    # In the very minute in which nine months are over nobody knows which was first: the doubt is the product's.
    late = told.day >= nine.date() if clock == "day" else told.first_moment(clock) > nine
    yield "follow_up" if late else "first_9_months"


SPANS = (
    "whole",
    "randomised",
    "control",
    "before_first",
    "exposed",
    "after_first",
    "after_second",
    "first_9_months",
    "follow_up",
)


def counted(kids: list[Kid], clock: str, *, serious: bool) -> dict[tuple[str, str], Cell]:
    found: dict[tuple[str, str], Cell] = {}
    for kid in kids:
        for column in ({"A": "X", "B": "Y", None: "none"}[kid.arm], "all"):
            for span in SPANS:
                _count(found.setdefault((span, column), Cell()), kid, span, clock, serious=serious)
    return found


def _count(cell: Cell, kid: Kid, span: str, clock: str, *, serious: bool) -> None:
    watched = [day for name, day in days_of(kid) if name == span]
    here = [one for one in kid.events if span in periods_of(kid, one, clock)]
    if watched or here or span == "whole":
        cell.children.add(kid.code)
    cell.days += len(watched)
    hits = [one for one in here if one.serious or not serious]
    cell.events += len(hits)
    if hits:
        cell.harmed.add(kid.code)
    ends = min((one.day for one in hits if one.day <= kid.end), default=None)
    if watched and ends is not None:
        cell.first += 1
        # A day of the period is at risk until the first event; the day of that event is the last.
        cell.at_risk += max(1, sum(day <= ends for day in watched))
    else:
        cell.at_risk += len(watched)


# Children -------------------------------------------------------------------------------------------------------------

_START = date(2025, 3, 1)
_DAY = st.integers(0, 560).map(lambda more: _START + timedelta(days=more))


@st.composite
def kids(draw: st.DrawFn) -> list[Kid]:
    """Up to six children; events lie on and around the days that matter, with and without an hour."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        enrolled = draw(_DAY)
        first = enrolled + timedelta(days=draw(st.integers(0, 330)))
        second = first + timedelta(days=draw(st.integers(1, 250)))
        hours = st.sampled_from([(0, 0), (9, 0), (23, 59)])
        infused = [
            datetime.combine(day, datetime.min.time()).replace(hour=h, minute=m)
            for day, (h, m) in ((first, draw(hours)), (second, draw(hours)))
            if day <= CUT_DAY - timedelta(days=1)
        ][: draw(st.integers(0, 2))]
        left = draw(st.none() | st.integers(0, 500).map(lambda more, e=enrolled: e + timedelta(days=more)))
        edges = [enrolled, *(one.date() for one in infused), *(later(one.date(), 9) for one in infused[:1])]
        edges += [later(enrolled, 9), left or enrolled]
        events = []
        for _ in range(draw(st.integers(0, 4))):
            day = draw(st.sampled_from(edges)) + timedelta(days=draw(st.integers(-2, 2) | st.integers(-60, 200)))
            day = min(day, CUT_DAY - timedelta(days=1))
            hour = draw(st.sampled_from([None, (0, 0), (8, 59), (9, 0), (9, 1), (23, 59)]))
            at = day if hour is None else datetime(day.year, day.month, day.day, *hour)
            events.append(Told(at, draw(st.sampled_from([None, 1, 3, 4])), draw(st.booleans())))
        made.append(
            Kid(
                f"VN01-{number:03d}",
                draw(st.sampled_from(["A", "B", None])),
                enrolled,
                left,
                tuple(infused),
                tuple(events),
            )
        )
    return made


def documents(told: list[Kid]) -> list[Document]:
    made: list[Document] = []
    for kid in told:
        left = kid.left.isoformat() if kid.left and kid.left <= CUT_DAY else None
        made.append(build.subject(kid.code, kid.enrolled.isoformat(), left))
        made += [build.allocation(kid.code, kid.arm)] if kid.arm else []
        for order, at in enumerate(kid.infused, start=1):
            made.append(build.infusion(kid.code, at.isoformat(timespec="minutes"), order))
        for order, one in enumerate(kid.events):
            at = one.at.isoformat(timespec="minutes") if isinstance(one.at, datetime) else one.at.isoformat()
            grades = [(one.grade, None)] if one.grade else []
            made.append(
                build.case(kid.code, build.event(f"{kid.code}-{order}", "FEVER", at, grades, serious=one.serious))
            )
    return made


@pytest.mark.parametrize("clock", CLOCKS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=kids())
def test_the_tables_say_what_counting_by_hand_says(clock: str, told: list[Kid]) -> None:
    plan = build.plan(onset_clock=clock, control_time="arms_with_control")
    tables = closed_tables(build.cut(documents(told), plan), plan, [])
    for serious in (False, True):
        kind, wanted = "serious" if serious else "any", counted(told, clock, serious=serious)
        for span in SPANS:
            events = build.table(tables, f"events/{span}")[kind]
            rates = build.table(tables, f"rates/{span}")[kind]
            for column, cell in events.items():
                by_hand = wanted.get((span, column), Cell())
                said = (cell["of"], cell["n"], cell["events"], rates[column]["n"], rates[column]["days"])
                assert said == (
                    len(by_hand.children),
                    len(by_hand.harmed),
                    by_hand.events,
                    by_hand.first,
                    by_hand.at_risk,
                ), (span, column, kind)
