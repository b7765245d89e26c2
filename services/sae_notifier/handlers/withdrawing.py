"""Words taken back in what this service made of them: a document that was never sent loses its bytes, and a mail that waits
gets a new document; what was sent stays as it was sent, and its page says so. Duties and their dates do not move."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.handlers import filings, telling
from services.sae_notifier.handlers.filings import Draft
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FilingRow, FormRow
from shared.audit import Audited
from shared.bus import outbox, redacted
from shared.bus.blanking import Taking
from shared.canonical import canonical
from shared.case import CaseRedacted
from shared.db import Tx


def blank(taking: Taking) -> None:
    """Unsent documents of the child; references, reasons and notes that a person typed beside them."""
    for row in store.unsent_forms(taking.tx, taking.child, taking.now):
        _withdraw(taking.tx, row, taking.document.redaction_id, taking.now, taking.change)
    told, answers = store.typed_about(taking.tx, taking.child)
    taking.plain(told, "reference")
    taking.plain(answers, "reference", "reasons", "proof_name")
    taking.plain(store.alerts(taking.tx, case_id=taking.document.case_id, limit=10_000), "note")


def _withdraw(tx: Tx, row: FormRow, redaction_id: str, now: datetime, change: Any) -> None:
    change(row, content=b"", withdrawn_at=now, withdrawn_by=redaction_id)
    sent = outbox.of_aggregate(tx, f"form/{row.document_id}")
    for one in sent:
        change(one, body=canonical(json.loads(one.body) | {"content_base64": None}).decode())


def withdraw_left(notifier: Notifier, tx: Tx, child: str, redaction_id: str, now: datetime) -> int:
    """Documents that somebody was sending while the words were taken back, and that did not leave after all."""
    notifier.audit.lock(tx, child)
    changed: list[Audited] = []

    def change(row: Audited, **values: Any) -> None:
        for name, value in values.items():
            setattr(row, name, value)
        tx.session.add(row)
        changed.append(row)

    rows = store.unsent_before(tx, child, now)
    for row in rows:
        _withdraw(tx, row, redaction_id, now, change)
    if rows:
        tx.session.flush()
        notifier.audit.record(
            tx,
            stream=child,
            actor="system",
            action="withdrew documents that were not sent",
            at=now,
            detail={"redaction_id": redaction_id},
            rows=changed,
        )
        tx.after_commit(tx.forget)
    return len(rows)


def drafted_again(notifier: Notifier, tx: Tx, row: FilingRow, now: datetime) -> Draft:
    """The same form of the same case version, as it says it now."""
    before = store.form(tx, row.document_id)
    kind = before.kind if before is not None else None
    return filings.draft(notifier, tx, row.obligation_id, now, kind=kind, case_version=row.case_version)


def remade(notifier: Notifier, tx: Tx, filing_id: str, made: Draft, pdf: bytes, now: datetime) -> FilingRow | None:
    """Put the new document under the mail that waits: same number, same duty, same dates. None when it was dealt with."""
    seen = store.filing(tx, filing_id)
    assert seen is not None
    notifier.audit.lock(tx, seen.subject_id)
    row = store.filing(tx, filing_id, lock=True)
    assert row is not None
    before = store.form(tx, row.document_id)
    if row.state != "waiting" or before is None or before.withdrawn_at is None:
        return None
    document = filings.keep_form(notifier, tx, made, pdf, "system", now, again=True)
    row.document_id = document.document_id
    row.next_attempt_at, row.error = None, None
    told = telling.filing_changed(notifier, tx, row, [], now)
    tx.session.add(row)
    tx.session.flush()
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor="system",
        action="made the document of a waiting mail again, without words that were taken back",
        at=now,
        rows=[row, told],
        detail={"document_id": document.document_id, "instead_of": before.document_id},
    )
    tx.after_commit(notifier.wake.set)
    return row


def later(tx: Tx, case_id: str, subject_id: str, forms: Sequence[dict[str, Any]]) -> dict[str, CaseRedacted]:
    """Sent documents that may show words which were taken back after they were made: the first redaction after each.

    A form shows its own case up to its version, and the child's exposures, batches and measurements.
    """
    sent = store.sent_forms(tx, subject_id)
    found: dict[str, CaseRedacted] = {}
    for one in redacted.of_child(tx, subject_id):
        for form in forms:
            if form["document_id"] in sent and form["made_at"] < one.recorded_at and _shows(one, case_id, form):
                found.setdefault(form["document_id"], one)
    return found


def _shows(one: CaseRedacted, case_id: str, form: dict[str, Any]) -> bool:
    mine = f"case/{case_id}"
    return any(
        text.version <= form["case_version"] if text.aggregate == mine else not text.aggregate.startswith("case/")
        for text in one.texts
    )
