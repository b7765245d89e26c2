"""A child's course as a picture: periods as bands, treatments as bars, procedures and events as marks, doubt as hatching.

Positions are percentages, so that the picture fits a phone and a screen with the same letters. Pure: it takes `now`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.case import AdverseEvent, Exposure, Moment
from shared.case.periods import Edge, Period

Style = Literal["period", "infusion", "procedure", "drug", "event", "grade"]
LEFT, RIGHT = 3.0, 97.0
LANE = 44
"""Height of one lane in pixels: its words above, its marks below."""
TOP = 22
PROCEDURES = frozenset({"lumbar_puncture", "bone_marrow_harvest", "sedation", "anaesthetic_agent", "botulinum_toxin"})


@dataclass(frozen=True)
class Span:
    """A bar from `x` over `width` (percent); `doubt`: somewhere in here, hatched; `planned`: after now, hollow."""

    x: float
    width: float
    style: Style
    doubt: bool = False
    goes_on: bool = False
    planned: bool = False


@dataclass(frozen=True)
class Mark:
    x: float
    style: Style
    text: str = ""
    planned: bool = False


@dataclass
class Lane:
    label: str
    y: int
    spans: list[Span] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Picture:
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    height: int
    now_x: float | None


@dataclass(frozen=True)
class Thing:
    """One thing that happened: in lane `lane`, beginning and ending somewhere in these edges; `end` None = not known."""

    lane: str
    style: Style
    begin: Edge
    end: Edge | None = None
    ongoing: bool = False
    momentary: bool = False
    points: tuple[tuple[Edge, str], ...] = ()


def of_exposure(exposure: Exposure, lane: str) -> Thing:
    """An undated one lies anywhere before it was recorded."""
    style: Style = (
        "infusion" if exposure.kind == "bm_mnc_infusion" else "procedure" if exposure.kind in PROCEDURES else "drug"
    )
    begin = Edge.of(exposure.start) if exposure.start else Edge(None, exposure.recorded_at)
    momentary = style != "drug"
    end = Edge.of(exposure.end) if exposure.end else None
    return Thing(lane, style, begin, end, exposure.ongoing is True, momentary)


def of_event(event: AdverseEvent, lane: str) -> Thing:
    """Grades are points where somebody said since when; the worst stands at the onset otherwise."""
    begin = Edge.of(event.onset)
    points = tuple((Edge.of(one.since), str(one.grade)) for one in event.grades if one.since is not None)
    undated = [one.grade for one in event.grades if one.since is None]
    if undated:
        points = ((begin, str(max(undated))), *points)
    end = Edge.of(event.end) if event.end else None
    return Thing(lane, "event", begin, end, event.ongoing is True, False, points or ((begin, ""),))


def of_period(period: Period, lane: str) -> Thing:
    return Thing(lane, "period", period.start, period.end, ongoing=period.end is None)


def whole_course(things: Iterable[Thing], now: datetime) -> tuple[datetime, datetime] | None:
    """From the first known time to now (or the last known time), with a little room."""
    known = [at for one in things for edge in (one.begin, one.end) if edge for at in (edge.earliest, edge.latest) if at]
    known = [at for at in known if at <= now + timedelta(days=400)]
    if not known:
        return None
    first, last = min(known), max([*(at for at in known if at <= now), min(now, max(known) + timedelta(days=30))])
    room = max((last - first) * 0.03, timedelta(hours=6))
    return first - room, last + room


def around(onsets: Sequence[Moment], now: datetime) -> tuple[datetime, datetime] | None:
    """Two days before the first onset to four days after the last one, not far past now."""
    if not onsets:
        return None
    first, last = min(one.earliest() for one in onsets), max(one.latest() for one in onsets)
    if last - first > timedelta(days=60):
        return None
    end = min(last + timedelta(days=4), max(now, last) + timedelta(hours=12))
    return first - timedelta(days=2), end


def draw(things: Sequence[Thing], window: tuple[datetime, datetime], now: datetime, zone: str) -> Picture:
    """Only what lies in the window gets a lane. After `now` nothing is drawn but what is planned, and that apart."""
    scale = _Scale(*window, now)
    lanes: dict[str, Lane] = {}
    for thing in things:
        spans, marks = _spans(thing, scale), _marks(thing, scale)
        if not spans and not marks:
            continue
        lane = lanes.setdefault(thing.lane, Lane(thing.lane, TOP + LANE * len(lanes)))
        lane.spans += spans
        lane.marks += marks
    now_x = scale.x(now) if window[0] <= now <= window[1] else None
    return Picture(tuple(lanes.values()), _ticks(scale, zone), TOP + LANE * len(lanes) + 22, now_x)


@dataclass(frozen=True)
class _Scale:
    start: datetime
    end: datetime
    now: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def x(self, at: datetime) -> float:
        part = (at - self.start) / (self.end - self.start)
        return round(LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, part)), 2)

    def span(self, start: datetime, end: datetime, style: Style, *, doubt: bool, goes_on: bool = False) -> list[Span]:
        """Cut to the window and to now; nothing when it lies outside."""
        end = min(end, self.now)
        if end < self.start or start > self.end or end < start:
            return []
        return [Span(*self._place(start, end), style, doubt, goes_on)]

    def planned(self, start: datetime, end: datetime, style: Style) -> list[Span]:
        """The part of it that is still to come."""
        start = max(start, self.now)
        if start >= self.end or end <= start:
            return []
        return [Span(*self._place(start, end), style, planned=True)]

    def _place(self, start: datetime, end: datetime) -> tuple[float, float]:
        """Wide enough to be seen, and never past its end."""
        x, until = self.x(start), self.x(end)
        width = round(max(until - x, 0.5), 2)
        return round(until - width, 2), width

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end


def _spans(thing: Thing, scale: _Scale) -> list[Span]:
    begin, end, style, now = thing.begin, thing.end, thing.style, scale.now
    if begin.latest is None:
        until = end.earliest if end else None
        return scale.span(scale.start, until, style, doubt=True) if style == "period" and until else []
    earliest = begin.earliest or scale.start
    if earliest > now:  # nothing of it has happened
        return [] if thing.momentary else scale.planned(earliest, (end and end.latest) or scale.end, style)
    found: list[Span] = []
    if begin.latest - earliest > timedelta(minutes=90):  # told to the day or coarser: it began somewhere in here
        found += scale.span(earliest, begin.latest, style, doubt=True)
    if thing.momentary:
        long = end is not None and end.earliest is not None and end.earliest - begin.latest > scale.length / 40
        if long and end and end.earliest:  # shorter ones hide behind their mark
            found += scale.span(begin.latest, end.earliest, style, doubt=False)
        return found
    if thing.ongoing:
        found += scale.span(begin.latest, max(now, begin.latest), style, doubt=False, goes_on=True)
    elif end is None or end.latest is None:
        found += scale.span(begin.latest, max(now, begin.latest), style, doubt=True, goes_on=True)
    else:
        surely = end.earliest or begin.latest
        found += scale.span(begin.latest, surely, style, doubt=False)
        if end.latest - surely > timedelta(minutes=90):
            found += scale.span(max(surely, begin.latest), end.latest, style, doubt=True)
        if style == "period":
            found += scale.planned(begin.latest, end.latest, style)
    return found


def _marks(thing: Thing, scale: _Scale) -> list[Mark]:
    if thing.style == "event":
        return [
            Mark(scale.x(edge.earliest), "event", text)
            for edge, text in thing.points
            if edge.earliest and scale.holds(edge.earliest)
        ]
    if thing.momentary and thing.begin.earliest and thing.begin.latest:
        earliest, latest = thing.begin.earliest, thing.begin.latest
        planned = earliest > scale.now
        middle = earliest + ((latest if planned else min(latest, scale.now)) - earliest) / 2
        return [Mark(scale.x(middle), thing.style, planned=planned)] if scale.holds(middle) else []
    return []


_STEPS = tuple(timedelta(hours=hours) for hours in (6, 12, 24, 48, 96, 168, 336))
_MONTHS = (1, 2, 3, 6, 12, 24, 60)


def _ticks(scale: _Scale, zone: str, most: int = 5) -> tuple[Tick, ...]:
    """At most five: hours or days where the window is short, first days of months where it is long."""
    length = scale.length
    local = scale.start.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    step = next((one for one in _STEPS if length / one <= most), None)
    if step is not None:
        layout = "%H:%M %d/%m" if step < timedelta(days=1) else "%d/%m"
        days = [local + step * number for number in range(int(length / step) + 8)]
    else:
        layout = "%m/%Y"
        every = next((one for one in _MONTHS if length.days / (30 * one) <= most), _MONTHS[-1])
        days = [_month(local, every * number) for number in range(most + 3)]
    found = [(day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), day.strftime(layout)) for day in days]
    return tuple(Tick(scale.x(at), label) for at, label in found if scale.start <= at <= scale.end)


def _month(day: datetime, later: int) -> datetime:
    year, month = divmod(day.year * 12 + day.month - 1 + later, 12)
    return day.replace(year=year, month=month + 1, day=1)
