"""Before a service acts: does its own log know more than its database? Then it is held.

*Unverified* (at the start, and when another database server answers than before): nothing is relayed, consumed or changed
until the log has been read; only new reports are taken in, since a bedside must never be turned away, and their numbers
jump ahead so that none is given twice. *Held*: nothing at all is written or sent until a named person has released it.
"""

from __future__ import annotations

import asyncio
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
        self.state: Literal["unverified", "held", "open"] = "unverified"
        self._skipped = False
        db.gate, db.on_another_server = self.admit, self.doubt

    def admit(self, way: Way) -> None:
        """Raises HeldAway, which every loop treats like a database that is away, and a client sees as 503."""
        if self.state == "open" or way == "repair" or (way == "report" and self.state == "unverified"):
            return
        raise HeldAway(self.state)

    def doubt(self) -> None:
        """Another server answers: it may lack the last transactions."""
        if self.state == "open":
            self.state = "unverified"

    async def look(self) -> None:
        """Compare the log with the database once. Raises BusUnavailable, DatabaseAway; the state then stays."""
        if await asyncio.to_thread(self.db.read, hold.current) is not None:
            self._held()
            return
        missing = await own.count_missing(self.bus, self.db, self.audit.service, self.reads)
        if missing:
            self.state = "held"
            await asyncio.to_thread(
                self.db.transact,
                lambda tx: hold.begin(tx, self.audit, reason="log_ahead", missing=missing, now=self.clock.now()),
                way="repair",
            )
            self._held()
        else:
            self.state, self._skipped = "open", False
        metrics.HELD.labels(service=self.audit.service).set(0 if self.state == "open" else 1)

    async def loop(self, stop: asyncio.Event) -> None:
        """Until `stop`: verify what is unverified, go by the hold that stands, judge anew whom a restore brought back."""
        while not stop.is_set():
            try:
                await self._once()
            except (BusUnavailable, DatabaseAway) as error:
                log.warning("guard.away", state=self.state, detail=str(error)[:200])
                await self._jump()
            await pause(stop, LOOK_S if self.state != "unverified" else 0.5)

    async def _once(self) -> None:
        if self.state == "unverified":
            await self.look()
            return
        held = await asyncio.to_thread(self.db.read, hold.current)
        if held is not None and self.state == "open":
            self._held()
        elif held is None and self.state == "held":
            self.state = "unverified"
            await self.look()
        if self.state == "open" and self.reconsider is not None:
            await asyncio.to_thread(self._judge_anew)

    def _held(self) -> None:
        if self.state != "held":
            log.critical("guard.held", service=self.audit.service)
        self.state = "held"
        metrics.HELD.labels(service=self.audit.service).set(1)
        self.ring("held", self.audit.service)

    async def _jump(self) -> None:
        if self.state != "unverified" or self.skip is None or self._skipped:
            return
        try:
            await asyncio.to_thread(self.db.transact, self.skip, way="repair")
            self._skipped = True
        except DatabaseAway:
            pass

    def _judge_anew(self) -> None:
        row = self.db.read(hold.unfinished)
        for child in row.waiting() if row is not None else ():

            def unit(tx: Tx, child: str = child) -> None:
                assert self.reconsider is not None
                now = self.clock.now()
                self.audit.lock(tx, child)
                self.reconsider(tx, child, now)
                hold.done_with(tx, self.audit, child, now)

            self.db.transact(unit)


class HeldAway(DatabaseAway):
    """The database may not be written now."""

    code = "held"
    title = "This service is held after a restore until a named person releases it"

    def __init__(self, state: str) -> None:
        super().__init__(f"the service is {state}")
        if state == "unverified":
            self.code, self.title = "unverified", "This service is comparing its database with the log; try again"
        self.detail = self.title
