"""Making a form or an electronic report: read, typeset or judged outside any transaction, store."""

from __future__ import annotations

from typing import Any

from services.sae_notifier import store
from services.sae_notifier.handlers import documents, icsr
from services.sae_notifier.handlers.documents import Draft
from services.sae_notifier.handlers.icsr import IcsrDraft
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FormRow
from shared.bus.idempotency import once
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound

ROUTE = "POST /ledger/{obligation_id}/documents"


def make(db: Database, notifier: Notifier, clock: Clock, obligation_id: str, user_id: str, kind: str | None) -> FormRow:
    """What was asked for by `kind` (a form's, or `e2b_r3`), else what this recipient wants."""
    duty = db.read(lambda tx: store.obligation(tx, obligation_id))
    if duty is None:
        raise NotFound("no duty by that id")
    recipient = notifier.trial.recipient(duty.recipient_id)
    if (kind or (recipient and recipient.report_format)) == icsr.KIND:
        return make_icsr(db, notifier, clock, obligation_id, user_id)
    return make_form(db, notifier, clock, obligation_id, user_id, kind=kind)


def make_form(
    db: Database,
    notifier: Notifier,
    clock: Clock,
    obligation_id: str,
    user_id: str,
    key: str | None = None,
    kind: str | None = None,
) -> FormRow:
    """The form of this duty from the newest case version, for its recipient; from the same facts it is the same document.

    Takes seconds of CPU; call it in a thread. `key`: of the page's form, so that pressed twice it makes one. `kind`: which
    form, else the one the recipient wants. Raises Refused for one we do not make.
    """

    def read(tx: Tx) -> tuple[Draft, FormRow | None]:
        made = documents.draft(notifier, tx, obligation_id, clock.now(), kind)
        return made, documents.made_before(tx, made)

    made, known = db.read(read)
    if known is not None and key is None:
        return known
    pdf = bytes(known.content) if known is not None else documents.typeset(made)[0]

    def keep(tx: Tx) -> FormRow:
        def act() -> dict[str, Any]:
            return {"document_id": documents.keep_form(notifier, tx, made, pdf, user_id, clock.now()).document_id}

        said = {"client": user_id, "route": ROUTE, "key": key, "body": f"{obligation_id} {made.kind}"}
        answer = once(tx, notifier.audit, act, now=clock.now(), **said)[0]
        row = store.form(tx, answer["document_id"])
        assert row is not None
        return row

    return db.transact(keep)


def make_icsr(
    db: Database, notifier: Notifier, clock: Clock, obligation_id: str, user_id: str, key: str | None = None
) -> FormRow:
    """As `make_form`, for the recipient's computer. Raises SchemasMissing: what cannot be judged is not made."""

    def read(tx: Tx) -> tuple[IcsrDraft, FormRow | None]:
        made = icsr.draft(notifier, tx, obligation_id, clock.now())
        return made, icsr.made_before(tx, made)

    made, known = db.read(read)
    if known is not None and key is None:
        return known
    prepared = icsr.judged(notifier, made, clock.now())

    def keep(tx: Tx) -> FormRow:
        def act() -> dict[str, Any]:
            return {"document_id": icsr.keep(notifier, tx, made, prepared, user_id, clock.now()).document_id}

        said = {"client": user_id, "route": f"{ROUTE}/e2b", "key": key, "body": obligation_id}
        answer = once(tx, notifier.audit, act, now=clock.now(), **said)[0]
        row = store.form(tx, answer["document_id"])
        assert row is not None
        return row

    return db.transact(keep)
