"""The consumer's position is moved before the effect is written: a crash in between skips the events."""

from __future__ import annotations

import time
from collections.abc import Sequence

from shared.bus import worker
from shared.bus.port import Delivery


def apply() -> None:
    """Two transactions where there is one."""
    one_by_one = worker.Worker._apply

    def advance_then_apply(self: worker.Worker, run: Sequence[Delivery]) -> None:
        self.db.transact(lambda tx: self._advance(tx, run))
        advance = self._advance
        self._advance = lambda tx, run: None  # type: ignore[method-assign, assignment]
        try:
            self.db.transact(lambda tx: one_by_one(self, tx, run))
        finally:
            self._advance = advance  # type: ignore[method-assign]
        self.consumed += len(run)
        self.last_effect = time.monotonic()
        self.breaker.success(len(run))

    worker.Worker.apply = advance_then_apply  # type: ignore[method-assign]
