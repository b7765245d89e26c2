"""What every loop has: the database, the notifier, the clock, and the bell of last resort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.sae_notifier.handlers import Notifier
from shared.alarm import Kind
from shared.clock import Clock
from shared.db import Database, DatabaseAway, Tx
from shared.telemetry import get_logger

log = get_logger(__name__)


@dataclass(frozen=True)
class Acting:
    """`ring(kind, place)` reaches people when the machinery itself is in danger."""

    db: Database
    notifier: Notifier
    clock: Clock
    ring: Callable[[Kind, str], object]

    def apart(self, place: str, unit: Callable[[Tx], int], *, failed: int = 0) -> int:
        """One duty that cannot be computed must not silence the alarms of the others: the bell rings for it instead."""
        try:
            return self.db.transact(unit)
        except DatabaseAway:
            raise
        except Exception as error:
            log.error("deadline.failed", place=place, error_type=type(error).__name__)
            self.ring("deadline_engine_failed", place)
            return failed
