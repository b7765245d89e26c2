"""One service put together: its database, the log, the trail, the loops. `main.py` is the only caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from shared import metrics, migrate
from shared import trial as trials
from shared.alarm import Bell, Kind
from shared.audit import Audit, Audited, AuditKeys
from shared.bus import blanking, cursor, outbox, parking, redacted
from shared.bus.blanking import Blank
from shared.bus.guard import Guard, Reconsider
from shared.bus.hold import HoldRow
from shared.bus.idempotency import IdempotencyRow
from shared.bus.outbox import OutboxRow
from shared.bus.parking import ParkedRow
from shared.bus.port import SAFETY_TOPIC, Bus
from shared.bus.received import ReceivedRow
from shared.bus.redacted import RedactionRow
from shared.bus.relay import Relay
from shared.bus.restore import Rebuild, Restore
from shared.bus.wake import Wake
from shared.bus.worker import Handler, OnParked, Receipt, Worker
from shared.case import CaseRedacted
from shared.clock import Clock
from shared.db import Database, DatabaseAway, Tx
from shared.settings import Settings
from shared.supervise import Supervisor, pause
from shared.telemetry import get_logger
from shared.trial import Trial

log = get_logger(__name__)
STUCK_S = 120.0
"""With records waiting and nothing moving for this long, the process ends and another takes over."""
PLUMBING: tuple[type[Audited], ...] = (OutboxRow, ReceivedRow, ParkedRow, IdempotencyRow, HoldRow, RedactionRow)


@dataclass(frozen=True)
class ComingBack:
    """What a service does after a restore: rows of its own events, its numbers, its judgement of one child."""

    rebuild: Rebuild = lambda tx, event, now: ()
    numbers: Callable[[Tx], None] | None = None
    skip: Callable[[Tx], None] | None = None
    reconsider: Reconsider | None = None


@dataclass
class Runtime:
    """What one service is made of; handlers get parts of it, never the whole."""

    service: str
    settings: Settings
    clock: Clock
    trial: Trial
    db: Database
    bus: Bus
    audit: Audit
    bell: Bell
    relay: Relay
    worker: Worker
    supervisor: Supervisor
    guard: Guard
    restore: Restore
    gauges: list[Callable[[Runtime], None]] = field(default_factory=list)
    """What the service itself counts, every 5 s."""

    def ring(self, kind: Kind, place: str = "") -> object:
        return self.bell.ring(kind, self.service, place=place)

    async def start(self) -> None:
        await self.supervisor.start()

    async def stop(self) -> None:
        await self.supervisor.stop()
        await asyncio.to_thread(self.db.close)


def build(
    service: str,
    *,
    settings: Settings,
    clock: Clock,
    trial: Trial,
    bus: Bus,
    bell: Bell,
    handlers: Callable[[Audit, Trial], Mapping[str, Handler]],
    on_parked: OnParked | None = None,
    topics: Sequence[str] = (SAFETY_TOPIC,),
    db: Database | None = None,
    relay_wake: Wake | None = None,
    coming_back: ComingBack | None = None,
    blank: Callable[[Audit], Blank] | None = None,
) -> Runtime:
    """Assemble one service on its own database; migrates first (a no-op at head). `blank` takes words back in the stores
    that only this service has; what is published and received is blanked for it."""
    own = db or Database(settings.database_url_of(service), service)
    migrate.upgrade(own, service)
    keys = settings.audit_keys
    audit = Audit(service, AuditKeys(keys[0], tuple(keys[1:])))

    def ring(kind: Kind, place: str) -> object:
        return bell.ring(kind, service, place=place)

    back = coming_back or ComingBack()
    take_back = _takes_back(audit, blank(audit) if blank is not None else lambda _: None)
    heard = {
        **handlers(audit, trial),
        redacted.TYPE: take_back,
    }  # its own service too: after a restore it must not forget
    guard = Guard(own, bus, audit, clock, ring, reads=topics, reconsider=back.reconsider, skip=back.skip)
    restore = Restore(
        own,
        bus,
        audit,
        clock,
        reads=topics,
        handlers=heard,
        rebuild=back.rebuild,
        numbers=back.numbers,
        judges=back.reconsider is not None,
    )
    relay = Relay(own, bus, audit, clock, trial.id, ring, relay_wake)
    worker = Worker(
        db=own,
        bus=bus,
        audit=audit,
        clock=clock,
        topics=topics,
        handlers=heard,
        ring=ring,
        on_parked=on_parked,
    )
    supervisor = Supervisor(service, ring=lambda: ring("loop_died", service))
    runtime = Runtime(service, settings, clock, trial, own, bus, audit, bell, relay, worker, supervisor, guard, restore)
    supervisor.add("guard", guard.loop)
    supervisor.add("relay", relay.loop, stop_s=8.0)
    supervisor.add("worker", worker.loop, watchdog=_stuck(runtime), stop_s=8.0)
    supervisor.add("retry", worker.retry_loop)
    supervisor.add("gauges", lambda stop: _gauges(runtime, stop))
    supervisor.add_check("database", lambda: _database(runtime))
    supervisor.add_check("log", lambda: _log(runtime))
    supervisor.add_check("worker", lambda: _worker(runtime))
    return runtime


def _takes_back(audit: Audit, blank: Blank) -> Handler:
    def handler(tx: Tx, receipt: Receipt, now: datetime) -> None:
        document = CaseRedacted.read(receipt.event.data)
        blanking.apply(tx, audit, document, blank, now, actor=f"service:{receipt.event.source}")

    return handler


def load_trial(settings: Settings) -> Trial:
    """The trial file, validated; raises TrialInvalid with file, line and remedy of every problem."""
    path = Path(settings.trial)
    found = trials.load(path.read_text(encoding="utf-8"), path.name)
    if found.illustrative and not settings.illustrative_allowed:
        from shared.settings import UnsafeSettings

        parts = ", ".join(found.illustrative_parts)
        raise UnsafeSettings([f"TOCSIN_TRIAL: {path.name} holds ILLUSTRATIVE parts ({parts}); production refuses them"])
    return found


async def _database(runtime: Runtime) -> str | None:
    healthy = await asyncio.to_thread(runtime.db.healthy)
    return None if healthy else f"{runtime.service}: the database does not answer"


async def _log(runtime: Runtime) -> str | None:
    return None if await runtime.bus.healthy() else f"{runtime.service}: the log does not answer"


async def _worker(runtime: Runtime) -> str | None:
    if runtime.worker.stopped_because is not None:
        return f"{runtime.service}: stopped reading the log ({runtime.worker.stopped_because})"
    if runtime.worker.breaker.remaining_s():
        return f"{runtime.service}: the circuit breaker is open"
    return None


def _stuck(runtime: Runtime) -> Callable[[], str | None]:
    """Lag with nothing moving and no poll returning: aiokafka can fall out of its group for ever."""

    def look() -> str | None:
        subscription = runtime.worker.subscription
        if subscription is None or runtime.worker.stopped_because is not None:
            return None
        silent = time.monotonic() - subscription.last_activity()
        return f"consumer made no poll for {STUCK_S:.0f} s" if silent > STUCK_S else None

    return look


async def _gauges(runtime: Runtime, stop: asyncio.Event) -> None:
    """Refresh the gauges every 5 s; a database that is away only leaves them as they were."""
    name = runtime.service
    moved: dict[tuple[str, int], tuple[int, float]] = {}
    while not await pause(stop, 5.0):
        try:
            await asyncio.to_thread(_database_gauges, runtime)
            subscription = runtime.worker.subscription
            if subscription is None:
                continue
            async with asyncio.timeout(5.0):
                lags = await subscription.lags()
            positions = await asyncio.to_thread(runtime.db.read, cursor.all_positions)
        except (DatabaseAway, TimeoutError, OSError):
            continue
        except Exception as error:  # the log is away: gauges are not worth a process
            log.debug("gauges.log_away", error_type=type(error).__name__)
            continue
        for topic, partition in moved.keys() - {(lag.topic, lag.partition) for lag in lags}:
            del moved[topic, partition]  # another instance's now: an old number would stand here for ever
            metrics.CONSUMER_LAG.remove(name, topic, str(partition))
        for lag in lags:
            place = (lag.topic, lag.partition)
            at = positions[place].next_offset if place in positions else lag.position
            behind = max(0, lag.end - at)
            metrics.CONSUMER_LAG.labels(service=name, topic=lag.topic, partition=str(lag.partition)).set(behind)
            before, since = moved.get(place, (-1, time.monotonic()))
            moved[place] = (at, since if at == before and behind else time.monotonic())
            if behind and time.monotonic() - moved[place][1] > STUCK_S:
                await asyncio.to_thread(runtime.ring, "consumer_stuck", f"{lag.topic}[{lag.partition}]")


def _database_gauges(runtime: Runtime) -> None:
    name = runtime.service
    count, oldest, serious = runtime.db.read(outbox.backlog)
    now = runtime.clock.now()
    metrics.OUTBOX_UNPUBLISHED.labels(service=name).set(count)
    metrics.OUTBOX_OLDEST_SECONDS.labels(service=name).set((now - oldest).total_seconds() if oldest else 0)
    metrics.OUTBOX_OLDEST_SERIOUS_SECONDS.labels(service=name).set((now - serious).total_seconds() if serious else 0)
    total, _ = runtime.db.read(parking.count_open)
    metrics.PARKED_OPEN.labels(service=name).set(total)
    metrics.BREAKER_OPEN.labels(service=name).set(1 if runtime.worker.breaker.remaining_s() else 0)
    metrics.AUDIT_UNSEALED.labels(service=name).set(runtime.db.read(runtime.audit.count_unsealed))
    for gauge in runtime.gauges:
        gauge(runtime)
