"""What was told goes on the log too, whole with every change: after a restore it must be known, or it would be told again."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime

from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import AckRow, FilingRow, FormRow, IcsrRow, ReceiptRow
from shared.audit import Written
from shared.bus.outbox import MAX_BODY_BYTES, emit
from shared.case import Acknowledgement, Filing, FilingReceipt, IcsrNumbers, Moment, ReportForm
from shared.db import Tx

ROOM = 20_000
"""For everything in the event but the file."""


def form_made(notifier: Notifier, tx: Tx, row: FormRow, now: datetime, icsr: IcsrRow | None = None) -> Written:
    """Publish a rendered document; the child's stream is locked."""
    content = b64encode(row.content).decode()
    document = ReportForm(
        trial_id=notifier.trial.id,
        content_base64=content if len(content) < MAX_BODY_BYTES - ROOM - len(icsr.findings if icsr else "") else None,
        icsr=_numbers(icsr) if icsr else None,
        recorded_at=now,
        **row.model_dump(exclude={"content", "withdrawn_at", "withdrawn_by"}),
    )
    name = f"form/{row.document_id}"
    tx.after_commit(notifier.relay_wake.set)
    return emit(
        tx,
        "tocsin.form.made.v1",
        document,
        aggregate=name,
        version=1,
        trial_id=notifier.trial.id,
        now=now,
        key=row.subject_id,
    )


def filing_changed(
    notifier: Notifier, tx: Tx, row: FilingRow, receipts: Sequence[ReceiptRow], now: datetime
) -> Written:
    """Publish the next version of a telling and count it in `row`; the child's stream is locked."""
    row.version += 1
    document = Filing(
        trial_id=notifier.trial.id,
        receipts=tuple(
            FilingReceipt.model_validate(one.model_dump(exclude={"filing_id", "content"})) for one in receipts
        ),
        recorded_at=now,
        **row.model_dump(exclude={"claimed_until", "proof", "next_attempt_at"}),
    )
    tx.after_commit(notifier.relay_wake.set)
    return emit(
        tx,
        "tocsin.filing.changed.v1",
        document,
        aggregate=f"filing/{row.filing_id}",
        version=row.version,
        trial_id=notifier.trial.id,
        now=now,
        key=row.subject_id,
    )


def ack_taken(notifier: Notifier, tx: Tx, row: AckRow, now: datetime) -> Written:
    """Publish the next version of a file that came back and count it in `row`; its stream is locked."""
    row.version += 1
    content = b64encode(row.content).decode()
    document = Acknowledgement(
        trial_id=notifier.trial.id,
        content_base64=content if len(content) < MAX_BODY_BYTES - ROOM else None,
        recorded_at=now,
        **row.model_dump(exclude={"content"}),
    )
    tx.after_commit(notifier.relay_wake.set)
    return emit(
        tx,
        "tocsin.acknowledgement.taken.v1",
        document,
        aggregate=f"acknowledgement/{row.ack_id}",
        version=row.version,
        trial_id=notifier.trial.id,
        now=now,
        key=row.subject_id,
    )


def _numbers(row: IcsrRow) -> IcsrNumbers:
    return IcsrNumbers(
        batch_number=row.batch_number,
        obligation_id=row.obligation_id,
        created_at=row.created_at,
        first_received=Moment.model_validate_json(row.first_received),
        profile=row.profile,
        initial=row.initial,
        may_be_sent=row.may_be_sent,
        findings=row.findings,
    )
