"""No outbox: the event is sent by a background task after the commit. A crash in between loses it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from shared.audit import Written
from shared.bus import outbox
from tests.chaos.mutants.direct import publish_later, watch_relay

AFTER_S = 0.2


def apply() -> None:
    """`emit` stores the row as already published, so that the relay leaves it alone, and sends it after the commit."""
    emit = outbox.emit
    watch_relay()

    def emit_and_hope(tx: Any, type_name: str, document: Any, **more: Any) -> Written:
        row = emit(tx, type_name, document, **more)
        published = update(outbox.OutboxRow).where(outbox.OutboxRow.event_id == row.event_id)  # type: ignore[arg-type]
        tx.execute(published.values(published_at=row.created_at))
        tx.after_commit(lambda: publish_later(row, after_s=AFTER_S))
        return row

    outbox.emit = emit_and_hope  # type: ignore[assignment]
