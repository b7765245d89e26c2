"""`tocsin restore SERVICE`: rebuild what the database lost from the log, without acting on anything again.

Own events become rows, outbox rows (published already) and numbers; other services' events become received versions; the
reading positions move over both. Nothing is sent, proposed or alerted: the children whose documents came back are judged
anew, over their newest documents only, once a named person has released the service.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import insert, select
from sqlmodel import col

from shared.audit import SEALS_STREAM, SERVICE_STREAM, Audit, Audited, SealRow, Written, proven_seal
from shared.bus import cursor, hold, own, parking, redacted
from shared.bus.outbox import OutboxRow
from shared.bus.port import Bus, Delivery
from shared.bus.reading import Poison, read_event, stream_of
from shared.bus.received import Fate, as_kept, receive
from shared.bus.worker import Handler, Receipt
from shared.canonical import canonical
from shared.clock import Clock
from shared.db import Database, Tx
from shared.events.catalogue import SEAL_TYPES
from shared.events.envelope import Event
from shared.failpoint import hit

Rebuild = Callable[[Tx, Event, datetime], Sequence[Audited | Written]]
"""Rows of one own event, as they stood; those that are there already are left alone. The child's stream is locked.
Raises Poison before it writes anything when the event is damaged: it is parked then, and no row stands for it."""


@dataclass
class Restored:
    """What came back, by event type, and how many records stand parked because they could not be."""

    counts: Counter[str] = field(default_factory=Counter)
    children: set[str] = field(default_factory=set)
    parked: int = 0
    records: int = 0


class Restore:
    """Of one service; it must be held."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        audit: Audit,
        clock: Clock,
        *,
        reads: Collection[str],
        handlers: Mapping[str, Handler],
        rebuild: Rebuild,
        numbers: Callable[[Tx], None] | None = None,
        judges: bool = True,
    ) -> None:
        self.db, self.bus, self.audit, self.clock = db, bus, audit, clock
        self.reads, self.handlers, self.rebuild, self.numbers, self.judges = reads, handlers, rebuild, numbers, judges

    async def run(self, progress: Callable[[int], None] = lambda _: None) -> Restored:
        """Everything from the reading positions to the log's end as it is now; may be stopped and run again."""
        done = Restored()
        topics = sorted({*self.reads, *own.topics_of(self.audit.service)})
        async for run in own.since_position(self.bus, self.db, topics, self.reads):
            await asyncio.to_thread(self.db.transact, partial(self._take, run=run, done=done), way="repair")
            hit("restore.after_commit")
            done.records += len(run)
            progress(done.records)
        await asyncio.to_thread(self.db.transact, partial(self._finish, done=done), way="repair")
        return done

    def _take(self, tx: Tx, *, run: Sequence[Delivery], done: Restored) -> None:
        now = self.clock.now()
        if run[0].topic in self.reads:
            cursor.advance(
                tx,
                self.audit,
                run[0].topic,
                run[0].partition,
                first=run[0].offset,
                next_offset=run[-1].offset + 1,
                last_event_id=run[-1].event_id,
            )
        for stream in sorted({stream_of(one) for one in run} | {SEALS_STREAM}):
            self.audit.lock(tx, stream)
        self.audit.lock(tx, SERVICE_STREAM)
        for one in run:
            try:
                self._one(tx, one, done, now)
            except Poison as poison:
                self._park(tx, one, poison, now)
                done.parked += 1

    def _one(self, tx: Tx, one: Delivery, done: Restored, now: datetime) -> None:
        service = self.audit.service
        if own.is_own(one, service):
            event = redacted.cleaned(tx, read_event(one), one.key)
            if event.type == SEAL_TYPES[service]:
                self._seal(tx, event, now)
            if self._own(tx, one, event, now):
                done.counts[event.type] += 1
                self._to_judge(event, one.key, done)
            if event.type != redacted.TYPE:
                return
        if one.header("ce_type") not in self.handlers:
            return
        event = read_event(one)
        fate, row = receive(
            tx, event, key=one.key, topic=one.topic, partition=one.partition, offset=one.offset, now=now
        )
        if fate is Fate.CONFLICT:
            raise Poison("conflict", f"{event.aggregate} version {event.version} came again with other bytes")
        if fate is not Fate.DUPLICATE:
            event = as_kept(event, row)
            self._record(tx, one, event, now, [row])
            if event.type == redacted.TYPE:  # the one effect that may not wait for a person: words must not stand again
                self.handlers[event.type](tx, Receipt(event, row, fate, one.key), now)
            done.counts[event.type] += 1
            self._to_judge(event, one.key, done)

    def _to_judge(self, event: Event, child: str, done: Restored) -> None:
        if self.judges and event.type not in SEAL_TYPES.values() and event.type != redacted.TYPE:
            done.children.add(child)

    def _own(self, tx: Tx, one: Delivery, event: Event, now: datetime) -> bool:
        """True when it was missing."""
        known = tx.session.execute(select(OutboxRow).where(col(OutboxRow.event_id) == event.id)).scalar()
        if known is not None:
            if known.published_at is None:
                self._mark(tx, known, one, now)
            return False
        same = select(col(OutboxRow.event_id)).where(
            col(OutboxRow.aggregate) == event.aggregate, col(OutboxRow.version) == event.version
        )
        if tx.execute(same).first() is not None:
            raise Poison(
                "conflict", f"{event.aggregate} version {event.version} was made anew in the database meanwhile"
            )
        rebuilt = self.rebuild(tx, event, now)  # first: what is refused must leave nothing behind
        row = OutboxRow(
            event_id=event.id,
            type=event.type,
            topic=one.topic,
            key=one.key,
            aggregate=event.aggregate,
            version=event.version,
            serious=event.serious,
            headers=json.dumps([[name, value.decode()] for name, value in one.headers], separators=(",", ":")),
            body=event.body.decode(),
            created_at=event.time,
        )
        tx.session.add(row)
        tx.session.flush()
        self._mark(tx, row, one, now)
        self._record(tx, one, event, now, [row, *rebuilt])
        return True

    def _mark(self, tx: Tx, row: OutboxRow, one: Delivery, now: datetime) -> None:
        row.published_at, row.partition, row.place = now, one.partition, one.offset
        row.proof = self.audit.prove(OutboxRow, row.model_dump())
        tx.session.add(row)
        tx.session.flush()

    def _record(self, tx: Tx, one: Delivery, event: Event, now: datetime, rows: Sequence[Audited | Written]) -> None:
        self.audit.record(
            tx,
            stream=stream_of(one),
            actor="system",
            action=f"restored {event.type} from the log",
            at=now,
            detail={"event_id": event.id, "offset": f"{one.topic}/{one.partition}/{one.offset}"},
            rows=rows,
        )

    def _seal(self, tx: Tx, event: Event, now: datetime) -> None:
        """A seal whose entries are lost stays as a seal: the trail says that it was brought back, and verification says so."""
        data = json.loads(event.body)
        number = data["number"]
        if tx.session.get(SealRow, number) is not None:
            return
        # The log writes the time in its own way; what was signed is the trail's.
        at = datetime.fromisoformat(data["at"]).isoformat()
        entry = canonical({name: value for name, value in data.items() if name != "mac"} | {"at": at}).decode()
        key_id = proven_seal(self.audit.keys, entry, data["mac"])
        if key_id is None:
            raise Poison("wrong_source", f"seal {number} was not made with a key of ours")
        tx.execute(insert(SealRow).values(number=number, entry=entry, key_id=key_id, mac=data["mac"]))
        self.audit.record(
            tx,
            stream=SEALS_STREAM,
            actor="system",
            action=f"restored seal {number} from the log; the entries it covered were lost",
            at=now,
            detail={"restored_seal": number},
        )

    def _park(self, tx: Tx, one: Delivery, poison: Poison, now: datetime) -> None:
        row = parking.park(tx, one, reason=poison.reason, detail=poison.detail, retry=False, now=now)
        self.audit.record(
            tx,
            stream=SERVICE_STREAM,
            actor="system",
            action="parked an event",
            at=now,
            reason=poison.reason,
            rows=[row],
        )

    def _finish(self, tx: Tx, *, done: Restored) -> None:
        if self.numbers is not None:
            self.numbers(tx)
        hold.mark_restored(tx, self.audit, counts=dict(done.counts), children=done.children, now=self.clock.now())
