"""The four services in one process, without a socket, a background loop or a wall clock: the real handlers on SQLite files.

`drain()` relays and applies until nothing moves. `crash()` drops everything that a process holds and opens the files again.
"""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from unittest import mock

from structlog.testing import capture_logs

from services.ae_intake import main as intake_main
from services.ae_intake import store as intake_store
from services.ae_intake.handlers import Intake, Who
from services.ae_intake.submission import Submissions
from services.causality import main as causality_main
from services.causality import store as causality_store
from services.causality.handlers import Causality
from services.dsmb import main as dsmb_main
from services.dsmb import store as dsmb_store
from services.dsmb.handlers import Dsmb
from services.sae_notifier import main as notifier_main
from services.sae_notifier import store as notifier_store
from services.sae_notifier.channels import HandoverFailed, Message
from services.sae_notifier.dispatch import Dispatcher
from services.sae_notifier.handlers import Notifier
from services.sae_notifier.handlers.law import Law, Laws, load_law
from shared import failpoint, runtime
from shared.alarm import Bell
from shared.audit import Audit, Audited, AuditKeys
from shared.audit_verify import Verified, verify
from shared.bus.breaker import Breaker
from shared.bus.port import SAFETY_TOPIC, TOPICS
from shared.bus.relay import Relay, seal_now
from shared.bus.wake import Wake
from shared.bus.worker import Handler, OnParked, Receipt, Worker
from shared.clock import ManualClock
from shared.db import Database, Tx
from shared.events.catalogue import SEAL_TYPES
from shared.runtime import PLUMBING
from shared.settings import Settings
from shared.trial import Trial
from tests.support.memory_log import MemoryLog, Quiet
from tests.support.ram import kept_in_ram, made_in_ram

START = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
"""A Monday, 10:00 in Hanoi."""
CLINICIAN = Who("clinician", frozenset({"VINMEC"}))
OFFICER = "safety-officer-1"
MONITOR = "medical-monitor-1"
BOARD = "dsmb-member"
AUDITED: dict[str, tuple[type[Audited], ...]] = {
    "ae_intake": intake_store.AUDITED,
    "causality": causality_store.AUDITED,
    "sae_notifier": notifier_store.AUDITED,
    "dsmb": dsmb_store.AUDITED,
}
READS: dict[str, tuple[str, ...]] = {"dsmb": TOPICS}
"""Topics of a service that reads more than everybody else."""


class Crash(BaseException):
    """The process is gone: no `except Exception` on the way may act on it."""


@dataclass(frozen=True)
class _Made:
    """What the composition roots make, once: handlers hold nothing that a crash could lose."""

    template: Path
    settings: Settings
    trial: Trial
    handlers: Mapping[str, Mapping[str, Handler]]
    on_parked: Mapping[str, OnParked | None]
    law: Law


@cache
def _made(trial_file: str = "") -> _Made:
    template = kept_in_ram("tocsin-template-")
    settings = Settings.load({"TOCSIN_VAR": str(template)} | ({"TOCSIN_TRIAL": trial_file} if trial_file else {}))
    clock = ManualClock(START)
    trial = runtime.load_trial(settings)
    roots = {
        "ae_intake": intake_main.build,
        "causality": causality_main.build,
        "sae_notifier": notifier_main.build,
        "dsmb": dsmb_main.build,
    }
    runtimes = {
        name: build(settings, clock, trial, MemoryLog(), Bell(clock=clock))[0]  # type: ignore[arg-type]
        for name, build in roots.items()
    }
    for one in runtimes.values():
        one.db.close()
    return _Made(
        template,
        settings,
        trial,
        {name: one.worker.handlers for name, one in runtimes.items()},
        {name: one.worker.on_parked for name, one in runtimes.items()},
        load_law(settings, trial),
    )


