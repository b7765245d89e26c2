"""From the log to the effect: cursor, received versions, the handler's rows, audit and outbox in one transaction.

A failing event is parked alone. A database outage, a killed session, a deadlock or a timeout is not the event's failure:
the position is read again and the records come back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared import metrics
from shared.alarm import Kind
from shared.audit import SERVICE_STREAM, Audit
from shared.bus import cursor, parking
from shared.bus.breaker import Breaker
from shared.bus.cursor import CursorMoved
from shared.bus.parking import NotOpen, ParkedRow
from shared.bus.port import Bus, BusUnavailable, Delivery, Position, PositionInvalid, Subscription
from shared.bus.reading import Poison, diagnose, read_event, stream_of
from shared.bus.received import Fate, ReceivedRow, as_kept, receive
from shared.clock import Clock
from shared.db import Database, DatabaseAway, Tx
from shared.errors import Refused
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import Event
from shared.failpoint import hit
from shared.supervise import pause
from shared.telemetry import get_logger, span

log = get_logger(__name__)


@dataclass(frozen=True)
class Receipt:
    """What a handler is told about the version it gets."""

    event: Event
    row: ReceivedRow
    fate: Fate
    key: str


Handler = Callable[[Tx, Receipt, datetime], None]
"""Writes the effect; it may emit events and audit entries. `key`'s stream is locked already."""
Ring = Callable[[Kind, str], object]
"""The bell of last resort: (kind, place); it may block for seconds, so it is rung outside transactions."""
OnParked = Callable[[Tx, ParkedRow, datetime], None]


_KINDS: dict[str, Kind] = {"unknown_type": "unknown_event_type", "conflict": "same_version_other_bytes"}


PASSING_S = 0.5
"""How long the cursor may stay behind events that mean nothing here: what is not committed now is only skipped again."""


@dataclass
class Passed:
    """Records of one partition that were skipped, from where the cursor stands in the database."""

    first: Delivery
    last: Delivery
    since: float

    def goes_on_at(self, run: Sequence[Delivery]) -> bool:
        return run[0].offset == self.last.offset + 1

    def ends(self) -> list[Delivery]:
        """Enough to move the cursor from the first over the last."""
        return [self.first] if self.first is self.last else [self.first, self.last]


