"""`tocsin republish`: make a lost or cut log whole again from its owners' outboxes, same ids and bytes.

Every service is held while it runs. What the log still has stays; what it lacks is appended per owner in the order of the
first publication. Readers go back to where the log was cut and read on: what they had received is dropped, by version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from shared.audit import SERVICE_STREAM, Audit
from shared.bus import cursor
from shared.bus.cursor import CursorRow
from shared.bus.outbox import OutboxRow
from shared.bus.port import PARTITIONS, TOPICS, Bus, BusUnavailable, Position
from shared.clock import Clock
from shared.db import Database, Tx

BATCH = 200
READ = 500
Place = tuple[str, int]


@dataclass(frozen=True)
class Owner:
    """One service's database and trail."""

    db: Database
    audit: Audit


@dataclass
class Republished:
    """Records read, appended and marks renewed; partitions whose readers went back."""

    found: int = 0
    appended: int = 0
    rewound: int = 0


async def republish(
    owners: Mapping[str, Owner], bus: Bus, clock: Clock, progress: Callable[[int], None] = lambda _: None
) -> Republished:
    """Raises BusUnavailable when the log does not take a record; it may then be run again."""
    done = Republished()
    there = await _on_the_log(bus, done, progress)
    ends = {topic: await bus.end_offsets(topic) for topic in TOPICS}
    for owner in owners.values():
        await _append_missing(owner, bus, there, clock, done, progress)
    for owner in owners.values():
        done.rewound += await _go_back(owner, bus, ends, clock.now())
    return done


async def _on_the_log(bus: Bus, done: Republished, progress: Callable[[int], None]) -> dict[str, tuple[int, int]]:
    """Every event id on the log, with the first place it stands at."""
    found: dict[str, tuple[int, int]] = {}
    for topic in TOPICS:
        for partition, end in (await bus.end_offsets(topic)).items():
            offset = 0
            while offset < end and (run := await bus.read(topic, partition, offset, most=READ)):
                for one in run:
                    if one.event_id:
                        found.setdefault(one.event_id, (partition, one.offset))
                done.found += len(run)
                progress(done.found)
                offset = run[-1].offset + 1
    return found


def _rows(tx: Tx, after: int) -> list[OutboxRow]:
    statement = (
        select(OutboxRow)
        .where(col(OutboxRow.position) > after, col(OutboxRow.published_at).is_not(None))
        .order_by(col(OutboxRow.position))
        .limit(BATCH)
    )
    return list(tx.session.execute(statement).scalars())


async def _append_missing(
    owner: Owner,
    bus: Bus,
    there: dict[str, tuple[int, int]],
    clock: Clock,
    done: Republished,
    progress: Callable[[int], None],
) -> None:
    after = 0
    while rows := await asyncio.to_thread(owner.db.read, lambda tx, a=after: _rows(tx, a)):
        after = rows[-1].position or 0
        lacking = [row for row in rows if row.event_id not in there]
        if lacking:
            outcomes = await bus.publish([row.record() for row in lacking])
            for row, outcome in zip(lacking, outcomes, strict=True):
                if outcome.placed is None:
                    raise BusUnavailable(f"the log did not take {row.event_id}: {outcome.error}")
                there[row.event_id] = (outcome.placed.partition, outcome.placed.offset)
            done.appended += len(lacking)
            progress(done.found + done.appended)
        moved = [row for row in rows if (row.partition, row.place) != there[row.event_id]]
        if moved:
            await asyncio.to_thread(
                owner.db.transact, lambda tx, m=moved: _mark(tx, owner.audit, m, there, clock.now()), way="repair"
            )


def _mark(tx: Tx, audit: Audit, rows: Sequence[OutboxRow], there: Mapping[str, tuple[int, int]], now: datetime) -> None:
    for row in rows:
        partition, place = there[row.event_id]
        values = {"position": row.position, "published_at": now, "partition": partition, "place": place}
        proof = audit.prove(OutboxRow, {"event_id": row.event_id, **values})
        tx.execute(update(OutboxRow).where(col(OutboxRow.event_id) == row.event_id).values(**values, proof=proof))


async def _go_back(owner: Owner, bus: Bus, ends: Mapping[str, Mapping[int, int]], now: datetime) -> int:
    """Put every reading position that the cut log no longer knows to where it was cut."""
    positions = await asyncio.to_thread(owner.db.read, cursor.all_positions)
    moves: dict[Place, Position] = {}
    for (topic, partition), position in positions.items():
        if topic not in ends or partition not in range(PARTITIONS):
            continue
        offset = min(position.next_offset, ends[topic][partition])
        before = await bus.read_at(topic, partition, offset - 1) if offset else None
        if before is not None and offset == position.next_offset and before.event_id == position.last_event_id:
            continue
        if offset and offset == position.next_offset:  # another log: nothing before this place can be trusted
            offset, before = 0, None
        if offset != position.next_offset:
            moves[topic, partition] = Position(offset, before.event_id if before else None)
    if moves:
        await asyncio.to_thread(owner.db.transact, lambda tx: _rewind(tx, owner.audit, moves, now), way="repair")
    return len(moves)


def _rewind(tx: Tx, audit: Audit, moves: Mapping[Place, Position], now: datetime) -> None:
    for (topic, partition), position in moves.items():
        values = {"next_offset": position.next_offset, "last_event_id": position.last_event_id}
        proof = audit.prove(CursorRow, {"topic": topic, "partition": partition, **values})
        tx.execute(
            update(CursorRow)
            .where(col(CursorRow.topic) == topic, col(CursorRow.partition) == partition)
            .values(**values, proof=proof)
        )
    audit.lock(tx, SERVICE_STREAM)
    said = {f"{topic}/{partition}": position.next_offset for (topic, partition), position in sorted(moves.items())}
    audit.record(
        tx, stream=SERVICE_STREAM, actor="system", action="went back on a republished log", at=now, detail=said
    )