class Taker:
    """A channel that takes every message, or none; what it took survives a crash, as a mail that has left does."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.refuses = False

    async def hand_over(self, message: Message) -> str:
        if self.refuses:
            raise HandoverFailed("told to refuse")
        self.taken.append(message)
        return "250 taken"


@dataclass
class Service:
    """One service as a process holds it. `failing` lists event types whose handler raises."""

    name: str
    db: Database
    audit: Audit
    relay: Relay
    worker: Worker
    failing: set[str] = field(default_factory=set)
    handled: Counter[tuple[str, int]] = field(default_factory=Counter)


class World:
    """Everything that lasts is in `directory`, `log`, `mail` and `hooks`; everything else dies in a crash."""

    def __init__(self, *, at: datetime = START, trial_file: str = "") -> None:
        self._arguments = (trial_file,) if trial_file else ()
        made = _made(*self._arguments)
        self.directory = made_in_ram("tocsin-world-")
        for name in AUDITED:
            shutil.copy(made.template / f"{name}.db", self.directory)
        self.settings = made.settings
        self.trial = made.trial
        self.clock = ManualClock(at)
        self.log = MemoryLog()
        self.mail, self.hooks = Taker(), Taker()
        self.rung: Counter[str] = Counter()
        self.loop = asyncio.new_event_loop()
        keys = made.settings.audit_keys
        self.keys = AuditKeys(keys[0], tuple(keys[1:]))
        self._open()

    # A process begins and ends -----------------------------------------------------------------------------------

    def _open(self) -> None:
        made = _made(*self._arguments)
        self.services: dict[str, Service] = {}
        for name in AUDITED:
            db = Database(f"sqlite:///{self.directory / (name + '.db')}", name)
            audit = Audit(name, self.keys)
            relay = Relay(db, self.log, audit, self.clock, self.trial.id, self._ring)
            relay._sealed_at = math.inf  # `seal` decides when
            worker = Worker(
                db=db,
                bus=self.log,
                audit=audit,
                clock=self.clock,
                topics=READS.get(name, (SAFETY_TOPIC,)),
                handlers={},
                ring=self._ring,
                on_parked=made.on_parked[name],
                batch=7,
            )
            worker.breaker = Breaker(consecutive=10**9, ratio=2.0)  # it rests in real seconds
            service = Service(name, db, audit, relay, worker)
            worker.handlers = {kind: _watched(service, kind, one) for kind, one in made.handlers[name].items()}
            self.services[name] = service
        wakes = {name: one.relay.wake for name, one in self.services.items()}
        self.intake = Intake(self.trial, self.services["ae_intake"].audit, wakes["ae_intake"])
        self.causality = Causality(self.trial, self.services["causality"].audit, wakes["causality"])
        notifier = self.services["sae_notifier"]
        self.notifier = Notifier(self.trial, Laws(made.law), notifier.audit, Wake(), wakes["sae_notifier"])
        channels = {"mail": self.mail, "webhook": self.hooks}
        address = self.settings.base_url
        self.dispatcher = Dispatcher(notifier.db, self.notifier, self.clock, channels, address, self._ring)
        self.dsmb = Dsmb(self.trial, self.services["dsmb"].audit, wakes["dsmb"])
        self.submissions = Submissions(self.services["ae_intake"].db, self.intake, self.clock)

    def crash(self) -> None:
        """The processes are killed and started again."""
        failpoint.arm("")
        for one in self.services.values():
            one.db.close()
        self._open()

    def close(self) -> None:
        failpoint.arm("")
        for one in self.services.values():
            one.db.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getitem__(self, name: str) -> Service:
        return self.services[name]

    def _ring(self, kind: str, place: str) -> None:
        self.rung[kind] += 1

    @contextmanager
    def dying_at(self, name: str, nth: int = 1) -> Iterator[list[str]]:
        """Within the block the `nth` pass of a failpoint ends the processes, which then start again; says whether it did."""
        died: list[str] = []
        failpoint.arm(f"{name}=kill@{nth}")
        try:
            with mock.patch("shared.failpoint.os.kill", side_effect=Crash):
                yield died
        except Crash:
            died.append(name)
            self.crash()
        finally:
            failpoint.arm("")

    # Time passes, data moves -------------------------------------------------------------------------------------

    def drain(self, *, seal: bool = True) -> None:
        """Relay and apply until nothing moves."""
        for _ in range(50):
            published = sum([self.relay(name, seal=seal) for name in self.services])
            for name in self.services:
                self.consume(name)
            if not published:
                break
        else:
            raise AssertionError("the services answer each other without end")

    def relay(self, name: str, *, seal: bool = False) -> int:
        """One pass of one service's relay; seals first when told to."""
        service = self.services[name]
        if seal:
            service.db.transact(lambda tx: seal_now(tx, service.audit, self.trial.id, self.clock.now()))
        return self.loop.run_until_complete(service.relay.once())

    def consume(self, name: str) -> None:
        """The worker's own loop, until the log holds nothing new for it."""

        async def run() -> None:
            Quiet.stop = asyncio.Event()
            await self.services[name].worker.loop(Quiet.stop)

        with capture_logs():  # a parked event logs its traceback
            self.loop.run_until_complete(run())

    def hand_over(self) -> None:
        """Every call and mail that is due now."""

        async def run() -> None:
            while await self.dispatcher.hand_over_due():
                pass

        self.loop.run_until_complete(run())

    def tick(self, **units: float) -> None:
        """Advance the clock, then let the notifier's clock-driven loops run once."""
        self.clock.advance(**units)
        self.dispatcher.alarms.tick()
        self.dispatcher.alarms.rounds()
        self.dispatcher.alarms.replaced()

    # Judging -----------------------------------------------------------------------------------------------------

    def seals_on_the_log(self, owner: str) -> dict[int, str]:
        """Number -> MAC of every seal that this service published."""
        found = [one for one in self.log.all() if one.header("ce_type") == SEAL_TYPES[owner]]
        return {(data := json.loads(one.value))["number"]: data["mac"] for one in found}

    def verify(self, name: str) -> Verified:
        service = self.services[name]
        tables = (*PLUMBING, *AUDITED[name])
        return service.db.read(lambda tx: verify(tx, service.audit, tables, self.seals_on_the_log(name)))

    def assert_audit(self) -> None:
        for name in self.services:
            found = self.verify(name)
            assert found.ok, f"{name}: {found.breaches[:5]}"

    def read(self, name: str, fn: Callable[[Tx], object]) -> object:
        return self.services[name].db.read(fn)


def _watched(service: Service, kind: str, handler: Handler) -> Handler:
    """The real handler, counted once its transaction is durable, and told to fail on demand."""

    def run(tx: Tx, receipt: Receipt, now: datetime) -> None:
        if kind in service.failing:
            raise RuntimeError("told to fail")
        handler(tx, receipt, now)
        place = (receipt.event.aggregate, receipt.event.version)
        tx.after_commit(lambda: service.handled.update([place]))

    return run
