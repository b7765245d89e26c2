"""One event against one exposure, with its temporal facts: what every later question starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.causality.domain.delay import Delay, delay
from services.causality.domain.temporal import SINGLE, Temporal, counted, span, temporal
from services.causality.words import KINDS, Words
from shared.case import AdverseEvent, Exposure
from shared.terms.search import fold


@dataclass(frozen=True)
class Pair:
    """`case_id` is the case that holds the event (a rechallenge may lie in another case of the child)."""

    case_id: str
    event: AdverseEvent
    exposure: Exposure
    facts: Temporal
    delay: Delay

    @property
    def single(self) -> bool:
        return self.exposure.kind in SINGLE


def suspects(exposures: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """What can cause something: voided entries and planned stays cannot."""
    alive = [e for e in exposures if not e.voided and e.kind != "planned_stay"]
    return tuple(sorted(alive, key=lambda e: e.exposure_id))


def pairs(case_id: str, event: AdverseEvent, exposures: Iterable[Exposure], now: datetime) -> tuple[Pair, ...]:
    """The event against every suspect."""
    code = event.term.code if event.term is not None else None
    made: list[Pair] = []
    for exposure in suspects(exposures):
        facts = temporal(event, exposure, now)
        made.append(Pair(case_id, event, exposure, facts, delay(facts, exposure, code)))
    return tuple(made)


def same_thing(one: Exposure, other: Exposure) -> bool:
    """The same procedure or the same agent, given another time or in another dose."""
    return one.kind == other.kind and (one.kind in SINGLE - {"anaesthetic_agent"} or _name(one) == _name(other))


def _name(exposure: Exposure) -> str:
    return fold(exposure.name or "")


def same_clock(one: Exposure, other: Exposure, now: datetime) -> bool:
    """Both given once and possibly within the same 24 hours: harvest, sedation, puncture and infusion share one clock."""
    if one.kind not in SINGLE or other.kind not in SINGLE:
        return False
    a, b = counted(one.start, now), counted(other.start, now)
    if a is None or b is None:
        return True
    (a_low, a_high), (b_low, b_high) = span(a), span(b)
    return (a_low - b_high).total_seconds() < 86400 and (b_low - a_high).total_seconds() < 86400


def named(exposure: Exposure) -> Words:
    """The exposure as a reader knows it."""
    kind = KINDS[exposure.kind]
    more = [part for part in (exposure.name, exposure.start.value if exposure.start else None) if part]
    if exposure.infusion_number is not None:
        more.insert(0, f"no. {exposure.infusion_number}")
    tail = f" ({', '.join(more)})" if more else ""
    return Words(kind.en + tail, kind.vi + tail.replace("no. ", "lần "))
