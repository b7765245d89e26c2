"""What came back from the computers of recipients, and what did not come in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from services.sae_notifier import store
from services.sae_notifier.channels import Gateway, HandoverFailed
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.handlers import acks
from shared.db import DatabaseAway
from shared.failpoint import hit
from shared.supervise import pause
from shared.telemetry import get_logger

log = get_logger(__name__)
ANSWERS_S = 2.0
CLOSED_FOR = timedelta(minutes=10)
"""A rejection nobody can read is a clock that runs unseen."""


class Answers:
    """`gateways` by the name of their endpoint."""

    def __init__(self, acting: Acting, gateways: Mapping[str, Gateway]) -> None:
        self.acting, self.gateways = acting, gateways
        self._closed_since: dict[str, datetime] = {}

    async def loop(self, stop: asyncio.Event) -> None:
        """Every few seconds: what came back on each way. One that is closed keeps nobody else waiting."""
        while not await pause(stop, ANSWERS_S):
            try:
                await self.fetch()
            except DatabaseAway as error:
                log.warning("answers.database_away", detail=str(error))

    async def fetch(self) -> int:
        """One pass over every way; returns how many files were taken."""
        return sum(await asyncio.gather(*(self._fetch(name, one) for name, one in self.gateways.items())))

    async def _fetch(self, endpoint: str, gateway: Gateway) -> int:
        """Kept first, then taken away over there: a crash between shows the same file again, and it is known."""
        try:
            async with asyncio.timeout(30.0):
                waiting = await gateway.answers()
        except Exception as failed:  # whatever another side can make of its answers, the other ways go on
            known = isinstance(failed, HandoverFailed | TimeoutError)
            detail = (str(failed) or "no answer in time") if known else type(failed).__name__
            log.warning("answers.way_closed", place=endpoint, detail=detail)
            if self.acting.clock.now() - self._closed_since.setdefault(endpoint, self.acting.clock.now()) >= CLOSED_FOR:
                await asyncio.to_thread(self.acting.ring, "answers_closed", f"answers:{endpoint}")
            return 0
        self._closed_since.pop(endpoint, None)
        taken = 0
        for one in waiting:
            arrived = acks.Arrived(one.content, endpoint, one.name)
            now = self.acting.clock.now()
            try:
                await asyncio.to_thread(
                    self.acting.db.transact, lambda tx, a=arrived, at=now: acks.take(self.acting.notifier, tx, a, at)
                )
            except DatabaseAway:
                raise
            except Exception as error:
                log.error("answers.failed", place=endpoint, error_type=type(error).__name__)
                await asyncio.to_thread(self.acting.ring, "answer_failed", f"answers:{endpoint}")
                continue
            hit("ack.after_take")
            taken += 1
            try:
                await gateway.done_with(one.name)
            except HandoverFailed as failed:
                log.warning("answers.way_closed", place=endpoint, detail=str(failed))
        return taken

    def missed(self) -> int:
        """Alarm every acknowledgement that did not come in time."""
        now = self.acting.clock.now()
        late = self.acting.db.read(lambda tx: [(row.filing_id, row.subject_id) for row in store.unanswered(tx, now)])
        return sum(
            self.acting.apart(
                f"filing:{filing_id}",
                lambda tx, f=filing_id, s=subject_id: acks.missed(self.acting.notifier, tx, f, s, now),
            )
            for filing_id, subject_id in late
        )
