"""How a case is read where a form has room for one answer only: the CIOMS form and E2B(R3) must not differ in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.case import AdverseEvent, CaseReport, Exposure, Moment
from shared.case.report import Criterion

_PRECISE = ("day", "hour", "minute", "second")


def first_onset(events: Sequence[AdverseEvent]) -> Moment | None:
    return min((one.onset for one in events if one.onset), key=lambda one: one.earliest(), default=None)


def begun_after(events: Sequence[AdverseEvent], exposure: Exposure) -> bool:
    """Surely: its earliest beginning lies after the latest onset of every event, and every onset is known."""
    onsets = [one.onset for one in events]
    if exposure.start is None or not onsets or any(one is None for one in onsets):
        return False
    return all(exposure.start.earliest() > one.latest() for one in onsets if one is not None)


def given_again(events: Sequence[AdverseEvent], exposures: Sequence[Exposure], one: Exposure) -> bool | None:
    """Whether another of its kind may have been begun after the first onset; None where nothing says so."""
    onset = first_onset(events)
    if one.action_taken == "unknown" or onset is None:
        return None
    return any(
        each.kind == one.kind
        and each.exposure_id != one.exposure_id
        and (each.start is None or each.start.latest() > onset.earliest())
        for each in exposures
    )


def is_fatal(event: AdverseEvent) -> bool:
    return event.outcome == "fatal" or event.seriousness.death == "yes" or event.worst_grade == 5


def ticked(event: AdverseEvent) -> set[Criterion]:
    """What the facts say, whichever field they were given in: a fatal outcome is death, an unplanned stay hospitalisation."""
    found: set[Criterion] = {name for name, answer in event.seriousness.answers().items() if answer == "yes"}
    if is_fatal(event):
        found.add("death")
    if event.admission == "unplanned" or event.admission_prolonged == "yes":
        found.add("hospitalisation")
    return found


def became_known(version: CaseReport, told: Moment | None, zone: str) -> Moment:
    """What was told, if it has a day and can have been; else the latest it can be, our own record of it, read in `zone`."""
    if told is not None and told.precision in _PRECISE and told.latest() <= _end_of(version.recorded_at, told):
        return told
    return Moment.at(version.recorded_at, zone)


def _end_of(recorded_at: datetime, told: Moment) -> datetime:
    """A time told by the day may be any minute of the day it was recorded."""
    return recorded_at.astimezone(ZoneInfo(told.zone)).replace(hour=23, minute=59, second=59)
