"""Documents whose words were taken back before they left are made again."""

from __future__ import annotations

import asyncio

from services.sae_notifier import store
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.handlers import documents, icsr, withdrawing
from services.sae_notifier.store import FilingRow
from shared.db import DatabaseAway
from shared.errors import Conflict
from shared.supervise import pause
from shared.telemetry import get_logger

log = get_logger(__name__)


class TakenBack:
    """A child's reports go on in their order; what cannot be made again rings and keeps no other waiting."""

    def __init__(self, acting: Acting) -> None:
        self.acting = acting

    async def loop(self, stop: asyncio.Event) -> None:
        """Every two seconds: what waits and whose document may not leave gets a new one; nobody waits for it, so it is made here."""
        while not await pause(stop, 2.0):
            try:
                await asyncio.to_thread(self.make_again)
            except DatabaseAway as error:
                log.warning("taken_back.database_away", detail=str(error))

    def make_again(self) -> int:
        """One pass; returns how many documents were made again."""
        now = self.acting.clock.now()
        for child, redaction in self.acting.db.read(lambda tx: store.left_to_withdraw(tx, now)):
            self.acting.apart(
                f"child:{redaction}",
                lambda tx, c=child, r=redaction: withdrawing.withdraw_left(self.acting.notifier, tx, c, r, now),
            )
        done, stuck = 0, set[tuple[str, str]]()
        for row in self.acting.db.read(store.to_remake):
            place = (row.case_id, row.recipient_id)
            # Of one case, for one recipient, the older first: a report made later has a later time in it.
            made = False if place in stuck else self._make_again(row)
            done += bool(made)
            if made is None:
                stuck.add(place)
        return done

    def _make_again(self, row: FilingRow) -> bool | None:
        """Whether it was made; None when it could not be: that must not keep the others waiting, so the bell rings, and it
        is tried again."""
        try:
            if row.method == "gateway":
                return self._tell_anew(row)
            made = self.acting.db.read(
                lambda tx: withdrawing.drafted_again(self.acting.notifier, tx, row, self.acting.clock.now())
            )
            pdf = documents.typeset(made)[0]
            now = self.acting.clock.now()
            done = self.acting.db.transact(
                lambda tx: withdrawing.remade(self.acting.notifier, tx, row.filing_id, made, pdf, now)
            )
        except DatabaseAway:
            raise
        except Conflict:  # words were taken back meanwhile: the next pass reads again
            return None
        except Exception as error:
            log.error("taken_back.not_made", filing_id=row.filing_id, error_type=type(error).__name__)
            self.acting.ring("delivery_failed", f"filing:{row.filing_id}")
            return None
        return done is not None

    def _tell_anew(self, row: FilingRow) -> bool:
        made = self.acting.db.read(
            lambda tx: withdrawing.drafted_anew(self.acting.notifier, tx, row, self.acting.clock.now())
        )
        now = self.acting.clock.now()
        prepared = icsr.judged(self.acting.notifier, made, now)
        document = self.acting.db.transact(
            lambda tx: withdrawing.told_anew(self.acting.notifier, tx, row.filing_id, made, prepared, now)
        )
        return document is not None