class Worker:
    """Consumes `topics` for one service. `handlers` maps event types to effects; other known types are skipped, and their
    cursor moves with the next event that is handled, or after half a second: not one commit for each of them."""

    def __init__(
        self,
        *,
        db: Database,
        bus: Bus,
        audit: Audit,
        clock: Clock,
        topics: Sequence[str],
        handlers: Mapping[str, Handler],
        ring: Ring,
        on_parked: OnParked | None = None,
        batch: int = 50,
    ) -> None:
        self.db, self.bus, self.audit, self.clock = db, bus, audit, clock
        self.topics, self.handlers, self.ring, self.on_parked, self.batch = topics, handlers, ring, on_parked, batch
        self.breaker = Breaker()
        self.subscription: Subscription | None = None
        self.stopped_because: str | None = None
        self.consumed = 0
        self.last_effect = time.monotonic()
        self._passed: dict[tuple[str, int], Passed] = {}

    # The loop ---------------------------------------------------------------------------------------------------

    async def loop(self, stop: asyncio.Event) -> None:
        """Consume until `stop`. A position that cannot be trusted alarms and stops consuming; it is never reset."""
        while not stop.is_set():
            try:
                self.subscription = await self.bus.subscribe(
                    self.audit.service, self.topics, self._position, max_records=self.batch
                )
                await self._consume(self.subscription, stop)
            except PositionInvalid as error:
                self.stopped_because = str(error)
                await asyncio.to_thread(self.ring, "position_invalid", f"{error.topic}[{error.partition}]")
                await stop.wait()
            except (BusUnavailable, DatabaseAway) as error:
                log.warning("worker.away", detail=str(error)[:200])
                await pause(stop, 1.0)
            finally:
                if self.subscription is not None:
                    await self.subscription.close()

    async def _consume(self, subscription: Subscription, stop: asyncio.Event) -> None:
        self._passed.clear()
        one_at_a_time = asyncio.Lock()
        closing = asyncio.create_task(self._close_on(stop, subscription))
        passing = asyncio.create_task(self._pass_by(one_at_a_time, stop))
        try:
            async for run in subscription.batches():
                if stop.is_set():
                    return
                async with one_at_a_time:
                    if not self._passes(run):
                        await self._take(subscription, run, stop)
        finally:
            closing.cancel()
            passing.cancel()
            await self._commit_passed(0.0)

    async def _pass_by(self, one_at_a_time: asyncio.Lock, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, PASSING_S / 2)
            async with one_at_a_time:
                await self._commit_passed(PASSING_S)

    def _passes(self, run: Sequence[Delivery]) -> bool:
        """True when nothing of this run is handled here: it is remembered, and the cursor follows later."""
        types = {one.header("ce_type") for one in run}
        if any(name in self.handlers or name not in CATALOGUE for name in types):
            return False
        place = (run[0].topic, run[0].partition)
        before = self._passed.get(place)
        if before is not None and before.goes_on_at(run):
            before.last = run[-1]
        else:
            self._passed[place] = Passed(run[0], run[-1], before.since if before is not None else time.monotonic())
        return True

    def _passed_before(self, run: Sequence[Delivery]) -> Passed | None:
        """What was passed right before this run; forgotten, since the run's own commit covers it."""
        before = self._passed.pop((run[0].topic, run[0].partition), None)
        return before if before is not None and before.goes_on_at(run) else None

    async def _commit_passed(self, age_s: float) -> None:
        """Move the cursors over what was passed at least so long ago.

        With the database away it stays for the next time: forgotten, nothing would ever stand at the cursor again. A
        cursor that moved meanwhile was moved by somebody else, so the position is read again.
        """
        until = time.monotonic() - age_s
        for place, passed in list(self._passed.items()):
            if passed.since > until:
                continue
            try:
                await asyncio.to_thread(self.apply, passed.ends())
            except DatabaseAway:
                continue
            except CursorMoved:
                if self.subscription is not None:
                    await self.subscription.reseek(*place)
            if self._passed.get(place) is passed:
                del self._passed[place]

    @staticmethod
    async def _close_on(stop: asyncio.Event, subscription: Subscription) -> None:
        await stop.wait()
        await subscription.close()

    async def _take(self, subscription: Subscription, run: Sequence[Delivery], stop: asyncio.Event) -> None:
        topic, partition = run[0].topic, run[0].partition
        wait = self.breaker.remaining_s()
        if wait:
            await pause(stop, wait)
            if stop.is_set():
                return
        passed = self._passed_before(run)
        try:
            await asyncio.to_thread(self.apply, run if passed is None else [passed.first, *run])
            return
        except CursorMoved:
            await subscription.reseek(topic, partition)
            return
        except DatabaseAway as error:
            metrics.CONSUME_RETRIES.labels(service=self.audit.service, reason="database_away").inc()
            log.warning("worker.database_away", detail=str(error)[:200])
            await pause(stop, 0.5)
            await subscription.reseek(topic, partition)
            return
        except Exception as error:
            metrics.CONSUME_RETRIES.labels(service=self.audit.service, reason="batch_failed").inc()
            log.warning("worker.batch_failed", size=len(run), error_type=type(error).__name__)
        for one in run:
            if stop.is_set():
                return
            try:
                if passed is not None:
                    await asyncio.to_thread(self.apply, passed.ends())
                    passed = None
                await asyncio.to_thread(self.apply_or_park, one)
            except CursorMoved:
                await subscription.reseek(topic, partition)
                return
            except DatabaseAway:
                await pause(stop, 0.5)
                await subscription.reseek(topic, partition)
                return
            if self.breaker.remaining_s():
                await subscription.reseek(topic, partition)
                return

    async def _position(self, topic: str, partition: int) -> Position:
        return await asyncio.to_thread(self.db.read, lambda tx: cursor.read(tx, topic, partition))

    # Effects ----------------------------------------------------------------------------------------------------

    def apply(self, run: Sequence[Delivery]) -> None:
        """Handle consecutive records of one partition in one transaction; any failure leaves nothing behind."""
        self.db.transact(lambda tx: self._apply(tx, run))
        self.consumed += len(run)
        self.last_effect = time.monotonic()
        self.breaker.success(len(run))
        hit("consume.after_commit")

    def _apply(self, tx: Tx, run: Sequence[Delivery]) -> None:
        self._advance(tx, run)
        readable = [(one, self._read(one)) for one in run]
        for stream in sorted({stream_of(one) for one, event in readable if event is not None}):
            self.audit.lock(tx, stream)
        for one, event in readable:
            if event is not None:
                self._effect(tx, one, event)
        hit("consume.before_commit")

    def _advance(self, tx: Tx, run: Sequence[Delivery]) -> None:
        first, last = run[0], run[-1]
        cursor.advance(
            tx,
            self.audit,
            first.topic,
            first.partition,
            first=first.offset,
            next_offset=last.offset + 1,
            last_event_id=last.header("ce_id"),
        )

    def _read(self, one: Delivery) -> Event | None:
        """The event, or None when it is of a known type that this service does not handle. Raises Poison."""
        name = one.header("ce_type")
        known = CATALOGUE.get(name or "")
        if name is not None and known is None:
            raise Poison("unknown_type", f"no such event type is known here: {name[:100]}")
        if known is not None and known.name not in self.handlers:
            return None
        return read_event(one)

    def _effect(self, tx: Tx, one: Delivery, event: Event) -> None:
        now = self.clock.now()
        fate, row = receive(
            tx, event, key=one.key, topic=one.topic, partition=one.partition, offset=one.offset, now=now
        )
        name = self.audit.service
        if fate is Fate.DUPLICATE:
            tx.after_commit(metrics.EVENTS_DROPPED.labels(service=name).inc)
            return
        if fate is Fate.CONFLICT:
            raise Poison("conflict", f"{event.aggregate} version {event.version} came again with other bytes")
        event = as_kept(event, row)
        tx.after_commit(metrics.EVENTS_CONSUMED.labels(service=name, type=event.type).inc)
        if fate is Fate.GAP:
            tx.after_commit(metrics.EVENT_GAPS.labels(service=name).inc)
            tx.after_commit(partial(self._ring, "version_gap", f"{event.aggregate}#{event.version}"))
        with span(event.traceparent):
            self.audit.record(
                tx,
                stream=stream_of(one),
                actor=f"service:{event.source}",
                action=f"received {event.type}",
                at=now,
                detail={
                    "event_id": event.id,
                    "fate": fate.value,
                    "offset": f"{one.topic}/{one.partition}/{one.offset}",
                },
                rows=[row],
            )
            self.handlers[event.type](tx, Receipt(event, row, fate, one.key), now)
        hit("consume.after_effect")

    def apply_or_park(self, one: Delivery) -> None:
        """Handle one record; when it cannot be handled, park it with the reason and move on."""
        try:
            self.apply([one])
        except (CursorMoved, DatabaseAway):
            raise
        except Exception as error:
            reason, detail, retry = diagnose(error)
            log.error(
                "worker.parked", reason=reason, error_type=type(error).__name__, exc_info=reason == "handler_failed"
            )
            self.db.transact(lambda tx: self._park(tx, one, reason, detail, retry))
            if self.breaker.failure():
                self.ring("breaker_open", f"{one.topic}[{one.partition}]")

    def _ring(self, kind: Kind, place: str) -> None:
        self.ring(kind, place)

    def _park(self, tx: Tx, one: Delivery, reason: str, detail: str, retry: bool) -> None:
        now = self.clock.now()
        self._advance(tx, [one])
        row = parking.park(tx, one, reason=reason, detail=detail, retry=retry, now=now)
        if self.on_parked is not None:
            self.on_parked(tx, row, now)
        self.audit.lock(tx, SERVICE_STREAM)
        self.audit.record(
            tx, stream=SERVICE_STREAM, actor="system", action="parked an event", at=now, reason=reason, rows=[row]
        )
        kind = _KINDS.get(reason, "event_parked")
        tx.after_commit(partial(self._ring, kind, f"{one.topic}[{one.partition}]@{one.offset}"))

    # Parked events ----------------------------------------------------------------------------------------------

    def replay(self, parked_id: str, *, actor: str, reason: str) -> None:
        """Try a parked event again. Raises Refused with the failure when it fails again; it then stays parked."""
        try:
            self.db.transact(lambda tx: self._replay(tx, parked_id, actor, reason))
        except (CursorMoved, DatabaseAway, NotOpen):
            raise
        except (
            Exception
        ) as error:  # also what a handler refuses: it must be postponed, or the retry loop would spin on it
            code, detail, _ = diagnose(error)
            self.db.transact(lambda tx: self._failed_again(tx, parked_id, actor, detail))
            raise Refused(f"it failed again ({code}): {detail}") from error

    def _replay(self, tx: Tx, parked_id: str, actor: str, reason: str) -> None:
        peek = parking.take(tx, parked_id)
        if peek.reason == "damaged":  # one of our own: closing it as replayed would say that it stands
            raise Poison("damaged", "only a restore from a whole log puts it back")
        one = peek.delivery()
        event = self._read(one)
        if event is not None:
            self.audit.lock(tx, stream_of(one))
            self._effect(tx, one, event)
        self._close(tx, peek, "replayed", actor, reason)

    def discard(self, parked_id: str, *, actor: str, reason: str) -> None:
        """Close a parked event without effect; the reason stays in the trail."""
        if not reason.strip():
            raise Refused("a reason is needed to discard an event")
        self.db.transact(lambda tx: self._close(tx, parking.take(tx, parked_id), "discarded", actor, reason))

    def _close(self, tx: Tx, row: ParkedRow, state: str, actor: str, reason: str) -> None:
        now = self.clock.now()
        row.state, row.closed_at, row.closed_by, row.closed_reason = state, now, actor, reason
        row.next_attempt_at = None
        self.audit.lock(tx, SERVICE_STREAM)
        self.audit.record(
            tx, stream=SERVICE_STREAM, actor=actor, action=f"{state} a parked event", at=now, reason=reason, rows=[row]
        )
        tx.session.add(row)

    def _failed_again(self, tx: Tx, parked_id: str, actor: str, detail: str) -> None:
        row = parking.take(tx, parked_id)
        parking.postpone(row, detail=detail, now=self.clock.now())
        self.audit.lock(tx, SERVICE_STREAM)
        self.audit.record(
            tx, stream=SERVICE_STREAM, actor=actor, action="replay failed again", at=self.clock.now(), rows=[row]
        )
        tx.session.add(row)

    async def retry_loop(self, stop: asyncio.Event) -> None:
        """Replay parked events whose failure may pass by itself, when they are due."""
        while not stop.is_set():
            await pause(stop, 2.0)
            try:
                await asyncio.to_thread(self.retry_due)
            except DatabaseAway:
                await pause(stop, 5.0)

    def retry_due(self) -> int:
        """One pass over the due ones; returns how many succeeded."""
        now = self.clock.now()
        done = 0
        for parked_id in self.db.read(lambda tx: parking.due(tx, now)):
            try:
                self.replay(parked_id, actor="system", reason="retry")
                done += 1
            except Refused:
                continue
            except Exception as error:  # closed by a person meanwhile
                log.info("worker.retry_skipped", error_type=type(error).__name__)
        return done
