"""The natural rechallenge: the same event after the same thing was given another time (a second infusion, a drug restarted)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.causality.domain.pair import Pair, named, same_thing
from services.causality.domain.temporal import SINGLE, counted, span
from services.causality.words import Words
from shared.case import AdverseEvent, Answer, Exposure


def rechallenge(
    pair: Pair, occurrences: Sequence[Pair], exposures: Sequence[Exposure], now: datetime
) -> tuple[Answer, Words]:
    """Yes when both times are plausible; silence after a second time is no proof, so it is never `no` by itself."""
    if pair.delay.answer == "yes":
        for other in occurrences:
            if _again(pair, other, now):
                name = named(other.exposure)
                return "yes", Words(
                    f"The same event came {other.facts.hours} h after {name.en} (case {other.case_id}).",
                    f"Cùng biến cố xảy ra {other.facts.hours} giờ sau {name.vi} (ca {other.case_id}).",
                )
    again = [e for e in exposures if same_thing(e, pair.exposure) and _apart(pair.exposure, e, now)]
    if again:
        names = [named(e) for e in again]
        return "unknown", Words(
            f"Also given: {', '.join(n.en for n in names)}; no plausible recurrence is recorded, which is no proof of none.",
            f"Cũng đã dùng: {', '.join(n.vi for n in names)}; chưa ghi nhận tái diễn phù hợp, nhưng không phải bằng chứng.",
        )
    return "unknown", Words("Not given another time.", "Chưa dùng lần khác.")


def _again(pair: Pair, other: Pair, now: datetime) -> bool:
    if (other.case_id, other.event.episode_id) == (pair.case_id, pair.event.episode_id):
        return False
    if _code(other.event) is None or _code(other.event) != _code(pair.event) or other.delay.answer != "yes":
        return False
    if not same_thing(pair.exposure, other.exposure) or not _apart(pair.exposure, other.exposure, now):
        return False
    first, second = sorted((pair, other), key=lambda p: _start(p.exposure, now))
    return _over_before(first, _start(second.exposure, now), now)


def _code(event: AdverseEvent) -> str | None:
    return event.term.code if event.term is not None else None


def _start(exposure: Exposure, now: datetime) -> datetime:
    start = counted(exposure.start, now)
    return span(start)[0] if start is not None else now


def _apart(one: Exposure, other: Exposure, now: datetime) -> bool:
    """Two administrations, not two rows of one: a day between single ones, a pause between courses."""
    if one.exposure_id == other.exposure_id:
        return False
    starts = [counted(e.start, now) for e in (one, other)]
    if starts[0] is None or starts[1] is None:
        return False
    (first, first_start), (_, second_start) = sorted(
        ((one, starts[0]), (other, starts[1])), key=lambda pair: span(pair[1])[0]
    )
    begun = span(second_start)[0]
    if one.kind in SINGLE:
        return begun - span(first_start)[1] >= timedelta(hours=24)
    ended = counted(first.end, now)
    return ended is not None and begun > span(ended)[1]


def _over_before(pair: Pair, instant: datetime, now: datetime) -> bool:
    """The first event must not simply have gone on; an event that began before the second time and whose end is not known may be over."""
    onset, end = counted(pair.event.onset, now), counted(pair.event.end, now)
    if pair.event.ongoing is True or onset is None or span(onset)[0] >= instant:
        return False
    return end is None or span(end)[0] <= instant
