"""Hours between one exposure and one onset, as intervals, because either may be known only to the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from services.causality.words import Words
from shared.case import AdverseEvent, Answer, Exposure, ExposureKind, Moment

SINGLE: frozenset[ExposureKind] = frozenset(
    {"bm_mnc_infusion", "lumbar_puncture", "bone_marrow_harvest", "sedation", "anaesthetic_agent", "botulinum_toxin"}
)
"""Given once and not withdrawn; whether it comes back is answered by the next one."""
_HOUR = Decimal(3600)


@dataclass(frozen=True)
class Interval:
    """Hours, exact; negative is before."""

    low: Decimal
    high: Decimal

    @property
    def texts(self) -> tuple[str, str]:
        """With one decimal."""
        return _one_decimal(self.low), _one_decimal(self.high)

    def __str__(self) -> str:
        low, high = self.texts
        return low if low == high else f"{low} … {high}"


def _one_decimal(hours: Decimal) -> str:
    rounded = hours.quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return str(abs(rounded) if rounded == 0 else rounded)


@dataclass(frozen=True)
class Temporal:
    """`hours` count from `anchor`: the end when onset is certainly after it, else the start (therapy going on, or onset before)."""

    exposed: Answer
    since_start: Interval | None
    since_end: Interval | None
    missing: tuple[Literal["onset", "start"], ...]
    contradiction: Words | None = None

    @property
    def anchor(self) -> Literal["start", "end"] | None:
        if self.since_end is not None and (self.since_end.low >= 0 or self.since_start is None):
            return "end"
        return "start" if self.since_start is not None else None

    @property
    def hours(self) -> Interval | None:
        return self.since_end if self.anchor == "end" else self.since_start


def counted(moment: Moment | None, now: datetime) -> Moment | None:
    """A time in the future is kept as typed and counted as missing."""
    return None if moment is None or moment.is_future(now) else moment


def span(moment: Moment) -> tuple[datetime, datetime]:
    """The first and last instant it can mean; a minute written down is that minute, not sixty seconds of doubt."""
    low, high = moment.earliest(), moment.latest()
    if moment.precision == "minute":
        high = high - timedelta(seconds=59)
    return low, high


def between(start: Moment, onset: Moment) -> Interval:
    """Hours from `start` to `onset`."""
    (start_low, start_high), (onset_low, onset_high) = span(start), span(onset)
    return Interval(_hours(onset_low - start_high), _hours(onset_high - start_low))


def _hours(delta: timedelta) -> Decimal:
    return Decimal(delta.days * 86400 + delta.seconds) / _HOUR


def temporal(event: AdverseEvent, exposure: Exposure, now: datetime) -> Temporal:
    """The facts of one pair; what lies in the future counts as missing."""
    onset, start, end = (counted(m, now) for m in (event.onset, exposure.start, exposure.end))
    if start is not None and end is not None and span(end)[1] < span(start)[0]:
        words = Words(
            f"the exposure ends ({end.value}) before it starts ({start.value})",
            f"phơi nhiễm kết thúc ({end.value}) trước khi bắt đầu ({start.value})",
        )
        return Temporal("unknown", None, None, (), words)
    missing: list[Literal["onset", "start"]] = []
    if onset is None:
        missing.append("onset")
    if start is None:
        missing.append("start")
    since_start = between(start, onset) if onset is not None and start is not None else None
    since_end = between(end, onset) if onset is not None and end is not None else None
    return Temporal(_exposed(since_start, since_end), since_start, since_end, tuple(missing), _backwards(event, now))


def _exposed(since_start: Interval | None, since_end: Interval | None) -> Answer:
    if (since_start is not None and since_start.low >= 0) or (since_end is not None and since_end.low >= 0):
        return "yes"
    return "no" if since_start is not None and since_start.high < 0 else "unknown"


def _backwards(event: AdverseEvent, now: datetime) -> Words | None:
    onset, end = counted(event.onset, now), counted(event.end, now)
    if onset is None or end is None or span(end)[1] >= span(onset)[0]:
        return None
    return Words(
        f"the event ends ({end.value}) before it starts ({onset.value})",
        f"biến cố kết thúc ({end.value}) trước khi khởi phát ({onset.value})",
    )
