"""Person-time: the days each child was under observation in each period, first and last day included.

Where an infusion is known only as an interval, its latest day counts: the time under treatment is then not too long, and a
rate not too low. A child is followed from enrolment to the day it left, or to the cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from services.dsmb.domain.child import Child
from services.dsmb.domain.plan import Plan
from shared.case import Moment, Subject
from shared.case.periods import Edge, Period, add_months, periods

Span = Literal[
    "whole",
    "randomised",
    "control",
    "before_first",
    "exposed",
    "after_first",
    "after_second",
    "first_9_months",
    "follow_up",
]
SPANS: tuple[Span, ...] = (
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
"""`randomised` is the only comparison that was randomised: from enrolment to the first infusion of a child of a control
arm, and for as long as the planned control period in the other arms. `exposed` is everything from the first infusion on."""


@dataclass(frozen=True)
class Days:
    """From `first` to `last`, both included, as day numbers (`date.toordinal`)."""

    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class FollowUp:
    """What is known of one child's time. `problem` says why there is no person-time from enrolment, if there is none."""

    days: dict[Span, Days]
    first: Edge | None
    second: Edge | None
    nine: Edge | None
    end: int
    waits_as: Literal["control", "before_first"]
    compared_to: int | None
    """The last day of the randomised comparison, also where the child left before; None for a child that is not in it."""
    controlled: bool
    """The arm has a planned control period: its randomised comparison ends with the first infusion."""
    infusions: int
    uncertain: bool
    """An infusion's day is not exactly known."""
    problem: Literal["", "not_enrolled", "left_before_enrolment"]


def follow_up(child: Child, plan: Plan, at: datetime) -> FollowUp:
    """The periods of one child in days, up to the cut taken `at`."""
    zone = ZoneInfo(plan.zone)
    subject = child.subject or _unknown(child, plan, at)
    edges = _edges(periods(subject, child.exposures))
    first, second, nine = edges
    enrolled = _told(subject.enrolled, subject.recorded_at)
    left = _told(subject.left, subject.recorded_at)
    cut = at.astimezone(zone).date().toordinal()
    end = min(cut, local_day(left, last=True)) if left else cut
    start = local_day(enrolled, last=True) if enrolled else None
    control_months = plan.control_months.get(child.arm) if child.arm is not None else None
    waits_as: Literal["control", "before_first"] = (
        "control" if plan.control_time == "every_arm" or control_months is not None else "before_first"
    )
    treated = _day(first, zone)
    again = _day(second, zone)
    window_ends = _day(nine, zone)
    found: dict[Span, Days] = {}

    def add(name: Span, begin: int | None, finish: int) -> None:
        if begin is not None and begin <= finish:
            found[name] = Days(begin, finish)

    add("whole", start, end)
    add(waits_as, start, end if treated is None else min(end, treated - 1))
    compared_to = _randomised_end(child, plan, enrolled, control_months, treated, zone)
    if compared_to is not None:
        add("randomised", start, min(end, compared_to))
    add("exposed", treated, end)
    add("after_first", treated, end if again is None else min(end, again - 1))
    add("after_second", again, end)
    add("first_9_months", treated, end if window_ends is None else min(end, window_ends - 1))
    add("follow_up", window_ends, end)
    return FollowUp(
        days=found,
        first=first,
        second=second,
        nine=nine,
        end=end,
        waits_as=waits_as,
        compared_to=compared_to,
        controlled=control_months is not None,
        infusions=_given(child),
        uncertain=any(edge is not None and _is_interval(edge, zone) for edge in (first, second)),
        problem="not_enrolled" if start is None else "left_before_enrolment" if end < start else "",
    )


def local_day(moment: Moment, *, last: bool = False) -> int:
    """The first (or last) day that the moment can mean, in its own zone."""
    instant = moment.latest() if last else moment.earliest()
    return instant.astimezone(ZoneInfo(moment.zone)).date().toordinal()


def _randomised_end(
    child: Child, plan: Plan, enrolled: Moment | None, control_months: int | None, treated: int | None, zone: ZoneInfo
) -> int | None:
    """The last day of the randomised comparison; none for a child without an arm or without a day of enrolment."""
    if child.arm not in plan.control_months or enrolled is None or plan.window_months is None:
        return None
    if control_months is not None:
        return treated - 1 if treated is not None else 10**9
    return add_months(enrolled.latest(), plan.window_months, plan.zone).astimezone(zone).date().toordinal() - 1


def _edges(found: tuple[Period, ...]) -> tuple[Edge | None, Edge | None, Edge | None]:
    """When the first and the second infusion took place and when nine months were over."""
    starts = {one.name: one.start for one in found}
    return starts.get("after_first"), starts.get("after_second"), starts.get("follow_up")


def _given(child: Child) -> int:
    counted = [one for one in child.exposures if one.kind == "bm_mnc_infusion" and not one.voided]
    return max(len(counted), max((one.infusion_number or 0 for one in counted), default=0))


def _day(edge: Edge | None, zone: ZoneInfo) -> int | None:
    if edge is None or edge.latest is None:
        return None
    return edge.latest.astimezone(zone).date().toordinal()


def _is_interval(edge: Edge, zone: ZoneInfo) -> bool:
    if edge.earliest is None or edge.latest is None:
        return True
    return edge.earliest.astimezone(zone).date() != edge.latest.astimezone(zone).date()


def _told(moment: Moment | None, recorded_at: datetime) -> Moment | None:
    """A time typed in the future counts as missing."""
    return None if moment is None or moment.is_future(recorded_at) else moment


def _unknown(child: Child, plan: Plan, at: datetime) -> Subject:
    return Subject(subject_id=child.subject_id, version=1, trial_id=plan.trial_id, provisional=True, recorded_at=at)
