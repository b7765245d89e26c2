"""Telling a recipient, and knowing that they were told. Handing over, arriving and being accepted are three facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, cast

from services.sae_notifier import store
from services.sae_notifier.forms import view
from services.sae_notifier.forms.cioms import view as cioms
from services.sae_notifier.forms.cover import cover
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.form import KINDS, Form, Kind
from services.sae_notifier.forms.gather import gather
from services.sae_notifier.forms.payload import facts_sha256
from services.sae_notifier.forms.render import render
from services.sae_notifier.forms.trial import FormRecipient, FormTrial
from services.sae_notifier.forms.words import Words
from services.sae_notifier.handlers import alerts, duties, icsr, telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FilingRow, FormRow, ReceiptRow
from shared import metrics
from shared.audit import Audited, Written
from shared.bus import heard, redacted
from shared.canonical import sha256
from shared.case import CaseReport, Obligation
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused
from shared.failpoint import hit
from shared.ids import new_id
from shared.trial import Trial

Method = Literal["gateway", "mail", "post", "portal", "hand"]
Verdict = Literal["received", "accepted", "rejected"]
ReceiptKind = Literal["delivery_notice", "answer", "proof", "acknowledgement"]
SENT_BY_US = ("gateway", "mail")
"""What a loop of ours hands over; the rest a person has done."""
BUILDERS: dict[Kind, Callable[[Facts], Form]] = {"vn_sae_form": view.build, "cioms_i": cioms.build}
CLAIM_FOR = timedelta(seconds=30)
ATTEMPTS = 8
MAX_PROOF_BYTES = 8_000_000


@dataclass(frozen=True)
class Proof:
    """A file that a person uploaded: a stamped receipt, a screenshot of a portal, a scanned letter."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Draft:
    """Everything a form needs, read in one go; rendering happens outside any transaction."""

    kind: Kind
    form: Form
    case: CaseReport
    case_sha256: str
    recipient_id: str
    follow_up: int
    facts_sha256: str
    redactions: int = 0
    """How often words about the child had been taken back when it was read."""


def wanted(notifier: Notifier, recipient_id: str) -> Kind | None:
    """The form the recipient wants: the Vietnamese one where the trial names no other, none where it takes no form."""
    recipient = notifier.trial.recipient(recipient_id)
    if recipient is None:
        return KINDS[0]
    return cast(Kind, recipient.report_format) if recipient.report_format in KINDS else None


def asked(notifier: Notifier, recipient_id: str, kind: str | None = None) -> Kind:
    """The form that was asked for, else the one the recipient wants. Raises Refused where it wants none of them."""
    if kind is not None and kind not in KINDS:
        raise Refused("no such form", problems=[FieldProblem("/kind", "no such form", f"use {' or '.join(KINDS)}")])
    found = cast("Kind | None", kind) or wanted(notifier, recipient_id)
    if found is None:
        remedy = f"say which form goes instead, by hand or through the authority's portal: {' or '.join(KINDS)}"
        problem = FieldProblem("/kind", "the recipient wants E2B(R3), and no form by itself", remedy)
        raise Refused("no form is this recipient's own", problems=[problem])
    return found


