"""No memory of versions: what is delivered last wins, and every delivery of a serious case calls again."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import delete

from shared.bus import received
from shared.bus.received import Fate, ReceivedRow

_delivered = threading.local()


def apply() -> None:
    """`receive` forgets what is newer; alerts are opened per delivery, as a handler without an inbox would."""
    receive = received.receive

    def take_as_newest(tx: Any, event: Any, **place: Any) -> tuple[Fate, ReceivedRow]:
        _delivered.place = f"{place['partition']}@{place['offset']}"
        _delivered.version = event.version
        known = delete(ReceivedRow).where(
            ReceivedRow.aggregate == event.aggregate,  # type: ignore[arg-type]
            ReceivedRow.version >= event.version,  # type: ignore[arg-type]
        )
        tx.execute(known)
        _, row = receive(tx, event, **place)
        return Fate.NEWER, row

    received.receive = take_as_newest
    from shared.bus import worker

    worker.receive = take_as_newest  # type: ignore[attr-defined]
    from services.sae_notifier.handlers import alerts

    case_alerts = alerts.case_alerts

    def per_delivery(versions: Any) -> list[Any]:
        return [
            (f"{cause}/{_delivered.place}", kind, case)
            for cause, kind, case in case_alerts(versions)
            if case.version == _delivered.version
        ]

    alerts.case_alerts = per_delivery
