"""G.k.9.i.3: the time from a drug to a reaction, where both are known well enough to say one number."""

from __future__ import annotations

from datetime import date

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from shared.case import AdverseEvent, Exposure, Moment

MOST = 99_999
_MINUTES = ("minute", "second")


def intervals(desk: Desk, drug: Block, exposure: Exposure, event: AdverseEvent) -> None:
    for group, begun in (("G.k.9.i.3.1", exposure.start), ("G.k.9.i.3.2", exposure.end)):
        found = between(begun, event.onset)
        if found is None:
            continue
        made = drug.add(group)
        made.put(f"{group}.reaction", desk.reference("reaction", event.event_id))
        made.put(f"{group}a", str(found[0]))
        made.put(f"{group}b", found[1])


def between(begun: Moment | None, onset: Moment | None) -> tuple[int, str] | None:
    """Whole minutes, or days where one of them is only a day; None where the onset may lie before, or is too far off."""
    if begun is None or onset is None or begun.earliest() > onset.earliest():
        return None
    if begun.precision in _MINUTES and onset.precision in _MINUTES:
        minutes = int((onset.earliest() - begun.earliest()).total_seconds()) // 60
        return (minutes, "min") if minutes <= MOST else (minutes // (24 * 60), "d")
    if "day" in (begun.precision, onset.precision) and begun.zone == onset.zone:
        if begun.precision in ("year", "month") or onset.precision in ("year", "month"):
            return None
        days = (_day(onset) - _day(begun)).days
        return (days, "d") if 0 <= days <= MOST else None
    return None


def _day(moment: Moment) -> date:
    return date.fromisoformat(moment.value[:10])