def draft(
    notifier: Notifier,
    tx: Tx,
    obligation_id: str,
    now: datetime,
    kind: str | None = None,
    case_version: int | None = None,
) -> Draft:
    """Read what the form of this duty shows: the newest case version (or an older one, made again), for this recipient."""
    duty = store.obligation(tx, obligation_id)
    if duty is None:
        raise NotFound("no duty by that id")
    versions = heard.case_versions(tx, duty.case_id)
    versions = [one for one in versions if case_version is None or one.version <= case_version]
    case = versions[-1]
    received_version = store.last_received_version(tx, case.case_id, duty.recipient_id, before=case.version)
    last = next((one for one in versions if one.version == received_version), None)
    told = store.filings(tx, case_id=case.case_id, recipient_id=duty.recipient_id)
    earlier = {one.case_version for one in told if one.state != "failed"}  # what nobody took was no first report
    follow_up = len({one for one in earlier if one < case.version})
    digest = store.case_sha256(tx, case.case_id, case.version)
    assessments = store.assessments(tx, case.case_id)
    known = partial(
        gather,
        case,
        versions[:-1],
        case_sha256=digest,
        subject=heard.subject(tx, case.subject_id),
        exposures=heard.exposures_of_child(tx, case.subject_id),
        batches=heard.batches_of_child(tx, case.subject_id),
        measurements=heard.measurements_of_child(tx, case.subject_id),
        assessment=assessments[-1] if assessments else None,
        trial=form_trial(notifier.trial, case.site_id),
        last_received=last,
        report_number=follow_up,
        now=now,
    )
    # Having been sent is no news about the child: it makes no second document.
    chosen = asked(notifier, duty.recipient_id, kind)
    build = BUILDERS[chosen]
    facts = facts_sha256(build(known(obligation=duty.model_copy(update={"state": "open"}))))
    form = build(known(obligation=duty))
    taken_back = len(redacted.of_child(tx, case.subject_id))
    return Draft(chosen, form, case, digest, duty.recipient_id, follow_up, facts, taken_back)


def made_before(tx: Tx, made: Draft) -> FormRow | None:
    """The document that says the same of the same version to the same recipient, when there is one."""
    case = made.case
    return store.form_saying(tx, made.kind, case.case_id, case.version, made.recipient_id, made.facts_sha256)


def form_trial(trial: Trial, site_id: str | None) -> FormTrial:
    site = trial.site(site_id) if site_id else None
    return FormTrial(
        trial_id=trial.id,
        title=Words(en=trial.title.en, vi=trial.title.vi),
        protocol_code=trial.id,
        sponsor=Words(en=trial.sponsor.en, vi=trial.sponsor.vi),
        principal_investigator=Words(en="Principal investigator of the site", vi="Nghiên cứu viên chính tại cơ sở"),
        site=Words(en=site.name.en, vi=site.name.vi) if site else Words(en="site not known yet", vi="chưa rõ cơ sở"),
        zone=site.zone if site else trial.desk_zone,
        country=site.country if site else "",
        recipients=tuple(
            FormRecipient(one.id, Words(en=one.name.en, vi=one.name.vi), one.zone) for one in trial.recipients
        ),
        illustrative=trial.illustrative,
    )


def typeset(made: Draft) -> tuple[bytes, str, str]:
    """(PDF, subject line, covering text). Takes seconds of CPU: never call it inside a transaction."""
    rendered = render(made.form)
    hit("form.after_render")
    words = cover(made.form, rendered.sha256)
    return rendered.pdf, words.subject, words.body


