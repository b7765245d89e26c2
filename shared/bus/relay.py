"""From the outbox to the log: one leader, a batch per short transaction, in position order.

PostgreSQL: a transaction-scoped advisory lock (its key contains the schema, since such locks are database-wide) makes one
instance the leader of each pass; a stopped leader loses its session, and so the lock, after 10 s. SQLite: the lock file on
the data folder, taken at start, makes this process the only one. A zombie can only repeat old versions, which readers drop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, text, update

from shared import metrics
from shared.alarm import Kind
from shared.audit import SEALS_STREAM, Audit
from shared.bus.outbox import OutboxRow, backlog, emit, unpublished
from shared.bus.port import Bus, BusUnavailable, PublishOutcome
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.db import Database, DatabaseAway, Tx
from shared.events.catalogue import SEAL_TYPES, AuditSeal
from shared.failpoint import hit
from shared.telemetry import get_logger

log = get_logger(__name__)

BATCH = 200
SEND_BOUND_S = 5.0
POLL_S = 0.5
GATHER_S = 0.03
"""A rest after a pass that published: a lone report still goes at once, and busy times go in batches."""
SEAL_EVERY_S = 2.0
SERIOUS_BOUND_S = 60.0
SEALED_WITHIN_S = 120.0
_MARK = (
    update(OutboxRow.__table__)  # type: ignore[attr-defined]
    .where(OutboxRow.__table__.c.position == bindparam("b_position"))  # type: ignore[attr-defined]
    .values(
        published_at=bindparam("b_at"),
        partition=bindparam("b_partition"),
        place=bindparam("b_place"),
        proof=bindparam("b_proof"),
    )
)


class Relay:
    """Publishes what `db` holds unpublished; `ring(kind, place)` is the bell of last resort."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        audit: Audit,
        clock: Clock,
        trial_id: str,
        ring: Callable[[Kind, str], object],
        wake: Wake | None = None,
    ) -> None:
        self.db, self.bus, self.audit, self.clock, self.trial_id, self.ring = db, bus, audit, clock, trial_id, ring
        self.wake = wake or Wake()
        self.published = 0
        self.last_pass = time.monotonic()
        self._sealed_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def loop(self, stop: asyncio.Event) -> None:
        """Run until `stop`: a pass after every wake, at the latest every half second; backs off while a part is away."""
        pause = POLL_S
        checked = 0.0
        while not stop.is_set():
            await self.wake.wait(pause)
            try:
                while (published := await self.once()) >= BATCH and not stop.is_set():
                    pass
                pause = POLL_S
                if published:  # the next report finds company: a pass costs the same for one row as for many
                    await asyncio.sleep(GATHER_S)
            except (BusUnavailable, DatabaseAway) as error:
                pause = min(5.0, pause * 2)
                metrics.RELAY_FAILURES.labels(service=self.audit.service).inc()
                log.warning("relay.away", detail=str(error)[:200])
            if time.monotonic() - checked > 5:
                checked = time.monotonic()
                await self._watch()
        await self._last_pass()

    async def _last_pass(self) -> None:
        self._sealed_at = 0.0  # nothing is left unsealed by an orderly stop
        try:
            async with asyncio.timeout(6):
                await self.once()
        except (BusUnavailable, DatabaseAway, TimeoutError):
            log.warning("relay.last_pass_failed")

    async def once(self) -> int:
        """One pass; returns how many rows were published."""
        self._loop = asyncio.get_running_loop()
        self.last_pass = time.monotonic()
        self.db.admit()
        if self.db.dialect == "postgresql":
            if self._seal_due():
                # A transaction of its own: the seals' stream must not stay locked while a batch is on its way.
                await asyncio.to_thread(self.db.transact, self._seal_locked)
            return await asyncio.to_thread(self.db.transact, self._pass_locked)
        return await self._pass_single()

    def _leads(self, tx: Tx) -> bool:
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
        return bool(tx.scalar(lock, {"name": f"relay:{self.db.schema}"}))

    def _seal_locked(self, tx: Tx) -> None:
        if self._leads(tx):
            self._seal(tx)

    def _pass_locked(self, tx: Tx) -> int:
        leads = self._leads(tx)
        metrics.RELAY_LEADER.labels(service=self.audit.service).set(1 if leads else 0)
        if not leads:
            return 0
        rows = unpublished(tx, BATCH)
        if not rows:
            return 0
        assert self._loop is not None
        sending = asyncio.run_coroutine_threadsafe(
            self.bus.publish([row.record() for row in rows], timeout_s=SEND_BOUND_S), self._loop
        )
        try:
            outcomes = sending.result(SEND_BOUND_S + 2)
        except TimeoutError:
            sending.cancel()
            raise BusUnavailable("the log did not answer in time") from None
        hit("relay.after_send")
        done = self._mark(tx, rows, outcomes)
        hit("relay.before_mark")
        return done

    async def _pass_single(self) -> int:
        metrics.RELAY_LEADER.labels(service=self.audit.service).set(1)
        if self._seal_due():
            await asyncio.to_thread(self.db.transact, self._seal)
        rows = await asyncio.to_thread(self.db.read, lambda tx: unpublished(tx, BATCH))
        if not rows:
            return 0
        outcomes = await self.bus.publish([row.record() for row in rows], timeout_s=SEND_BOUND_S)
        hit("relay.after_send")
        return await asyncio.to_thread(self.db.transact, lambda tx: self._mark(tx, rows, outcomes))

    def _mark(self, tx: Tx, rows: Sequence[OutboxRow], outcomes: Sequence[PublishOutcome]) -> int:
        now = self.clock.now()
        blocked: set[str] = set()
        marks = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.placed is None:
                blocked.add(row.key)
            elif row.key not in blocked:  # never mark past an earlier failure of the same child
                place = {
                    "position": row.position,
                    "published_at": now,
                    "partition": outcome.placed.partition,
                    "place": outcome.placed.offset,
                }
                marks.append(
                    {
                        "b_position": row.position,
                        "b_at": now,
                        "b_partition": outcome.placed.partition,
                        "b_place": outcome.placed.offset,
                        "b_proof": self.audit.prove(OutboxRow, {"event_id": row.event_id, **place}),
                    }
                )
        if marks:
            tx.session.connection().execute(_MARK, marks)
            self.published += len(marks)
            metrics.RELAY_PUBLISHED.labels(service=self.audit.service).inc(len(marks))
        if blocked and not marks:
            first = next(outcome.error for outcome in outcomes if outcome.placed is None)
            raise BusUnavailable(f"nothing of {len(rows)} was taken: {first}")
        tx.after_commit(lambda: hit("relay.after_mark"))
        return len(marks)

    def _seal_due(self) -> bool:
        return time.monotonic() - self._sealed_at >= SEAL_EVERY_S

    def _seal(self, tx: Tx) -> None:
        if not self._seal_due():
            return
        self._sealed_at = time.monotonic()
        seal_now(tx, self.audit, self.trial_id, self.clock.now())

    def _may_write(self) -> bool:
        """A held service seals nothing until it is released, and has rung for that already."""
        try:
            self.db.admit()
        except DatabaseAway:
            return False
        return True

    async def _watch(self) -> None:
        try:
            _, _, serious = await asyncio.to_thread(self.db.read, backlog)
            unsealed = await asyncio.to_thread(self.db.read, self.audit.oldest_unsealed)
        except DatabaseAway:
            return
        if serious is not None and (self.clock.now() - serious).total_seconds() > SERIOUS_BOUND_S:
            await asyncio.to_thread(self.ring, "outbox_stuck", self.db.schema)
        overdue = unsealed is not None and (self.clock.now() - unsealed).total_seconds() > SEALED_WITHIN_S
        if overdue and self._may_write():
            await asyncio.to_thread(self.ring, "seal_failed", self.db.schema)


def seal_now(tx: Tx, audit: Audit, trial_id: str, now: datetime) -> None:
    """Seal what is unsealed and publish the seal in the same transaction as its outbox row."""
    import json

    sealed = audit.seal(tx, now)
    if sealed is None:
        return
    number, entry = sealed
    row = emit(
        tx,
        SEAL_TYPES[audit.service],
        AuditSeal.model_validate(json.loads(entry)),
        aggregate=f"audit/{audit.service}",
        version=number,
        trial_id=trial_id,
        now=now,
    )
    audit.lock(tx, SEALS_STREAM)
    audit.record(tx, stream=SEALS_STREAM, actor="system", action=f"published seal {number}", at=now, rows=[row])
    hit("seal.before_commit")
