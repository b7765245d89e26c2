"""The loops that act on the world: calls and reports, answers, alarms by the clock, new rounds. Any instance may run all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from services.sae_notifier.channels import Channel, Gateway
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.dispatch.alarms import Alarms
from services.sae_notifier.dispatch.answers import Answers
from services.sae_notifier.dispatch.calls import Calls
from services.sae_notifier.dispatch.law_review import LawReview
from services.sae_notifier.dispatch.reports import Reports
from services.sae_notifier.dispatch.taken_back import TakenBack
from services.sae_notifier.handlers import Notifier
from shared.alarm import Kind
from shared.clock import Clock
from shared.db import Database, DatabaseAway
from shared.failpoint import hit
from shared.supervise import Supervisor, pause
from shared.telemetry import get_logger

log = get_logger(__name__)
POLL_S = 0.5


class Dispatcher:
    """`channels` by kind (`mail`, `webhook`), `gateways` by endpoint; `ring(kind, place)` is the bell of last resort."""

    def __init__(
        self,
        db: Database,
        notifier: Notifier,
        clock: Clock,
        channels: Mapping[str, Channel],
        base_url: str,
        ring: Callable[[Kind, str], object],
        gateways: Mapping[str, Gateway] | None = None,
    ) -> None:
        self.acting = Acting(db, notifier, clock, ring)
        self.calls = Calls(self.acting, channels, base_url)
        self.reports = Reports(self.acting, channels, gateways or {})
        self.answers = Answers(self.acting, gateways or {})
        self.alarms = Alarms(self.acting, self.answers.missed)
        self.law = LawReview(self.acting)
        self.taken_back = TakenBack(self.acting)

    def start(self, supervisor: Supervisor) -> None:
        """Each loop by its own name, so that one that dies is named by the bell and started again alone."""
        supervisor.add("calls", self.loop)
        supervisor.add("alarms", self.alarms.loop)
        supervisor.add("answers", self.answers.loop)
        supervisor.add("law", self.law.loop)
        supervisor.add("taken_back", self.taken_back.loop)

    async def loop(self, stop: asyncio.Event) -> None:
        """Hand over due calls and reports at once when woken, at the latest every half second."""
        while not stop.is_set():
            await self.acting.notifier.wake.wait(POLL_S)
            try:
                while await self.hand_over_due() and not stop.is_set():
                    pass
            except DatabaseAway as error:
                log.warning("dispatch.database_away", detail=str(error))
                await pause(stop, 1.0)

    async def hand_over_due(self) -> int:
        """One pass: claim, send at the same time, settle each; returns how many were tried."""
        now = self.acting.clock.now()
        calls, reports = await self.calls.claim(now), await self.reports.claim(now)
        if calls or reports:
            hit("notify.after_claim")
        await asyncio.gather(
            *(self.calls.send(call) for call in calls), *(self.reports.send(filing) for filing in reports)
        )
        return len(calls) + len(reports)
