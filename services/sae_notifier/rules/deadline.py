"""From an instant of awareness to the last second in which the duty is met.

Day 0 is never counted. The legal reading takes day 0 in the safety desk's zone, the strict one the earliest day 0 of
all zones that could be meant (desk, site, authority). Days end at 23:59:59 local to the authority; hours are elapsed
time, so a change of the clocks neither gives nor takes one. Calendar days never roll to a working day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.calendar import Calendar, Reading
from services.sae_notifier.rules.rule import Deadline


@dataclass(frozen=True)
class Due:
    """`day_0` is null for hour clocks; `due_on` is the local date of `due_at` (UTC) in the zone of the rule."""

    aware_at: datetime
    day_0: date | None
    due_on: date
    due_at: datetime


def legal_due(aware_at: datetime, deadline: Deadline, desk_zone: str, zone: str, calendar: Calendar | None) -> Due:
    """The due date as we read the law."""
    return _due(aware_at, deadline, [desk_zone], zone, calendar, "legal")


def strict_due(
    aware_at: datetime, deadline: Deadline, zones: Iterable[str], zone: str, calendar: Calendar | None
) -> Due:
    """The earliest due date over all readings; "at once" has no number to read, so the house's own limit stands."""
    return _due(aware_at, deadline, zones, zone, calendar, "strict")


def _due(
    aware_at: datetime,
    deadline: Deadline,
    zones: Iterable[str],
    zone: str,
    calendar: Calendar | None,
    reading: Reading,
) -> Due:
    if aware_at.tzinfo is None:
        raise ValueError("aware_at must carry a zone")
    aware_at = aware_at.astimezone(UTC)
    if deadline.unit in ("hours", "at_once"):
        due_at = aware_at + timedelta(hours=deadline.number)
        return Due(aware_at, None, due_at.astimezone(ZoneInfo(zone)).date(), due_at)
    day_0 = min(aware_at.astimezone(ZoneInfo(name)).date() for name in zones)
    if deadline.unit == "calendar_days":
        last = day_0 + timedelta(days=deadline.number)
    elif calendar is None:
        raise ValueError("working days need a calendar")
    else:
        last = calendar.add_working_days(day_0, deadline.number, reading)
    return Due(aware_at, day_0, last, end_of(last, zone))


def end_of(day: date, zone: str) -> datetime:
    """The last second of `day` in `zone`, as UTC (where that second happens twice, the first)."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).astimezone(UTC)
