"""Words taken back in what this service made of them: a document that was never sent loses its bytes, and a mail that waits
gets a new document under its number; a telling by computer gets a new file with a number of its own. What was sent, or may
have been, stays as it was, and its page says so. Duties and their dates do not move."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.e2b import Prepared
from services.sae_notifier.handlers import consequence, documents, filings, icsr, telling
from services.sae_notifier.handlers.documents import Draft
from services.sae_notifier.handlers.icsr import IcsrDraft
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FilingRow, FormRow
from shared.audit import Audited
from shared.bus import outbox, redacted
from shared.bus.blanking import Taking
from shared.canonical import canonical
from shared.case import CaseRedacted, Obligation
from shared.db import Tx


def blank(taking: Taking) -> None:
    """Unsent documents of the child; references, reasons and notes that a person typed beside them."""
    tx = taking.tx
    for row in store.not_withdrawn(tx, taking.child):
        if store.on_its_way(tx, row.document_id, taking.now):
            taking.change(row, withdrawn_by=taking.document.redaction_id)
        else:
            _withdraw(tx, row, taking.document.redaction_id, taking.now, taking.change)
    for duty in store.stated_about(tx, taking.child):
        body = taking.body(Obligation, f"obligation/{duty.obligation_id}", duty.version, duty.body)
        if body is not None:
            taking.change(duty, body=body)
    told, answers = store.typed_about(tx, taking.child)
    taking.plain(told, "reference")
    taking.plain(answers, "reference", "reasons", "proof_name")
    taking.plain(store.acks_about(tx, taking.child), "name", "closed_reason")
    taking.plain(store.alerts(tx, case_id=taking.document.case_id, limit=10_000), "note")


def _withdraw(tx: Tx, row: FormRow, redaction_id: str, now: datetime, change: Any) -> None:
    """It leaves no more. What a recipient's computer may have taken stays: what was told must be known."""
    if store.may_be_outside(tx, row.document_id):
        change(row, withdrawn_at=now, withdrawn_by=redaction_id)
        return
    change(row, content=b"", withdrawn_at=now, withdrawn_by=redaction_id)
    numbers = store.icsr(tx, row.document_id)
    findings = None if numbers is None else _unquoted(numbers.findings)
    if numbers is not None:
        change(numbers, findings=findings)
    for one in outbox.of_aggregate(tx, f"form/{row.document_id}"):
        body = json.loads(one.body) | {"content_base64": None}
        if findings is not None:
            body["icsr"]["findings"] = findings
        change(one, body=canonical(body).decode())


def _unquoted(findings: str) -> str:
    """Rule and place of each finding; a schema's message may quote the file."""
    said = {"vi": "(đã rút lại)", "en": "(taken back)"}
    return json.dumps([one | {"message": said} for one in json.loads(findings)], ensure_ascii=False)


def withdraw_left(notifier: Notifier, tx: Tx, child: str, redaction_id: str, now: datetime) -> int:
    """Documents that somebody was sending while the words were taken back, and that did not leave after all."""
    notifier.audit.lock(tx, child)
    changed: list[Audited] = []

    def change(row: Audited, **values: Any) -> None:
        for name, value in values.items():
            setattr(row, name, value)
        tx.session.add(row)
        changed.append(row)

    rows = [
        row
        for row in store.not_withdrawn(tx, child)
        if row.withdrawn_by == redaction_id and not store.on_its_way(tx, row.document_id, now)
    ]
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
    return documents.draft(notifier, tx, row.obligation_id, now, kind=kind, case_version=row.case_version)


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
    document = documents.keep_form(notifier, tx, made, pdf, "system", now, again=True)
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


def drafted_anew(notifier: Notifier, tx: Tx, row: FilingRow, now: datetime) -> IcsrDraft:
    """The electronic report of the same case version, as it says it now, with a number and a time of its own."""
    return icsr.draft(notifier, tx, row.obligation_id, now, instead_of=row)


def told_anew(
    notifier: Notifier, tx: Tx, filing_id: str, made: IcsrDraft, prepared: Prepared, now: datetime
) -> FormRow | None:
    """End a telling by computer whose file may not leave (again), and begin one with the new file: its number stays with
    the bytes that it was given to. A file with errors is left to a person. None when it was dealt with."""
    seen = store.filing(tx, filing_id)
    assert seen is not None
    notifier.audit.lock(tx, seen.subject_id)
    row = store.filing(tx, filing_id, lock=True)
    assert row is not None
    before = store.form(tx, row.document_id)
    if row.state != "waiting" or before is None or before.withdrawn_at is None:
        return None
    if (mine := _told_by_a_person(tx, row)) is not None:
        row.error = f"words were taken back from it: {mine.message_number} goes instead"
        filings.replaced(notifier, tx, row, None, now)
        return None
    document = icsr.keep(notifier, tx, made, prepared, "system", now, again=True)
    number = made.message.batch_number
    if prepared.may_be_sent:
        row.error = f"words were taken back from it: {number} goes instead"
        filings.replaced(notifier, tx, row, (document, number), now)
    else:
        row.error = f"words were taken back from it, and without them {number} has errors: correct the case"
        filings.replaced(notifier, tx, row, None, now)
        consequence.call_somebody(notifier, tx, row, now)
    return document


def _told_by_a_person(tx: Tx, row: FilingRow) -> FilingRow | None:
    """Somebody was faster, and has filed a new report of the same version under this duty."""
    same = (one for one in store.filings(tx, obligation_id=row.obligation_id) if one.case_version == row.case_version)
    return next((one for one in same if one.filed_at > row.filed_at and one.state != "failed"), None)


def later(tx: Tx, case_id: str, subject_id: str, forms: Sequence[dict[str, Any]]) -> dict[str, CaseRedacted]:
    """Documents that left us, or may have, and may show words taken back after they were made: the first redaction after each.

    A form shows its own case up to its version, and the child's exposures, batches and measurements.
    """
    sent = store.sent_forms(tx, subject_id)
    found: dict[str, CaseRedacted] = {}
    for one in redacted.of_child(tx, subject_id):
        for form in forms:
            before = form["made_at"] < one.recorded_at and _shows(one, case_id, form)
            if form["document_id"] in sent and form["there"] and (before or form["withdrawn_by"] == one.redaction_id):
                found.setdefault(form["document_id"], one)
    return found


def _shows(one: CaseRedacted, case_id: str, form: dict[str, Any]) -> bool:
    mine = f"case/{case_id}"
    return any(
        text.version <= form["case_version"] if text.aggregate == mine else not text.aggregate.startswith("case/")
        for text in one.texts
    )
