"""What this service itself has on the log, and what of it its database does not know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

from sqlalchemy import select
from sqlmodel import col

from shared.bus import cursor
from shared.bus.outbox import OutboxRow
from shared.bus.port import ALLOCATION_TOPIC, SAFETY_TOPIC, Bus, Delivery, PositionInvalid
from shared.db import Database, Tx
from shared.events.catalogue import CATALOGUE

READ = 500


def topics_of(service: str) -> tuple[str, ...]:
    """Where this service publishes."""
    own = (one for one in CATALOGUE.values() if service in one.sources)
    return tuple(sorted({ALLOCATION_TOPIC if one.allocation else SAFETY_TOPIC for one in own}))


def is_own(one: Delivery, service: str) -> bool:
    return one.header("ce_source") == service


async def since_position(
    bus: Bus, db: Database, topics: Collection[str], read_topics: Collection[str]
) -> AsyncIterator[Sequence[Delivery]]:
    """Runs of everything on these topics after this service's reading positions (from the beginning where it has none).

    Whatever of its own stands before such a position was in the database when the position was: an event is published
    after its commit, and read after it was published. So the past need not be read to find what is missing.
    """
    positions = await asyncio.to_thread(db.read, cursor.all_positions)
    for topic in topics:
        for partition, end in sorted((await bus.end_offsets(topic)).items()):
            place = positions.get((topic, partition)) if topic in read_topics else None
            offset = place.next_offset if place is not None else 0
            while offset < end:
                try:
                    run = await bus.read(topic, partition, offset, most=READ)
                except PositionInvalid:  # the log was cut: the worker alarms; there is nothing to find here
                    break
                run = [one for one in run if one.offset < end]
                if not run:
                    break
                yield run
                offset = run[-1].offset + 1


def unknown(tx: Tx, event_ids: Sequence[str]) -> set[str]:
    """Those of these events that the outbox does not hold."""
    if not event_ids:
        return set()
    known = tx.execute(select(col(OutboxRow.event_id)).where(col(OutboxRow.event_id).in_(event_ids)))
    return set(event_ids) - {event_id for (event_id,) in known}


async def count_missing(bus: Bus, db: Database, service: str, read_topics: Collection[str]) -> int:
    """How many of this service's own events stand on the log and not in its database. Raises BusUnavailable, DatabaseAway."""
    missing: set[str] = set()
    async for run in since_position(bus, db, topics_of(service), read_topics):
        ids = [one.event_id for one in run if is_own(one, service) and one.event_id]
        missing |= await asyncio.to_thread(db.read, lambda tx, i=ids: unknown(tx, i))
    return len(missing)
