"""An electronic report (E2B(R3)) as a document beside the form: read, written and judged outside any transaction, stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

from services.sae_notifier import store
from services.sae_notifier.e2b import (
    Facts,
    Message,
    Prepared,
    Profile,
    installed,
    prepare,
    write,
)
from services.sae_notifier.handlers import registered, telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.rules import Rule
from services.sae_notifier.store import FilingRow, FormRow, IcsrRow
from shared.bus import heard, redacted
from shared.canonical import sha256
from shared.case import CaseReport, Moment
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused
from shared.failpoint import hit
from shared.ids import new_id
from shared.trial import Transport, Trial

KIND = "e2b_r3"
_NO_TIME = datetime(2199, 1, 1, tzinfo=UTC)
"""Stands for the time of the message while only the facts are compared: later than every fact."""


Closed = Literal["no_way", "no_address", "no_schemas"]
_CLOSED: dict[Closed, FieldProblem] = {
    "no_way": FieldProblem("/method", "this recipient is not reached electronically", "use its other way"),
    "no_address": FieldProblem(
        "/method", "no address of this recipient's computer is configured", "an administrator sets TOCSIN_ENDPOINTS"
    ),
    "no_schemas": FieldProblem(
        "/method", "the official E2B(R3) schemas are not installed", "an administrator runs tocsin e2b fetch-schemas"
    ),
}


@dataclass(frozen=True)
class IcsrDraft:
    """Everything a message needs, read in one go. `facts_sha256` leaves out its number and time."""

    obligation_id: str
    case: CaseReport
    case_sha256: str
    recipient_id: str
    follow_up: int
    facts: Facts
    profile: Profile
    message: Message
    facts_sha256: str
    redactions: int = 0
    """How often words about the child had been taken back when it was read."""


def transport_of(trial: Trial, recipient_id: str) -> Transport | None:
    recipient = trial.recipient(recipient_id)
    return recipient.transport if recipient else None


def closed_because(notifier: Notifier, recipient_id: str) -> Closed | None:
    """Why nothing can be sent to this recipient's computer from here; None when the way is open."""
    transport = transport_of(notifier.trial, recipient_id)
    if transport is None:
        return "no_way"
    if transport.endpoint not in notifier.electronic.endpoints:
        return "no_address"
    return None if installed(notifier.electronic.schemas_dir) else "no_schemas"


