"""No stored bytes: the file is made when it is sent, so that a repeat after a crash is another file under the same number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.dispatch.reports import Reports
from services.sae_notifier.e2b.hl7time import written_at
from services.sae_notifier.store import FormRow
from shared.canonical import sha256


def apply() -> None:
    """The times of the message are those of the attempt."""
    transmit = Reports._transmit

    async def make_and_transmit(self: Reports, filing: Any, document: FormRow) -> tuple[str | None, str, str]:
        numbers = self.acting.db.read(lambda tx: store.icsr(tx, filing.document_id))
        assert numbers is not None
        zone, times = self.acting.notifier.trial.desk_zone, (numbers.created_at, datetime.now(UTC))
        stored, now = (written_at(at, zone).encode() for at in times)
        content = bytes(document.content).replace(stored, now)
        made = FormRow(**{**document.model_dump(), "content": content, "sha256": sha256(content)})
        return await transmit(self, filing, made)

    Reports._transmit = make_and_transmit  # type: ignore[method-assign]
