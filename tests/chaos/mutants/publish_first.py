"""The event is put on the log before the transaction commits: a crash in between leaves an event about nothing."""

from __future__ import annotations

from typing import Any

from shared.audit import Written
from shared.bus import outbox
from tests.chaos.mutants.direct import publish_now, watch_relay


def apply() -> None:
    """`emit` publishes at once; the row is stored as already published."""
    emit = outbox.emit
    watch_relay()

    def emit_first(tx: Any, type_name: str, document: Any, **more: Any) -> Written:
        row = emit(tx, type_name, document, **more)
        publish_now(row)
        return row

    outbox.emit = emit_first  # type: ignore[assignment]