def keep_form(
    notifier: Notifier, tx: Tx, made: Draft, pdf: bytes, user_id: str, now: datetime, *, again: bool = False
) -> FormRow:
    """Store the document, immutable; made twice it is one. Raises Conflict when the case has moved on since it was drafted
    (unless an older version is made `again`), or when words were taken back."""
    notifier.audit.lock(tx, made.case.subject_id)
    newest = heard.case_versions(tx, made.case.case_id)[-1]
    if newest.version != made.case.version and not again:
        raise Conflict(f"the case is at version {newest.version} now; make the form again")
    if len(redacted.of_child(tx, made.case.subject_id)) != made.redactions:
        raise Conflict("words were taken back meanwhile; make the form again")
    known = made_before(tx, made)
    if known is not None:
        return known
    row = FormRow(
        document_id=new_id(),
        kind=made.kind,
        case_id=made.case.case_id,
        case_number=made.case.case_number,
        case_version=made.case.version,
        case_sha256=made.case_sha256,
        subject_id=made.case.subject_id,
        recipient_id=made.recipient_id,
        follow_up=made.follow_up,
        facts_sha256=made.facts_sha256,
        sha256=sha256(pdf),
        content=pdf,
        made_by=user_id,
        made_at=now,
    )
    store.add_row(tx, row)
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor=user_id,
        action="made a form",
        at=now,
        detail={"sha256": row.sha256, "case_version": row.case_version, "kind": row.kind},
        rows=[row, telling.form_made(notifier, tx, row, now)],
    )
    return row


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
        _duty_filed(notifier, tx, row, user_id, now)
        if proof is not None:
            record_receipt(
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


def call_somebody(notifier: Notifier, tx: Tx, row: FilingRow, now: datetime) -> None:
    """A telling did not leave, and only a person can say what goes instead."""
    _alert(notifier, tx, row, f"filing_failed/{row.filing_id}/{row.version}", "filing_failed", now)


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
        elif sent_at < _minute(duty.aware_at):
            problems.append(FieldProblem("/sent_at", "lies before anybody knew of the event", "correct day and hour"))
        if not reference:
            problems.append(
                FieldProblem("/reference", "a reference number is needed", "write the receipt or tracking number")
            )
    if problems:
        raise Refused("the filing cannot be recorded", problems=problems)


def _minute(at: datetime) -> datetime:
    """People write minutes: what is written as the same minute is not before."""
    return at.replace(second=0, microsecond=0)


def claim(notifier: Notifier, tx: Tx, now: datetime) -> list[FilingRow]:
    return store.claim_filings(tx, notifier.audit, now, now + CLAIM_FOR)


def settle_filing(
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
        _duty_filed(notifier, tx, row, "system", now)
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
            keep_receipt(notifier, tx, row, said_so, now)
    if row.state == "failed":
        call_somebody(notifier, tx, row, now)
    return row


def _gone(notifier: Notifier, row: FilingRow, now: datetime) -> None:
    """It has left; a computer has to answer within the time that the trial file gives it."""
    row.state, row.sent_at, row.error = "sent", now, None
    transport = icsr.transport_of(notifier.trial, row.recipient_id) if row.method == "gateway" else None
    if transport is not None:
        row.answer_due_at = now + timedelta(hours=transport.answer_within_hours)


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
    _duty_filed(notifier, tx, row, "system", now)


def _alert(notifier: Notifier, tx: Tx, row: FilingRow, cause: str, kind: str, now: datetime) -> None:
    alerts.open_alert(
        notifier,
        tx,
        cause=cause,
        kind=kind,
        stream=row.subject_id,
        now=now,
        case_id=row.case_id,
        case_number=row.case_number,
        obligation_id=row.obligation_id,
    )


def record_receipt(
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
    elif seen.sent_at is not None and at < _minute(seen.sent_at):
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
    keep_receipt(notifier, tx, row, receipt, now)
    return receipt


def keep_receipt(
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
        _move(notifier, tx, duty, "received", user_id, now, received_at=receipt.at)
    elif verdict == "rejected" and duty.state in ("filed", "received"):
        held_since = _held_beside(tx, row)
        if held_since is None:
            _move(notifier, tx, duty, "rejected", user_id, now, received_at=None)
        elif duty.received_at != held_since:
            _move(notifier, tx, duty, "received", user_id, now, received_at=held_since)
        _alert(notifier, tx, row, f"rejected/{receipt.receipt_id}", "rejected", now)


def _held_beside(tx: Tx, rejected: FilingRow) -> datetime | None:
    """Since when the recipient holds the same or a later version under the same duty, whatever became of this one."""
    beside = [
        one.filing_id
        for one in store.filings(tx, obligation_id=rejected.obligation_id)
        if one.filing_id != rejected.filing_id and one.state == "received" and one.case_version >= rejected.case_version
    ]
    return min((one.at for one in store.receipts_of(tx, beside)), default=None)


def _duty_filed(notifier: Notifier, tx: Tx, row: FilingRow, user_id: str, now: datetime) -> None:
    duty = store.obligation(tx, row.obligation_id)
    assert duty is not None
    if duty.state in ("open", "rejected"):
        _move(notifier, tx, duty, "filed", user_id, now, filed_at=row.sent_at)
    else:
        duties.evaluate_case(notifier, tx, row.case_id, now)


def _move(
    notifier: Notifier, tx: Tx, duty: Obligation, state: str, user_id: str, now: datetime, **times: datetime | None
) -> None:
    moved = duty.model_copy(update={"version": duty.version + 1, "state": state, "recorded_at": now, **times})
    duties.save(notifier, tx, moved, actor=user_id, action=f"a duty is now {state} ({duty.rule_id})", now=now)
    duties.evaluate_case(notifier, tx, duty.case_id, now)
