"""A time as it was told: a year, a month, a day, a minute, always with its zone, always an interval.

A partial date stays partial. Whoever needs one instant asks for the `earliest` or the `latest` reading.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import field_validator, model_validator

from shared.case.base import Published

Precision = Literal["year", "month", "day", "hour", "minute", "second"]

_FORMS: tuple[tuple[Precision, re.Pattern[str], str], ...] = (
    ("year", re.compile(r"^\d{4}$", re.ASCII), "%Y"),
    ("month", re.compile(r"^\d{4}-\d{2}$", re.ASCII), "%Y-%m"),
    ("day", re.compile(r"^\d{4}-\d{2}-\d{2}$", re.ASCII), "%Y-%m-%d"),
    ("hour", re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}$", re.ASCII), "%Y-%m-%dT%H"),
    ("minute", re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$", re.ASCII), "%Y-%m-%dT%H:%M"),
    ("second", re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$", re.ASCII), "%Y-%m-%dT%H:%M:%S"),
)
_WITH_OFFSET = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?)(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$", re.ASCII)
_ZONES = available_timezones()


def _precision(value: str) -> Precision:
    for name, pattern, _ in _FORMS:
        if pattern.match(value):
            return name
    raise ValueError("use YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDTHH, YYYY-MM-DDTHH:MM or YYYY-MM-DDTHH:MM:SS")


@lru_cache(maxsize=4096)
def _interval(value: str) -> tuple[datetime, datetime]:
    """Local start, inclusive, and end, exclusive: read once, since a case's times are asked for again and again."""
    precision = _precision(value)
    layout = next(layout for name, _, layout in _FORMS if name == precision)
    try:
        start = datetime.strptime(value, layout)  # noqa: DTZ007  the zone is applied by the caller
    except ValueError:
        raise ValueError("there is no such day or time; hours run from 00 to 23") from None
    match precision:
        case "year":
            end = start.replace(year=start.year + 1)
        case "month":
            end = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        case "day":
            end = start + timedelta(days=1)
        case "hour":
            end = start + timedelta(hours=1)
        case "minute":
            end = start + timedelta(minutes=1)
        case _:
            end = start + timedelta(seconds=1)
    return start, end


class Moment(Published):
    """`value` is local ISO 8601 cut at what is known (`2026`, `2026-03`, `2026-03-09`, `2026-03-09T02:10`); `zone` is IANA."""

    value: str
    zone: str

    @model_validator(mode="before")
    @classmethod
    def _offset_applied(cls, data: Any) -> Any:
        """An instant with its own offset (RFC 3339) is written as the local time it is in `zone`, to the same precision."""
        if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in ("value", "zone")):
            return data
        told = _WITH_OFFSET.match(data["value"])
        if told is None or data["zone"] not in _ZONES:
            return data
        try:
            local = datetime.fromisoformat(told[1] + told[3]).astimezone(ZoneInfo(data["zone"]))
        except (ValueError, OverflowError):
            return data
        return {**data, "value": local.strftime("%Y-%m-%dT%H:%M:%S" if told[2] else "%Y-%m-%dT%H:%M")}

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in _ZONES:
            raise ValueError(f"unknown time zone {zone[:60]!r}; use an IANA name such as Asia/Ho_Chi_Minh")
        return zone

    @model_validator(mode="after")
    def _readable(self) -> Moment:
        start, _ = self._local()
        if not 1900 <= start.year <= 2200:
            raise ValueError("the year must lie between 1900 and 2200")
        return self

    @property
    def precision(self) -> Precision:
        return _precision(self.value)

    def _local(self) -> tuple[datetime, datetime]:
        return _interval(self.value)

    def earliest(self) -> datetime:
        """The first UTC instant this can mean (in a repeated local hour, the first of the two)."""
        start, _ = self._local()
        return start.replace(tzinfo=ZoneInfo(self.zone), fold=0).astimezone(UTC)

    def latest(self) -> datetime:
        """The last UTC second this can mean, inclusive (in a repeated local hour, the second of the two)."""
        _, end = self._local()
        last = end - timedelta(seconds=1)
        return max(
            last.replace(tzinfo=ZoneInfo(self.zone), fold=0).astimezone(UTC),
            last.replace(tzinfo=ZoneInfo(self.zone), fold=1).astimezone(UTC),
        )

    def is_future(self, now: datetime) -> bool:
        """True when even its earliest reading lies after `now`: kept as typed, counted as missing."""
        return self.earliest() > now

    @classmethod
    def at(cls, instant: datetime, zone: str) -> Moment:
        """The minute of `instant` (aware) as read in `zone`."""
        return cls(value=instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"), zone=zone)
