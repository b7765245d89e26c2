"""Telling a recipient: the intent to send, or what a person did by post, portal or hand. The same telling twice is one filing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from services.sae_notifier import store
from services.sae_notifier.handlers import consequence, icsr, receipts, telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.handlers.receipts import Proof
from services.sae_notifier.store import FilingRow, FormRow
from shared.audit import Audited, Written
from shared.case import Obligation
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused
from shared.ids import new_id

Method = Literal["gateway", "mail", "post", "portal", "hand"]
SENT_BY_US = ("gateway", "mail")
"""What a loop of ours hands over; the rest a person has done."""


def file(
    notifier: Notifier,
    tx: Tx,
    *,
    obligation_id: str,
    document_id: str,
    method: Method,
    user_id: str,
    now: datetime,
    sent_at: datetime | None = None,
    reference: str | None = None,
    proof: Proof | None = None,
) -> FilingRow:
    """Record the intent to mail, or what a person did by post, portal or hand. The same telling twice is one filing."""
    seen = store.obligation(tx, obligation_id)
    if seen is None:
        raise NotFound("no duty by that id")
    notifier.audit.lock(tx, seen.subject_id)
    duty = store.obligation(tx, obligation_id)
    assert duty is not None
    document = store.form(tx, document_id)
    told = store.filings(tx, case_id=duty.case_id, recipient_id=duty.recipient_id)
    again = _try_again(notifier, tx, told, document_id, method, user_id, now)
    if again is not None:
        return again
    _check(duty, document, method, sent_at, reference, now)
    assert document is not None
    if method == "gateway" and (problems := icsr.problems(notifier, tx, document, obligation_id)):
        raise Refused("the report cannot be sent", problems=problems)
    of_version = [one for one in told if one.case_version == document.case_version]
    # One recipient may be owed the same version twice, once at once and once in full: each duty is told by itself.
    known = next((one for one in of_version if one.obligation_id == obligation_id), None)
    if method == "gateway":  # every file has a number of its own, and is told once
        known = next((one for one in of_version if one.document_id == document_id and one.method == method), None)
    if known is not None and known.state not in ("rejected", "failed"):
        if known.method != method:
            raise Conflict(f"this version is filed by {known.method} already ({known.message_number})")
        held = store.form(tx, known.document_id)
        if held is not None and held.kind != document.kind:
            raise Conflict(f"this version is filed as another form already ({known.message_number})")
        return known
    number = f"{duty.case_number}-v{document.case_version}-{duty.recipient_id}"
    if of_version:
        # Also after a rejection, or a mail nobody took: a new message with a number of its own.
        number = f"{number}-r{len(of_version)}"
    recipient = notifier.trial.recipient(duty.recipient_id)
    address = recipient.address if recipient else ""
    if method == "gateway":
        numbers, transport = store.icsr(tx, document_id), recipient.transport if recipient else None
        assert numbers is not None and transport is not None
        number, address = numbers.batch_number, f"{transport.kind}:{transport.endpoint}"
    ours = method in SENT_BY_US
    row = FilingRow(
        filing_id=new_id(),
        message_number=number,
        obligation_id=obligation_id,
        case_id=duty.case_id,
        case_number=duty.case_number,
        case_version=document.case_version,
        subject_id=duty.subject_id,
        recipient_id=duty.recipient_id,
        document_id=document_id,
        method=method,
        address=address,
        state="waiting" if ours else "sent",
        filed_by=user_id,
        filed_at=now,
        sent_at=None if ours else sent_at,
        reference=reference,
    )
    sent = telling.filing_changed(notifier, tx, row, [], now)
    store.add_row(tx, row)
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor=user_id,
        action=f"filed by {method}",
        at=now,
        rows=[row, sent],
        detail={"number": number},
    )
    if row.state == "sent":
        consequence.filed(notifier, tx, row, user_id, now)
        if proof is not None:
            receipts.record(
                notifier, tx, row.filing_id, verdict="received", kind="proof", at=sent_at or now, reference=reference or "", reasons="",
                proof=proof, user_id=user_id, now=now,
            )  # fmt: skip
    else:
        tx.after_commit(notifier.wake.set)
    return row


def _try_again(
    notifier: Notifier, tx: Tx, told: Sequence[FilingRow], document_id: str, method: str, user_id: str, now: datetime
) -> FilingRow | None:
    """A file that nobody took goes out again under its own number: perhaps it was taken, and only the answer was lost."""
    row = next((one for one in told if one.document_id == document_id and one.method == method == "gateway"), None)
    document = store.form(tx, document_id)
    if row is None or row.state != "failed" or document is None or document.withdrawn_by is not None:
        return None
    later = next((one for one in told if one.filed_at > row.filed_at and one.state != "failed"), None)
    if later is not None:
        raise Conflict(f"{later.message_number} was filed after it and says what it says; it would overtake that one")
    row.state, row.attempts, row.next_attempt_at = "waiting", 0, None
    told_again = telling.filing_changed(notifier, tx, row, [], now)
    tx.session.add(row)
    tx.session.flush()
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor=user_id,
        action="filed by gateway again",
        at=now,
        rows=[row, told_again],
        detail={"number": row.message_number},
    )
    tx.after_commit(notifier.wake.set)
    return row


def replaced(
    notifier: Notifier, tx: Tx, row: FilingRow, by: tuple[FormRow, str] | None, now: datetime
) -> FilingRow | None:
    """End a telling that waits, and begin one with another document and number for the same duty, when there is one. The
    child's stream and `row` are locked."""
    row.state, row.next_attempt_at = "failed", None
    store.release(row)
    rows: list[Audited | Written] = [row, telling.filing_changed(notifier, tx, row, [], now)]
    tx.session.add(row)
    instead = None
    if by is not None:
        document, number = by
        same = {"obligation_id", "case_id", "case_number", "case_version", "subject_id", "recipient_id", "method"}
        instead = FilingRow(
            filing_id=new_id(),
            message_number=number,
            document_id=document.document_id,
            address=row.address,
            state="waiting",
            filed_by=row.filed_by,
            filed_at=now,
            **row.model_dump(include=same),
        )
        rows += [instead, telling.filing_changed(notifier, tx, instead, [], now)]
        store.add_row(tx, instead)
    tx.session.flush()
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor="system",
        action="ended a telling: words were taken back from its file",
        at=now,
        rows=rows,
        detail={"number": row.message_number, "instead": by and by[1]},
    )
    tx.after_commit(notifier.wake.set)
    return instead


