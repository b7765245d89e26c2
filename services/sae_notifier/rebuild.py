"""After a restore: duties, forms and tellings as this service's own events say they stood. Nothing is sent or alerted."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime

from services.sae_notifier import store
from services.sae_notifier.handlers import Notifier, activation, alerts, duties
from services.sae_notifier.store import AckRow, FilingRow, FormRow, IcsrRow, ReceiptRow
from shared.audit import Audited, Written
from shared.bus import heard
from shared.case import Acknowledgement, Filing, LawActivated, Obligation, ReportForm
from shared.db import Tx
from shared.events.envelope import Event


def rebuild(tx: Tx, event: Event, now: datetime) -> Sequence[Audited | Written]:
    """The rows of one own event; an older version than the row's leaves the row alone."""
    if event.type == "tocsin.obligation.changed.v1":
        return store.put_back_obligation(tx, Obligation.read(event.data))
    if event.type == "tocsin.form.made.v1":
        return _form(tx, ReportForm.read(event.data))
    if event.type == "tocsin.filing.changed.v1":
        return _filing(tx, Filing.read(event.data))
    if event.type == "tocsin.acknowledgement.taken.v1":
        return _ack(tx, Acknowledgement.read(event.data))
    if event.type == "tocsin.law.activated.v1":
        return activation.put_back(tx, LawActivated.read(event.data))
    return ()


def reconsider(notifier: Notifier, tx: Tx, child: str, now: datetime) -> None:
    """Every alert and duty of one child, over what is known of it now. Alerts that were opened before stay one alert."""
    for batch in heard.batches_of_child(tx, child):
        alerts.open_for_batch(notifier, tx, batch, now)
    for case in heard.cases_of_child(tx, child):
        alerts.open_for_case(notifier, tx, heard.case_versions(tx, case.case_id), now)
        duties.evaluate_case(notifier, tx, case.case_id, now)


def _form(tx: Tx, document: ReportForm) -> list[Audited]:
    """A document whose bytes are not on the log (too large, or taken back) is lost: no row stands for it, or an empty file
    might be sent. Its number is known all the same: it may never be given to other bytes."""
    put_back: list[Audited] = []
    if document.content_base64 is not None and store.form(tx, document.document_id) is None:
        values = document.model_dump(include=set(FormRow.model_fields) - {"content", "withdrawn_at", "withdrawn_by"})
        row = FormRow(content=b64decode(document.content_base64), **values)
        tx.session.add(row)
        put_back.append(row)
    if document.icsr is not None and store.icsr(tx, document.document_id) is None:
        numbers = document.icsr.model_dump(exclude={"first_received"})
        icsr = IcsrRow(
            document_id=document.document_id,
            case_id=document.case_id,
            case_number=document.case_number,
            recipient_id=document.recipient_id or "",
            first_received=document.icsr.first_received.model_dump_json(),
            **numbers,
        )
        tx.session.add(icsr)
        put_back.append(icsr)
    tx.session.flush()
    return put_back


def _ack(tx: Tx, document: Acknowledgement) -> list[Audited]:
    """One whose bytes were too large for the log stands without them: what was concluded from it must be known."""
    row = store.ack(tx, document.ack_id, lock=True)
    if row is not None and row.version >= document.version:
        return []
    values = document.model_dump(include=set(AckRow.model_fields) - {"content"})
    if row is None:
        row = AckRow(content=b64decode(document.content_base64 or ""), **values)
    else:
        for name, value in values.items():
            setattr(row, name, value)
    tx.session.add(row)
    tx.session.flush()
    return [row]


def _filing(tx: Tx, document: Filing) -> list[Audited]:
    row = store.filing(tx, document.filing_id, lock=True)
    if row is not None and row.version >= document.version:
        return []
    values = document.model_dump(include=set(FilingRow.model_fields))
    if row is None:
        row = FilingRow(**values)
    else:
        for name, value in values.items():
            setattr(row, name, value)
        store.release(row)
    tx.session.add(row)
    tx.session.flush()
    changed: list[Audited] = [row]
    for one in document.receipts:
        if store.receipt(tx, one.receipt_id) is None:
            receipt = ReceiptRow(filing_id=document.filing_id, content=None, **one.model_dump())
            tx.session.add(receipt)
            changed.append(receipt)
    tx.session.flush()
    return changed
