"""What happens because time passes: thresholds, rounds that ended unheard, cases that were replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.sae_notifier import store
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.handlers import alerts, duties
from shared.db import DatabaseAway, Tx
from shared.supervise import pause
from shared.telemetry import get_logger

log = get_logger(__name__)


class Alarms:
    """`missed` alarms the answers that did not come in time."""

    def __init__(self, acting: Acting, missed: Callable[[], int]) -> None:
        self.acting, self.missed = acting, missed

    async def loop(self, stop: asyncio.Event) -> None:
        """Once a second: thresholds that have passed, rounds that ended unheard, replaced cases. Runs apart from consuming."""
        beat = 0
        while not await pause(stop, 1.0):
            beat += 1
            try:
                await asyncio.to_thread(self.tick)
                if beat % 3 == 0:
                    await asyncio.to_thread(self.rounds)
                if beat % 10 == 0:
                    await asyncio.to_thread(self.replaced)
                    await asyncio.to_thread(self.missed)
            except DatabaseAway as error:
                log.warning("alarms.database_away", detail=str(error))

    def tick(self) -> int:
        """Raise every alarm whose time has come; returns how many thresholds were recorded."""
        now = self.acting.clock.now()
        due = self.acting.db.read(lambda tx: [(row.obligation_id, row.subject_id) for row in duties.near(tx, now)])
        return sum(
            self.acting.apart(
                obligation_id,
                lambda tx, o=obligation_id, s=subject_id: duties.raise_alarms(self.acting.notifier, tx, o, s, now),
            )
            for obligation_id, subject_id in due
        )

    def rounds(self) -> int:
        now = self.acting.clock.now()
        waiting = self.acting.db.read(lambda tx: [row.alert_id for row in store.open_alerts_without_waiting_calls(tx)])
        begun = 0
        for alert_id in waiting:
            if self.acting.apart(
                f"alert:{alert_id}", lambda tx, a=alert_id: int(alerts.next_round(self.acting.notifier, tx, a, now))
            ):
                begun += 1
                self.acting.ring("roster_exhausted", f"alert:{alert_id}")
        return begun

    def replaced(self) -> int:
        """Evaluate void cases and their replacements again: each may be another child's."""
        now = self.acting.clock.now()
        pairs = self.acting.db.read(lambda tx: duties.replaced_pairs(tx, now))

        def unit(subject_id: str, case_id: str) -> int:
            def run(tx: Tx) -> int:
                self.acting.notifier.audit.lock(tx, subject_id)
                return len(duties.evaluate_case(self.acting.notifier, tx, case_id, now))

            return self.acting.apart(f"case:{case_id}", run)

        return sum(unit(subject_id, case_id) for subject_id, case_id in pairs)
