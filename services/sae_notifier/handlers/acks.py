"""What comes back from a recipient's computer: used for the telling it is about, or parked and alarmed. Nothing is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sae_notifier import store
from services.sae_notifier.e2b import Ack, Match, Sent, match, numbers_in, read_ack
from services.sae_notifier.e2b.hl7time import stamp
from services.sae_notifier.handlers import alerts, attempts, receipts, telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import AckRow, FilingRow, IcsrRow, ReceiptRow
from shared import metrics
from shared.audit import SERVICE_STREAM
from shared.canonical import sha256
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused
from shared.ids import new_id

UPLOAD = "upload"
PARKED, MISSED = "ack_parked", "ack_overdue"


@dataclass(frozen=True)
class Arrived:
    """One file: `via` is the endpoint it came through, or `upload` when a person brought it."""

    content: bytes
    via: str
    name: str
    brought_by: str = "system"


def take(notifier: Notifier, tx: Tx, arrived: Arrived, now: datetime) -> AckRow:
    """Keep the file and act on it, once: the very same bytes again are the row they were before."""
    digest = sha256(arrived.content)
    known = store.ack_saying(tx, digest)
    if known is not None:
        return known
    ack = read_ack(arrived.content)
    seen = _meant(notifier, tx, ack, arrived.via)
    stream = seen[1].subject_id if seen[1] is not None else SERVICE_STREAM
    notifier.audit.lock(tx, stream)
    known = store.ack_saying(tx, digest)
    if known is not None:
        return known
    found, filing = _meant(notifier, tx, ack, arrived.via)
    row = AckRow(
        ack_id=new_id(),
        subject_id=None if stream == SERVICE_STREAM else stream,
        via=arrived.via,
        name=_printable(arrived.name)[:200],
        sha256=digest,
        content=arrived.content,
        arrived_at=now,
        brought_by=arrived.brought_by,
        state="parked",
        why=found.parked or "",
        message_code=ack.message_code or "",
        decision=ack.decision,
        batch_number=ack.batch_number[:100],
    )
    if filing is None or filing.subject_id != stream:
        row.why = row.why or "ambiguous"
        _park(notifier, tx, row, None, stream, now)
    elif found.verdict is None:
        row.filing_id = filing.filing_id
        _park(notifier, tx, row, filing, stream, now)
    else:
        row.filing_id, row.state = filing.filing_id, "used"
        _use(notifier, tx, row, ack, found, filing, now)
    return row


def _printable(name: str) -> str:
    """The other side chose it: bytes that are no UTF-8, NUL and line ends cannot be stored or shown."""
    return "".join(one if one.isprintable() and not "\ud800" <= one <= "\udfff" else "\ufffd" for one in name)


def _meant(notifier: Notifier, tx: Tx, ack: Ack, via: str) -> tuple[Match, FilingRow | None]:
    """Only a recipient of this endpoint can answer through it."""
    able = [
        one.id
        for one in notifier.trial.recipients
        if one.transport is not None and via in (UPLOAD, one.transport.endpoint)
    ]
    told = store.tellings_answered_by(tx, ack.batch_number.strip(), numbers_in(ack), able)
    found = match(ack, [_sent(filing, numbers) for filing, numbers in told])
    return found, next((filing for filing, _ in told if filing.filing_id == found.filing_id), None)


def _sent(filing: FilingRow, numbers: IcsrRow) -> Sent:
    answered = filing.acceptance is not None or filing.state == "rejected"
    return Sent(filing.filing_id, numbers.batch_number, numbers.case_number, numbers.created_at, answered)


def _use(notifier: Notifier, tx: Tx, row: AckRow, ack: Ack, found: Match, seen: FilingRow, now: datetime) -> None:
    filing = store.filing(tx, seen.filing_id, lock=True)
    assert filing is not None
    if filing.state in ("waiting", "failed"):
        attempts.must_have_left(notifier, tx, filing, now)
    sent = telling.ack_taken(notifier, tx, row, now)
    store.add_row(tx, row)
    _count(tx, row)
    reasons = "\n".join(found.errors)
    receipt = ReceiptRow(
        receipt_id=new_id(),
        filing_id=filing.filing_id,
        verdict=str(found.verdict),
        kind="acknowledgement",
        at=_answered_at(ack, filing, now),
        reference=(ack.number or ack.batch_number or row.sha256[:16])[:200],
        reasons=reasons or ("no reason is given" if found.verdict == "rejected" else ""),
        proof_name=row.name,
        proof_type="application/xml",
        sha256=row.sha256,
        content=row.content,
        recorded_by=row.brought_by,
        recorded_at=now,
    )
    receipts.keep(notifier, tx, filing, receipt, now, more=[row, sent])


def _answered_at(ack: Ack, filing: FilingRow, now: datetime) -> datetime:
    """When they say they answered, if that can be: never before it was sent, never after it arrived here."""
    told = stamp(ack.created.strip())
    if told is None or not told.zoned or filing.sent_at is None:
        return now
    return min(max(told.latest, filing.sent_at), now)


def _park(notifier: Notifier, tx: Tx, row: AckRow, filing: FilingRow | None, stream: str, now: datetime) -> None:
    sent = telling.ack_taken(notifier, tx, row, now)
    store.add_row(tx, row)
    _count(tx, row)
    notifier.audit.record(
        tx,
        stream=stream,
        actor=row.brought_by,
        action=f"parked an answer ({row.why})",
        at=now,
        detail={"sha256": row.sha256, "via": row.via},
        rows=[row, sent],
    )
    alerts.open_alert(
        notifier,
        tx,
        cause=f"{PARKED}/{row.ack_id}",
        kind=PARKED,
        stream=stream,
        now=now,
        case_id=filing.case_id if filing else None,
        case_number=filing.case_number if filing else None,
        obligation_id=filing.obligation_id if filing else None,
    )


def close(notifier: Notifier, tx: Tx, ack_id: str, *, reason: str, user_id: str, now: datetime) -> AckRow:
    """A named person has looked at it and done what was to be done; the file stays."""
    seen = store.ack(tx, ack_id)
    if seen is None:
        raise NotFound("no answer by that id")
    if not reason.strip():
        problem = FieldProblem("/reason", "why is it closed?", "write what it was and what you did")
        raise Refused("the answer cannot be closed", problems=[problem])
    stream = seen.subject_id or SERVICE_STREAM
    notifier.audit.lock(tx, stream)
    row = store.ack(tx, ack_id, lock=True)
    assert row is not None
    if row.state != "parked":
        raise Conflict(f"this answer is {row.state} already")
    row.state, row.closed_by, row.closed_at, row.closed_reason = "closed", user_id, now, reason
    sent = telling.ack_taken(notifier, tx, row, now)
    tx.session.add(row)
    tx.session.flush()
    notifier.audit.record(
        tx, stream=stream, actor=user_id, action="closed an answer", at=now, reason=reason, rows=[row, sent]
    )
    return row


def missed(notifier: Notifier, tx: Tx, filing_id: str, subject_id: str, now: datetime) -> int:
    """Alarm once that no acknowledgement has come in time. Returns how many alerts were opened."""
    cause = f"{MISSED}/{filing_id}"
    if store.alert_by_cause(tx, cause) is not None:
        return 0
    notifier.audit.lock(tx, subject_id)
    row = store.filing(tx, filing_id)
    if row is None or row.answer_due_at is None or row.answer_due_at > now:
        return 0
    opened = alerts.open_alert(
        notifier,
        tx,
        cause=cause,
        kind=MISSED,
        stream=subject_id,
        now=now,
        case_id=row.case_id,
        case_number=row.case_number,
        obligation_id=row.obligation_id,
    )
    return int(opened is not None)


def _count(tx: Tx, row: AckRow) -> None:
    tx.after_commit(metrics.ACKNOWLEDGEMENTS.labels(service="sae_notifier", outcome=row.why or row.decision).inc)
