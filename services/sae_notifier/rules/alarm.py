"""When the bell rings for one duty: 72, 24 and 4 hours before the strict date, at it, and after it.

A duty entered late has thresholds behind it: all of them are given, the latest fires, the earlier ones are marked as
told together with it. None is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

Threshold = Literal["T-72h", "T-24h", "T-4h", "due", "overdue"]
THRESHOLDS: tuple[tuple[Threshold, timedelta], ...] = (
    ("T-72h", timedelta(hours=-72)),
    ("T-24h", timedelta(hours=-24)),
    ("T-4h", timedelta(hours=-4)),
    ("due", timedelta()),
    ("overdue", timedelta(seconds=1)),
)
"""Offsets from the strict due instant, which is the last second in time."""


class Timed(Protocol):
    """A `Duty`, or a stored `Obligation` that is still owed."""

    @property
    def obligation_id(self) -> str: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def due_strict_at(self) -> datetime: ...


@dataclass(frozen=True)
class Alarm:
    """`told_with` names the later threshold whose message covers this one; such an alarm is recorded, not sent by itself.

    `legally_overdue` is false while only the strict reading has run out.
    """

    obligation_id: str
    threshold: Threshold
    at: datetime
    reached: bool
    told_with: Threshold | None
    legally_overdue: bool

    @property
    def fires(self) -> bool:
        return self.reached and self.told_with is None


def alarms(duty: Timed, now: datetime) -> tuple[Alarm, ...]:
    """All five alarms of a duty that is still owed; the caller leaves out those it has already given."""
    reached: list[Threshold] = [name for name, offset in THRESHOLDS if duty.due_strict_at + offset <= now]
    latest = reached[-1] if reached else None
    return tuple(
        Alarm(
            obligation_id=duty.obligation_id,
            threshold=name,
            at=duty.due_strict_at + offset,
            reached=name in reached,
            told_with=latest if name in reached and name != latest else None,
            legally_overdue=name == "overdue" and now > duty.due_at,
        )
        for name, offset in THRESHOLDS
    )


def next_alarm_at(duty: Timed, now: datetime) -> datetime | None:
    """When to look again; `None` once every threshold has passed."""
    return min(
        (duty.due_strict_at + offset for _, offset in THRESHOLDS if duty.due_strict_at + offset > now), default=None
    )
