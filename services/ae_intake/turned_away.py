"""Somebody hears of every submission that could not be taken: it called nobody by the roster."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from services.ae_intake import store
from shared.bus.worker import Ring
from shared.clock import Clock
from shared.db import Database, DatabaseAway
from shared.supervise import pause

LOOK_S = 5.0
AGAIN = timedelta(hours=24)
"""As long as one stands open, the bell is rung again after so long."""


class TurnedAway:
    """Rings `submission_rejected` when a rejected submission came, and daily while one stands open."""

    def __init__(self, db: Database, clock: Clock, ring: Ring) -> None:
        self._db, self._clock, self._ring = db, clock, ring
        self._newest: datetime | None = None
        self._rung: datetime | None = None

    async def loop(self, stop: asyncio.Event) -> None:
        while not await pause(stop, LOOK_S):
            try:
                await asyncio.to_thread(self.look)
            except DatabaseAway:
                continue

    def look(self) -> bool:
        """One look; True when the bell was rung. What stood open before a restart is told once more."""
        newest = self._db.read(store.newest_rejected)
        if newest is None:
            self._newest = self._rung = None
            return False
        now = self._clock.now()
        known = self._newest is not None and newest.at <= self._newest
        if known and self._rung is not None and now < self._rung + AGAIN:
            return False
        self._ring("submission_rejected", f"rejected/{newest.rejected_id}")
        self._newest, self._rung = newest.at, now
        return True
