"""What came back: it arrived, it was accepted, it was turned down. Three facts, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.sae_notifier import store
from services.sae_notifier.handlers import consequence, telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FilingRow, ReceiptRow
from shared import metrics
from shared.audit import Audited, Written
from shared.canonical import sha256
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused
from shared.ids import new_id

Verdict = Literal["received", "accepted", "rejected"]
ReceiptKind = Literal["delivery_notice", "answer", "proof", "acknowledgement"]
MAX_PROOF_BYTES = 8_000_000


@dataclass(frozen=True)
class Proof:
    """A file that a person uploaded: a stamped receipt, a screenshot of a portal, a scanned letter."""

    name: str
    type: str
    content: bytes


def record(
    notifier: Notifier,
    tx: Tx,
    filing_id: str,
    *,
    verdict: Verdict,
    kind: ReceiptKind,
    at: datetime,
    reference: str,
    reasons: str,
    proof: Proof | None,
    user_id: str,
    now: datetime,
) -> ReceiptRow:
    """It arrived, or was turned down. A rejection opens the duty again with its original due date."""
    seen = store.filing(tx, filing_id)
    if seen is None:
        raise NotFound("no filing by that id")
    problems = []
    if at > now:
        problems.append(FieldProblem("/at", "lies in the future", "record it when it has happened"))
    elif seen.sent_at is not None and at < consequence.minute(seen.sent_at):
        problems.append(FieldProblem("/at", "lies before it was sent", "correct day and hour"))
    if not reference.strip():
        problems.append(FieldProblem("/reference", "a reference is needed", "write the number or words of the answer"))
    if verdict == "rejected" and not reasons.strip():
        problems.append(FieldProblem("/reasons", "why was it rejected?", "write the recipient's reasons"))
    if kind == "proof" and proof is None:
        problems.append(FieldProblem("/proof", "a proof is a file", "attach the stamped receipt or a picture of it"))
    if proof is not None and len(proof.content) > MAX_PROOF_BYTES:
        problems.append(FieldProblem("/proof", "the file is too large", f"at most {MAX_PROOF_BYTES // 1_000_000} MB"))
    if problems:
        raise Refused("the answer cannot be recorded", problems=problems)
    notifier.audit.lock(tx, seen.subject_id)
    row = store.filing(tx, filing_id, lock=True)
    assert row is not None
    if row.state not in ("sent", "received"):
        raise Conflict(f"this filing is {row.state}; only what was sent can have arrived")
    receipt = ReceiptRow(
        receipt_id=new_id(),
        filing_id=filing_id,
        verdict=verdict,
        kind=kind,
        at=at,
        reference=reference,
        reasons=reasons,
        proof_name=proof.name[:200] if proof else None,
        proof_type=proof.type[:100] if proof else None,
        sha256=sha256(proof.content) if proof else None,
        content=proof.content if proof else None,
        recorded_by=user_id,
        recorded_at=now,
    )
    keep(notifier, tx, row, receipt, now)
    return receipt


def keep(
    notifier: Notifier,
    tx: Tx,
    row: FilingRow,
    receipt: ReceiptRow,
    now: datetime,
    more: Sequence[Audited | Written] = (),
) -> None:
    """Store why we say so and what follows for the duty. The child's stream and `row` are locked; `more` goes with it."""
    verdict, user_id = receipt.verdict, receipt.recorded_by
    store.add_row(tx, receipt)
    tx.after_commit(metrics.FILINGS.labels(service="sae_notifier", outcome=verdict).inc)
    row.state = "rejected" if verdict == "rejected" else "received"
    if verdict != "received":
        row.acceptance, row.answer_due_at = verdict, None
    answers = store.receipts_of(tx, [row.filing_id])
    told = telling.filing_changed(notifier, tx, row, answers, now)
    tx.session.add(row)
    tx.session.flush()
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor=user_id,
        action=f"recorded: {verdict} ({receipt.kind})",
        at=now,
        reason=receipt.reasons or None,
        rows=[receipt, row, told, *more],
    )
    duty = store.obligation(tx, row.obligation_id)
    assert duty is not None
    if verdict != "rejected" and duty.state != "received":
        # Met when the authority received it, whenever we came to know of it.
        consequence.move(notifier, tx, duty, "received", user_id, now, received_at=receipt.at)
    elif verdict == "rejected" and duty.state in ("filed", "received"):
        held_since = _held_beside(tx, row)
        if held_since is None:
            consequence.move(notifier, tx, duty, "rejected", user_id, now, received_at=None)
        elif duty.received_at != held_since:
            consequence.move(notifier, tx, duty, "received", user_id, now, received_at=held_since)
        consequence.alert(notifier, tx, row, f"rejected/{receipt.receipt_id}", "rejected", now)


def _held_beside(tx: Tx, rejected: FilingRow) -> datetime | None:
    """Since when the recipient holds the same or a later version under the same duty, whatever became of this one."""
    beside = [
        one.filing_id
        for one in store.filings(tx, obligation_id=rejected.obligation_id)
        if one.filing_id != rejected.filing_id and one.state == "received" and one.case_version >= rejected.case_version
    ]
    return min((one.at for one in store.receipts_of(tx, beside)), default=None)
