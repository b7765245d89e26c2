"""Calls to the people on duty."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from services.sae_notifier import store
from services.sae_notifier.channels import Channel, Message
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.dispatch.handing import hand_over
from services.sae_notifier.dispatch.words import alert_words
from services.sae_notifier.handlers import alerts
from services.sae_notifier.store import CallRow
from shared import metrics
from shared.failpoint import hit


class Calls:
    """Each call is claimed, handed to its channel and settled; a claim that nobody settles is free again later."""

    def __init__(self, acting: Acting, channels: Mapping[str, Channel], base_url: str) -> None:
        self.acting, self.channels, self.base_url = acting, channels, base_url

    async def claim(self, now: datetime) -> list[CallRow]:
        return await asyncio.to_thread(self.acting.db.transact, lambda tx: alerts.claim(self.acting.notifier, tx, now))

    async def send(self, call: CallRow) -> None:
        alert = await asyncio.to_thread(self.acting.db.read, lambda tx: store.alert(tx, call.alert_id))
        assert alert is not None
        subject, text = alert_words(alert, self.base_url)
        data = {
            "alert_id": alert.alert_id,
            "kind": alert.kind,
            "case_number": alert.case_number or "",
            "threshold": alert.threshold or "",
            "link": f"{self.base_url}/alerts/{alert.alert_id}",
            "person": call.person,
        }
        error = await hand_over(
            self.channels, call.channel, Message(call.message_id, call.address, subject, text, data)
        )
        hit("notify.after_send")
        now = self.acting.clock.now()
        settled = await asyncio.to_thread(
            self.acting.db.transact, lambda tx: alerts.settle_call(self.acting.notifier, tx, call, error=error, now=now)
        )
        if settled.state == "sent" and call.round == 1 and call.step == 0:
            waited = max(0.0, (now - alert.opened_at).total_seconds())
            metrics.ALERT_HANDOVER_SECONDS.labels(service="sae_notifier", channel=call.channel).observe(waited)
        if settled.state == "failed":
            await asyncio.to_thread(self.acting.ring, "delivery_failed", f"call:{call.call_id}")