def begun_by(duty: Obligation) -> int:
    """The case version that began this duty: a document of an earlier one says nothing of what is owed."""
    return next((one.version for one in duty.causes if one.aggregate.startswith("case/")), 1)


def _check(
    duty: Obligation,
    document: FormRow | None,
    method: str,
    sent_at: datetime | None,
    reference: str | None,
    now: datetime,
) -> None:
    problems = []
    if duty.state == "ended":
        raise Conflict("this duty has ended; nothing is owed under it")
    if document is None or document.case_id != duty.case_id or document.recipient_id != duty.recipient_id:
        problems.append(
            FieldProblem("/document_id", "not a document for this duty", "make the form for this duty first")
        )
    elif document.withdrawn_by is not None:
        problems.append(
            FieldProblem("/document_id", "words were taken back from it before it was sent", "make the form again")
        )
    elif document.case_version < begun_by(duty):
        problems.append(
            FieldProblem(
                "/document_id", "made before what this duty is about", "make the form again from the newest version"
            )
        )
    elif method == "mail" and document.kind == icsr.KIND:
        problems.append(
            FieldProblem("/document_id", "not a form for people", "make the form, or send it electronically")
        )
    if method not in SENT_BY_US:
        if sent_at is None:
            problems.append(FieldProblem("/sent_at", "when was it handed over?", "give the time with its zone"))
        elif sent_at > now:
            problems.append(FieldProblem("/sent_at", "lies in the future", "record it when it has happened"))
        elif sent_at < consequence.minute(duty.aware_at):
            problems.append(FieldProblem("/sent_at", "lies before anybody knew of the event", "correct day and hour"))
        if not reference:
            problems.append(
                FieldProblem("/reference", "a reference number is needed", "write the receipt or tracking number")
            )
    if problems:
        raise Refused("the filing cannot be recorded", problems=problems)
