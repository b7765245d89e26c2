"""Times as HL7 writes them: `CCYYMMDDhhmmss+ZZzz`, cut at what is known. The XSD only counts digits; the calendar is ours."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.case import Moment

_TS = re.compile(
    r"^(?P<digits>\d{4}(?:\d{2}){0,5})(?P<fraction>\.\d+)?(?P<zone>(?P<sign>[+-])(?P<hours>\d{2})(?P<minutes>\d{2}))?$",
    re.ASCII,
)
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
"""A day without a zone begins first 14 h before UTC and ends last 12 h after it."""


@dataclass(frozen=True)
class Stamp:
    """What a time can mean: every instant from `earliest` to `latest` (aware UTC); `digits` is 4, 6, 8, 10, 12 or 14."""

    digits: int
    zoned: bool
    earliest: datetime
    latest: datetime


def stamp(text: str) -> Stamp | None:
    """The reading of an HL7 time; None when it is none, or not in the calendar (30 February)."""
    match = _TS.match(text)
    if match is None:
        return None
    digits = match["digits"]
    parts = [int(digits[:4]), *(int(digits[place : place + 2]) for place in range(4, len(digits), 2))]
    zoned = match["zone"] is not None
    if (match["fraction"] and len(digits) < 14) or (zoned and len(digits) < 10):
        return None
    year, month, day, hour, minute, second = (*parts, *(1, 1, 1, 0, 0, 0)[len(parts) :])
    last = (12, monthrange(year, month)[1] if len(parts) == 2 and 1 <= month <= 12 else 31, 23, 59, 59)
    ends = [*parts, *last[len(parts) - 1 :]]
    try:
        start = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        end = datetime(ends[0], ends[1], ends[2], ends[3], ends[4], ends[5], tzinfo=UTC)
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"])) if zoned else timedelta(0)
        if offset > _EAST:
            return None
        if match["sign"] == "-":
            offset = -offset
        early, late = (offset, offset) if zoned else (_EAST, -_WEST)
        return Stamp(len(digits), zoned, start - early, end - late)
    except (ValueError, OverflowError):
        return None


def written(moment: Moment) -> str:
    """A moment with the precision it was told in; a time of day carries its offset (the first reading of a repeated hour)."""
    digits = re.sub(r"\D", "", moment.value)
    return f"{digits}{_offset(moment.earliest(), moment.zone)}" if len(digits) > 8 else digits


def written_at(instant: datetime, zone: str = "UTC") -> str:
    """An instant to the second in `zone`."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%Y%m%d%H%M%S}{_offset(instant, zone)}"


def _offset(instant: datetime, zone: str) -> str:
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
