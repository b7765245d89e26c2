"""Before a service acts: does its own log know more than its database? Then it is held.

*Unverified* (at the start, and when another database server answers than before): nothing is relayed, consumed or changed
until the log has been read; only new reports are taken in, since a bedside must never be turned away, and their numbers
jump ahead so that none is given twice. *Held*: nothing at all is written or sent until a named person has released it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Literal

from shared import metrics
from shared.alarm import Kind
from shared.audit import Audit
from shared.bus import hold, own
from shared.bus.port import Bus, BusUnavailable
from shared.clock import Clock
from shared.db import Database, DatabaseAway, Tx, Way
from shared.supervise import pause
from shared.telemetry import get_logger

log = get_logger(__name__)
LOOK_S = 1.0
TRY_AGAIN_S = 60.0
State = Literal["unverified", "held", "open"]
Reconsider = Callable[[Tx, str, datetime], object]
"""Judge one child anew: the effect that its newest documents would have had; the child's stream is locked."""


class Guard:
    """Stands at the door of one service's database. `skip` moves the service's numbers ahead, where it has any."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        audit: Audit,
        clock: Clock,
        ring: Callable[[Kind, str], object],
        *,
        reads: Collection[str],
        reconsider: Reconsider | None = None,
        skip: Callable[[Tx], None] | None = None,
    ) -> None:
        self.db, self.bus, self.audit, self.clock, self.ring = db, bus, audit, clock, ring
        self.reads, self.reconsider, self.skip = reads, reconsider, skip
        self._doubts = 0
        self._skipped = False
        self._later: dict[str, float] = {}
        self.be("unverified")
        db.gate, db.on_another_server = self.admit, self.doubt

    def be(self, state: State) -> None:
        self.state: State = state
        metrics.HELD.labels(service=self.audit.service).set(0 if state == "open" else 1)

    def admit(self, way: Way) -> None:
        """Raises Held or Unverified, which every loop treats like a database that is away, and a client sees as 503."""
        if self.state == "open" or way == "repair" or (way == "report" and self.state == "unverified"):
            return
        raise Held() if self.state == "held" else Unverified()

    def doubt(self) -> None:
        """Another server answers: it may lack the last transactions, whatever is being compared right now."""
        self._doubts += 1
        if self.state == "open":
            self.be("unverified")

    async def look(self) -> None:
        """Compare the log with the database once. Raises BusUnavailable, DatabaseAway; the state then stays."""
        doubts = self._doubts
        if await asyncio.to_thread(self.db.read, hold.current) is not None:
            await self._hold()
            return
        missing = await own.count_missing(self.bus, self.db, self.audit.service, self.reads)
        if missing:
            self.be("held")  # first of all: what follows may fail, and nothing may be written meanwhile
            await asyncio.to_thread(
                self.db.transact,
                lambda tx: hold.begin(tx, self.audit, reason="log_ahead", missing=missing, now=self.clock.now()),
                way="repair",
            )
            await self._hold()
        elif doubts == self._doubts:
            self.be("open")
            self._skipped = False

    async def loop(self, stop: asyncio.Event) -> None:
        """Until `stop`: verify what is unverified, go by the hold that stands, judge anew whom a restore brought back."""
        while not stop.is_set():
            try:
                await self.step()
            except BusUnavailable as error:
                log.warning("guard.log_away", state=self.state, detail=str(error)[:200])
                await self._jump()
            except DatabaseAway as error:
                log.warning("guard.database_away", state=self.state, detail=str(error)[:200])
            await pause(stop, LOOK_S)

    async def step(self) -> None:
        """One round of the loop."""
        if self.state == "unverified":
            await self.look()
            return
        stands = await asyncio.to_thread(self.db.read, hold.current) is not None
        if stands and self.state == "open":
            await self._hold()
        elif not stands and self.state == "held":
            self.be("unverified")
            await self.look()
        if self.state == "open" and self.reconsider is not None:
            await asyncio.to_thread(self._judge_anew, self.reconsider)

    async def _hold(self) -> None:
        log.critical("guard.held", service=self.audit.service)
        self.be("held")
        await asyncio.to_thread(self.ring, "held", self.audit.service)

    async def _jump(self) -> None:
        """The log cannot be asked which numbers were given: leave a gap, once."""
        if self.state == "unverified" and self.skip is not None and not self._skipped:
            with contextlib.suppress(DatabaseAway):
                await asyncio.to_thread(self.db.transact, self.skip, way="repair")
                self._skipped = True

    def _judge_anew(self, reconsider: Reconsider) -> None:
        """Each waiting child in a transaction of its own; one that cannot be judged rings, and waits while others go on."""
        row = self.db.read(hold.unfinished)
        for child in row.waiting() if row is not None else ():
            if self._later.get(child, 0.0) > time.monotonic():
                continue

            def unit(tx: Tx, child: str = child) -> None:
                now = self.clock.now()
                self.audit.lock(tx, child)
                reconsider(tx, child, now)
                hold.done_with(tx, self.audit, child, now)

            try:
                self.db.transact(unit)
            except DatabaseAway:
                raise
            except Exception as error:
                log.error("guard.not_judged", error_type=type(error).__name__)
                self._later[child] = time.monotonic() + TRY_AGAIN_S
                self.ring("not_judged_anew", self.audit.service)


class Held(DatabaseAway):
    """The database knows less than the log."""

    code = "held"
    title = "This service is held after a restore until a named person releases it"


class Unverified(DatabaseAway):
    """Whether the database knows less than the log is being found out."""

    code = "unverified"
    title = "This service is comparing its database with the log; try again"
