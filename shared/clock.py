"""The only place that reads the wall clock; everything else takes `now` or a `Clock`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("ManualClock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, **units: float) -> datetime:
        """Move on by the given `timedelta` units (`hours=2`) and return the new time."""
        self._at += timedelta(**units)
        return self._at

    def set(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
