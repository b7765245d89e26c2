"""Making a form: read, typeset outside any transaction, store."""

from __future__ import annotations

from services.sae_notifier.handlers import filings
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FormRow
from shared.clock import Clock
from shared.db import Database


def make_form(db: Database, notifier: Notifier, clock: Clock, obligation_id: str, user_id: str) -> FormRow:
    """The form of this duty from the newest case version, for its recipient. Takes seconds of CPU; call it in a thread."""
    made = db.read(lambda tx: filings.draft(notifier, tx, obligation_id, clock.now()))
    pdf, _, _ = filings.typeset(made)
    return db.transact(lambda tx: filings.keep_form(notifier, tx, made, pdf, user_id, clock.now()))
