"""The named periods of one child, from the infusions that actually took place; the arm is not known here.

`control` runs from enrolment to the first infusion, `after_first` from the first to the second, `after_second` from the second
on, `first_9_months` for nine months of the calendar from the first, `follow_up` after those. A period that is not over has no
end. Leaving the trial ends none of them: harm may show later, and whoever counts person-time cuts it at `left`.

Every edge is an interval, because a time may be partial, missing or typed in the future (then it counts as missing, and all
that is known is that it happened before it was recorded).
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from shared.case.base import Answer
from shared.case.exposure import Exposure
from shared.case.moment import Moment
from shared.case.subject import Subject

PeriodName = Literal["control", "after_first", "after_second", "first_9_months", "follow_up"]
INFUSION = "bm_mnc_infusion"
WINDOW_MONTHS = 9
_NEVER = datetime.min.replace(tzinfo=UTC)
"""Stands for "no earliest reading" while edges are sorted; never leaves this module."""


@dataclass(frozen=True)
class Edge:
    """When something began or ended: between these two instants, both included (aware UTC); None = unbounded on that side."""

    earliest: datetime | None
    latest: datetime | None

    @classmethod
    def of(cls, moment: Moment | None) -> Edge:
        return cls(moment.earliest(), moment.latest()) if moment is not None else UNKNOWN


UNKNOWN = Edge(None, None)


@dataclass(frozen=True)
class Period:
    """From `start` (included) to `end` (not included); `end` None = not over."""

    name: PeriodName
    start: Edge
    end: Edge | None

    def holds(self, moment: Moment | None) -> Answer:
        """Whether this moment lies in the period; unknown where a partial time allows both."""
        if moment is None:
            return "unknown"
        first, last = moment.earliest(), moment.latest()
        before = self.start.earliest is not None and last < self.start.earliest
        after = self.end is not None and self.end.latest is not None and first >= self.end.latest
        if before or after:
            return "no"
        begun = self.start.latest is not None and first >= self.start.latest
        not_over = self.end is None or (self.end.earliest is not None and last < self.end.earliest)
        return "yes" if begun and not_over else "unknown"


def infusions(exposures: Sequence[Exposure]) -> tuple[Exposure, ...]:
    """The infusions that count: not voided, in order of their earliest reading, undated ones first."""
    counted = [one for one in exposures if one.kind == INFUSION and not one.voided]
    return tuple(sorted(counted, key=lambda one: (_given(one).earliest or _NEVER, one.infusion_number or 0)))


def periods(subject: Subject, exposures: Sequence[Exposure]) -> tuple[Period, ...]:
    """The periods this child has entered, in order. A child without an infusion is in `control` and nothing else."""
    given = infusions(exposures)
    enrolled = Edge.of(subject.enrolled)
    edges = _edges(given)
    if not edges:
        # Of a child we know only by a code, not even the absence of an infusion is known.
        return (Period("control", enrolled, UNKNOWN if subject.provisional else None),)
    first = edges[0]
    second = edges[1] if len(edges) > 1 else None
    nine = _months_after(first, WINDOW_MONTHS, _zone(given))
    found = [Period("control", enrolled, first), Period("after_first", first, second)]
    if second is not None:
        found.append(Period("after_second", second, None))
    return (*found, Period("first_9_months", first, nine), Period("follow_up", nine, None))


def period_at(found: Sequence[Period], moment: Moment | None) -> dict[PeriodName, Answer]:
    """For every period the child has entered, whether the moment lies in it."""
    return {period.name: period.holds(moment) for period in found}


def add_months(instant: datetime, months: int, zone: str) -> datetime:
    """The same wall-clock time `months` later in `zone`, the day cut to the length of the month (31 January + 1 = 28 February)."""
    local = instant.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def _given(exposure: Exposure) -> Edge:
    """When it was given. Undated, or dated after it was recorded: some time before its end, else before it was recorded."""
    start, end = exposure.start, exposure.end
    if start is not None and not start.is_future(exposure.recorded_at):
        return Edge(start.earliest(), max(start.earliest(), min(start.latest(), exposure.recorded_at)))
    if end is not None and not end.is_future(exposure.recorded_at):
        return Edge(None, min(end.latest(), exposure.recorded_at))
    return Edge(None, exposure.recorded_at)


def _edges(given: Sequence[Exposure]) -> list[Edge]:
    """When the first, second, ... infusion took place: the k-th earliest and the k-th latest bound it, whatever the order.

    An infusion whose number says that earlier ones were never recorded brings those with it, undated: missing is not absent.
    """
    edges = [_given(one) for one in given]
    numbers = {one.infusion_number for one in given}
    known = max((number for number in numbers if number is not None), default=0)
    while len(edges) < known:
        holder = next(one for one in given if one.infusion_number == known)
        edges.append(Edge(None, _given(holder).latest))
    earliest = sorted((edge.earliest or _NEVER) for edge in edges)
    latest = sorted(edge.latest for edge in edges if edge.latest is not None)
    return [Edge(None if low == _NEVER else low, high) for low, high in zip(earliest, latest, strict=True)]


def _zone(given: Sequence[Exposure]) -> str:
    """The zone in which months are counted: that of the first dated infusion."""
    return next((one.start.zone for one in given if one.start is not None), "UTC")


def _months_after(edge: Edge, months: int, zone: str) -> Edge:
    earliest = add_months(edge.earliest, months, zone) if edge.earliest is not None else None
    latest = add_months(edge.latest, months, zone) if edge.latest is not None else None
    # Two readings a second apart may fall on one clamped day; the interval never turns round.
    return Edge(earliest, max(latest, earliest) if latest is not None and earliest is not None else latest)