def draft(
    notifier: Notifier, tx: Tx, obligation_id: str, now: datetime, instead_of: FilingRow | None = None
) -> IcsrDraft:
    """Read what the message of this duty says: the newest case version (or that of the telling it replaces), for this
    recipient."""
    duty = store.obligation(tx, obligation_id)
    if duty is None:
        raise NotFound("no duty by that id")
    trial, recipient = notifier.trial, notifier.trial.recipient(duty.recipient_id)
    named, sender = recipient.e2b if recipient else None, trial.safety_sender
    if named is None or sender is None:
        raise Refused(
            "no electronic report for this recipient",
            problems=[FieldProblem("/kind", "this recipient is not reached electronically", "use its other way")],
        )
    versions = heard.case_versions(tx, duty.case_id)
    told = store.filings(tx, case_id=duty.case_id, recipient_id=duty.recipient_id)
    if instead_of is not None:
        versions = [one for one in versions if one.version <= instead_of.case_version]
        told = [one for one in told if _before(one, instead_of)]
    case = versions[-1]
    known = store.icsrs_of(tx, case.case_id)
    left = {one.document_id for one in store.filings(tx, case_id=case.case_id)}
    mine = [one for one in known if one.recipient_id == duty.recipient_id]
    rule = next((one for one in notifier.laws.active(tx).law.rulebook.rules if one.rule_id == duty.rule_id), None)
    made_at = now.replace(microsecond=0)
    if mine and made_at <= mine[-1].created_at:
        made_at = mine[-1].created_at + timedelta(seconds=1)
    of_version = sum(one.batch_number.startswith(f"{_number(case, duty.recipient_id)}-x") for one in mine)
    message = Message(
        batch_number=f"{_number(case, duty.recipient_id)}-x{of_version + 1}",
        batch_sender=sender.e2b_id,
        batch_receiver=named.batch_receiver,
        sender=sender.e2b_id,
        receiver=named.receiver,
        created_at=made_at,
        transmitted_at=made_at,
        initial=not any(_may_be_there(one) for one in told),
        criteria="6" if rule is None or _is_short(rule) else "1",
        # Constant for all versions, to whomever; what nobody was told binds nobody.
        first_received=next(
            (Moment.model_validate_json(one.first_received) for one in known if one.document_id in left), None
        ),
    )
    facts = _facts(trial, tx, case, versions)
    undated = replace(message, batch_number="-", created_at=_NO_TIME, transmitted_at=_NO_TIME)
    turned_down = sum(one.state == "rejected" and one.case_version == case.version for one in told)
    said = write(case, facts, named.profile, undated)
    return IcsrDraft(
        obligation_id=obligation_id,
        case=case,
        case_sha256=store.case_sha256(tx, case.case_id, case.version),
        recipient_id=duty.recipient_id,
        follow_up=len({one.case_version for one in told} - {case.version}),
        redactions=len(redacted.of_child(tx, case.subject_id)),
        facts=facts,
        profile=named.profile,
        message=message,
        facts_sha256=sha256(said + f"|{obligation_id}|{turned_down}".encode()),
    )


def _number(case: CaseReport, recipient_id: str) -> str:
    return f"{case.case_number}-v{case.version}-{recipient_id}"


def _may_be_there(one: FilingRow) -> bool:
    return one.method == "gateway" and one.state in ("waiting", "sent", "received")


def _before(one: FilingRow, replaced: FilingRow) -> bool:
    """What the replaced telling came after; it is itself only where it may have arrived."""
    if one.filing_id == replaced.filing_id:
        return store.may_have_left(one)
    return (one.case_version, one.filed_at) < (replaced.case_version, replaced.filed_at)


def _is_short(rule: Rule) -> bool:
    """Seven days or less, hours and "at once" included (FDA.C.1.7.1 = 6)."""
    return rule.deadline.unit in ("hours", "at_once") or rule.deadline.number <= 7


def made_before(tx: Tx, made: IcsrDraft) -> FormRow | None:
    """The message that says the same of the same version for the same duty, unless it was rejected since."""
    case = made.case
    return store.form_saying(tx, KIND, case.case_id, case.version, made.recipient_id, made.facts_sha256)


def judged(notifier: Notifier, made: IcsrDraft, now: datetime) -> Prepared:
    """Write, validate, read back, compare. Seconds of CPU at most; raises SchemasMissing: then nothing is made."""
    look_at = max(now, made.message.created_at)
    schemas_dir = notifier.electronic.schemas_dir
    prepared = prepare(made.case, made.facts, made.profile, made.message, schemas_dir, now=look_at)
    hit("form.after_render")
    return prepared


