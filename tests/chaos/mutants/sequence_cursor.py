"""The relay reads everything after the last position it has sent, and a position is taken before the child's lock.

A sequence number is not a commit order: what commits late under a lower number is never seen again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, text

from shared.audit import Written
from shared.bus import outbox, relay
from shared.bus.outbox import OutboxRow
from shared.db import Database, Tx

_NEXT = text("SELECT nextval(pg_get_serial_sequence('outbox', 'position'))")


def apply() -> None:
    """Every transaction of ae_intake draws its positions first; `emit` uses them."""
    run = Database._run

    def reserve_then_run(self: Database, fn: Any, *more: Any) -> Any:
        def unit(tx: Tx) -> Any:
            tx.session.info["positions"] = [tx.scalar(_NEXT) for _ in range(4)]
            return fn(tx)

        return run(self, unit if self.schema == "ae_intake" else fn, *more)

    Database._run = reserve_then_run  # type: ignore[method-assign]
    emit = outbox.emit

    def emit_under_reserved(tx: Tx, type_name: str, document: Any, **more: Any) -> Written:
        row = emit(tx, type_name, document, **more)
        if positions := tx.session.info.get("positions"):
            move = text("UPDATE outbox SET position = :position WHERE event_id = :event_id")
            tx.execute(move, {"position": positions.pop(0), "event_id": row.event_id})
        return row

    outbox.emit = emit_under_reserved

    def after_the_last(tx: Tx, limit: int) -> list[OutboxRow]:
        sent = select(func.max(OutboxRow.position)).where(OutboxRow.published_at.is_not(None))  # type: ignore[union-attr]
        last = tx.scalar(sent) or 0
        statement = select(OutboxRow).where(OutboxRow.position > last).order_by(OutboxRow.position).limit(limit)  # type: ignore[operator, arg-type]
        return list(tx.session.execute(statement).scalars())

    outbox.unpublished = after_the_last
    relay.unpublished = after_the_last  # type: ignore[attr-defined]
