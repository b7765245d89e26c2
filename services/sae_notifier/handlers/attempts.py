"""Attempts to hand a report over: claimed, tried, settled. A server's 250 is `sent`, never more."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.sae_notifier import store
from services.sae_notifier.handlers import consequence, icsr, receipts, telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FilingRow, ReceiptRow
from shared import metrics
from shared.db import Tx
from shared.ids import new_id

CLAIM_FOR = timedelta(seconds=30)
ATTEMPTS = 8


def claim(notifier: Notifier, tx: Tx, now: datetime) -> list[FilingRow]:
    return store.claim_filings(tx, notifier.audit, now, now + CLAIM_FOR)


def settle(
    notifier: Notifier, tx: Tx, filing_id: str, *, error: str | None, answer: str, now: datetime, receipt: str = ""
) -> FilingRow:
    """Record what became of one attempt to hand over. A server's 250 is `sent`, never more; `receipt` is the recipient's
    own number for having received it."""
    seen = store.filing(tx, filing_id)
    assert seen is not None
    notifier.audit.lock(tx, seen.subject_id)
    row = store.filing(tx, filing_id, lock=True)
    assert row is not None
    if row.state != "waiting":
        return row
    row.attempts += 1
    store.release(row)
    if error is None:
        _gone(notifier, row, now)
        row.reference = row.reference or answer[:200]
    else:
        row.error = error[:500]
        row.next_attempt_at = now + timedelta(seconds=min(900, 5 * 2**row.attempts))
        if row.attempts >= ATTEMPTS:
            row.state = "failed"
    told = telling.filing_changed(notifier, tx, row, [], now) if row.state != "waiting" else None
    tx.session.add(row)
    tx.session.flush()
    tx.after_commit(metrics.FILINGS.labels(service="sae_notifier", outcome=row.state).inc)
    said = row.state if row.state != "waiting" else "failed, will try again"
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor="system",
        action=f"{'mailed' if row.method == 'mail' else 'transmitted'} a report: {said}",
        at=now,
        rows=[row] if told is None else [row, told],
    )
    if row.state == "sent":
        consequence.filed(notifier, tx, row, "system", now)
        if receipt:
            said_so = ReceiptRow(
                receipt_id=new_id(),
                filing_id=filing_id,
                verdict="received",
                kind="delivery_notice",
                at=now,
                reference=receipt,
                recorded_by="system",
                recorded_at=now,
            )
            receipts.keep(notifier, tx, row, said_so, now)
    if row.state == "failed":
        consequence.call_somebody(notifier, tx, row, now)
    return row


def must_have_left(notifier: Notifier, tx: Tx, row: FilingRow, now: datetime) -> None:
    """The recipient answers what we do not know to have sent: a crash or a lost answer came between. `row` is locked."""
    store.release(row)
    _gone(notifier, row, now)
    told = telling.filing_changed(notifier, tx, row, [], now)
    tx.session.add(row)
    tx.session.flush()
    notifier.audit.record(
        tx, stream=row.subject_id, actor="system", action="an answer proves it was sent", at=now, rows=[row, told]
    )
    consequence.filed(notifier, tx, row, "system", now)


def _gone(notifier: Notifier, row: FilingRow, now: datetime) -> None:
    """It has left; a computer has to answer within the time that the trial file gives it."""
    row.state, row.sent_at, row.error = "sent", now, None
    transport = icsr.transport_of(notifier.trial, row.recipient_id) if row.method == "gateway" else None
    if transport is not None:
        row.answer_due_at = now + timedelta(hours=transport.answer_within_hours)
