"""After other files were activated, here or elsewhere, every case is judged by them."""

from __future__ import annotations

import asyncio

from services.sae_notifier import store
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.handlers import activation
from shared.db import DatabaseAway
from shared.supervise import pause
from shared.telemetry import get_logger

log = get_logger(__name__)


class LawReview:
    """Any instance may do it; what one did the others find done."""

    def __init__(self, acting: Acting) -> None:
        self.acting = acting

    async def loop(self, stop: asyncio.Event) -> None:
        """Once a second: whether other files were activated, here or elsewhere; then every case is judged by them."""
        wait = 1.0
        while not await pause(stop, wait):
            try:
                wait = 60.0 if await asyncio.to_thread(self.review) is None else 1.0
            except DatabaseAway as error:
                log.warning("law.database_away", detail=str(error))

    def review(self) -> int | None:
        """Judge every case by the activation that stands, unless that was done; gives the duties that moved, None when a
        case could not be judged: it is tried again, and until then keeps the dates it has."""
        name = activation.law_name(self.acting.notifier.trial.id)
        if not self.acting.db.read(lambda tx: store.is_published(tx, name, 1)):
            self.acting.db.transact(
                lambda tx: activation.publish_first(self.acting.notifier, tx, self.acting.clock.now())
            )
        pending = self.acting.db.read(activation.to_review)
        if pending is None:
            return 0
        number, cases = pending
        now = self.acting.clock.now()
        moved = [
            self.acting.apart(
                f"case:{case_id}",
                lambda tx, s=subject_id, c=case_id: activation.review_case(self.acting.notifier, tx, s, c, now),
                failed=-1,
            )
            for subject_id, case_id in cases
        ]
        if -1 in moved:
            return None
        self.acting.db.transact(
            lambda tx: activation.reviewed(self.acting.notifier, tx, number, len(cases), self.acting.clock.now())
        )
        return sum(moved)