def keep(
    notifier: Notifier,
    tx: Tx,
    made: IcsrDraft,
    prepared: Prepared,
    user_id: str,
    now: datetime,
    *,
    again: bool = False,
) -> FormRow:
    """Store the message with what was found about it, immutable; one with errors is kept to be looked at, never sent.
    Raises Conflict when the case has moved on (unless an older version is made `again`), or words were taken back."""
    case = made.case
    notifier.audit.lock(tx, case.subject_id)
    newest = heard.case_versions(tx, case.case_id)[-1]
    if newest.version != case.version and not again:
        raise Conflict(f"the case is at version {newest.version} now; make the form again")
    if len(redacted.of_child(tx, case.subject_id)) != made.redactions:
        raise Conflict("words were taken back meanwhile; make it again")
    known = made_before(tx, made)
    if known is not None:
        return known
    if store.icsr_numbered(tx, made.message.batch_number) is not None:
        raise Conflict("somebody else made this report just now; make it again")
    row = FormRow(
        document_id=new_id(),
        kind=KIND,
        case_id=case.case_id,
        case_number=case.case_number,
        case_version=case.version,
        case_sha256=made.case_sha256,
        subject_id=case.subject_id,
        recipient_id=made.recipient_id,
        follow_up=made.follow_up,
        facts_sha256=made.facts_sha256,
        sha256=sha256(prepared.xml),
        content=prepared.xml,
        made_by=user_id,
        made_at=now,
    )
    numbers = IcsrRow(
        document_id=row.document_id,
        batch_number=made.message.batch_number,
        obligation_id=made.obligation_id,
        case_id=case.case_id,
        case_number=case.case_number,
        recipient_id=made.recipient_id,
        created_at=made.message.created_at,
        first_received=prepared.first_received.model_dump_json(),
        profile=made.profile,
        initial=made.message.initial,
        may_be_sent=prepared.may_be_sent,
        findings=json.dumps([one.as_json() for one in prepared.findings], ensure_ascii=False),
    )
    store.add_row(tx, row)
    store.add_row(tx, numbers)
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor=user_id,
        action="made an electronic report",
        at=now,
        detail={"sha256": row.sha256, "case_version": row.case_version, "number": numbers.batch_number},
        rows=[row, numbers, telling.form_made(notifier, tx, row, now, numbers)],
    )
    return row


def problems(notifier: Notifier, tx: Tx, document: FormRow, obligation_id: str) -> list[FieldProblem]:
    """Why this file may not leave by the recipient's computer; empty when it may."""
    closed = closed_because(notifier, document.recipient_id or "")
    if closed is not None:
        return [_CLOSED[closed]]
    numbers = store.icsr(tx, document.document_id)
    at = partial(FieldProblem, "/document_id")
    if document.kind != KIND or numbers is None:
        return [at("not an electronic report", "make the electronic report first")]
    if numbers.obligation_id != obligation_id:
        return [at("made for another duty", "make the electronic report of this duty")]
    if not numbers.may_be_sent:
        return [at("the file has errors", "correct what its findings name, then make it anew")]
    told = [one for one in store.filings(tx, case_id=document.case_id) if one.recipient_id == document.recipient_id]
    if any(one.document_id == document.document_id and one.state == "rejected" for one in told):
        return [at("this very file was rejected", "make it anew: it gets a number and a time of its own")]
    times = {one.document_id: one.created_at for one in store.icsrs_of(tx, document.case_id)}
    gone = [
        times[one.document_id] for one in told if one.document_id in times and one.document_id != document.document_id
    ]
    if any(numbers.created_at < one for one in gone):
        return [at("a later file was sent already", "make it anew")]
    return []


def _facts(trial: Trial, tx: Tx, case: CaseReport, versions: list[CaseReport]) -> Facts:
    product = next((one for one in trial.exposures if one.role == "IP"), None)
    assessments = store.assessments(tx, case.case_id)
    return Facts(
        sender=registered.sender_of(trial),
        source=registered.source_of(trial, case.site_id),
        study=registered.study_of(trial),
        subject=heard.subject(tx, case.subject_id),
        exposures=tuple(heard.exposures_of_child(tx, case.subject_id)),
        batches=tuple(heard.batches_of_child(tx, case.subject_id)),
        measurements=tuple(heard.measurements_of_child(tx, case.subject_id)),
        assessment=assessments[-1] if assessments else None,
        history=tuple(versions),
        zone=trial.desk_zone,
        product=product.agents[0].name if product and product.agents else "investigational product",
        suspects=trial.kinds("IP"),
        routes={one.kind: one.default_route for one in trial.exposures if one.default_route},
    )
