"""Verbs of ae_intake: `(intake, tx, command, who, now) -> outcome`. One call, one transaction, one version.

Every handler locks the child's stream first, so that versions, audit numbers and outbox positions of one child are in
commit order.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.ae_intake import domain, store
from services.ae_intake.commands import AmendCase, NullifyCase, SubmitCase
from services.ae_intake.domain import Question, Suspicion
from services.ae_intake.store import CaseRow, RejectedRow
from shared import metrics, terms
from shared.audit import SERVICE_STREAM, Audit
from shared.bus import redacted
from shared.bus.outbox import emit
from shared.bus.wake import Wake
from shared.case import CaseReport, CodedTerm, Subject
from shared.case.seriousness import of_case
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, PreconditionFailed, Refused
from shared.ids import new_id
from shared.trial import Trial


@dataclass(frozen=True)
class Who:
    """Who acts: a user id and the sites they may see (None = all)."""

    user_id: str
    sites: frozenset[str] | None = None

    def may_see(self, site_id: str | None) -> bool:
        return self.sites is None or site_id in self.sites


@dataclass(frozen=True)
class Intake:
    """What every handler needs besides the transaction: the trial, the trail, and the relay's wake."""

    trial: Trial
    audit: Audit
    wake: Wake

    def code_term(self, code: str) -> CodedTerm | None:
        found = terms.find(code, self.trial.ctcae_version)
        return (
            None
            if found is None
            else CodedTerm(dictionary="CTCAE", version=self.trial.ctcae_version, code=found.code, term=found.name)
        )


@dataclass(frozen=True)
class CaseOutcome:
    """A stored version, what is still missing in it, and cases that may be the same."""

    case: CaseReport
    missing: tuple[Question, ...]
    suspected: tuple[Suspicion, ...]


def submit_case(intake: Intake, tx: Tx, command: SubmitCase, who: Who, now: datetime) -> CaseOutcome:
    """Store, publish: however incomplete. Raises Refused for what cannot become even a draft."""
    if domain.says_nothing(command):
        raise Refused(
            "the report names no child, no event and no words",
            problems=[FieldProblem("", "the report is empty", "say at least what happened, or to whom")],
        )
    _check_terms(intake, command.events)
    site = intake.trial.site_of(command.subject_id) if command.subject_id else None
    site_id = command.site_id or (site.id if site else None)
    if site_id is None and who.sites is not None and len(who.sites) == 1:
        site_id = next(iter(who.sites))
    # No look at the sites here: a report about another site's child is kept too; only reading is limited.
    zone = ZoneInfo(site.zone if site else intake.trial.desk_zone)
    sequence = store.next_case_sequence(tx)
    number = intake.trial.case_number(now.astimezone(zone).year, sequence, site_id)
    subject_id = command.subject_id or f"UNKNOWN-{number}"
    intake.audit.lock(tx, subject_id)
    subject = _subject_or_provisional(intake, tx, subject_id, site_id, who, now)
    case = domain.first_version(
        command,
        case_id=new_id(),
        case_number=number,
        trial_id=intake.trial.id,
        subject_id=subject_id,
        site_id=site_id,
        reported_by=who.user_id,
        new_id=new_id,
        code_term=intake.code_term,
        now=now,
    )
    row = head_of(case, now, sequence)
    store.add_case(tx, row)
    case = _publish(intake, tx, "tocsin.case.reported.v1", case, row, who, now, "reported a case", None)
    return _outcome(tx, case, subject, who, now)


def amend_case(
    intake: Intake, tx: Tx, case_id: str, command: AmendCase, expected_version: int, who: Who, now: datetime
) -> CaseOutcome:
    """Add the next version. Raises PreconditionFailed when the case has moved on, Conflict when it is void."""
    before, row = _locked_case(intake, tx, case_id, expected_version, who)
    unknown = domain.unknown_events(before, command)
    if unknown:
        raise Refused(
            "an event of that id is not in this case",
            problems=[
                FieldProblem(f"/events/{i}/event_id", "not an event of this case", "leave it out to add a new event")
                for i in unknown
            ],
        )
    _check_terms(intake, command.events or ())
    case = domain.amended(before, command, reported_by=who.user_id, new_id=new_id, code_term=intake.code_term, now=now)
    row = head_of(case, now, row.sequence, row)
    store.change_case(tx, row)
    case = _publish(intake, tx, "tocsin.case.amended.v1", case, row, who, now, "amended a case", command.reason)
    return _outcome(tx, case, store.latest(tx, f"subject/{case.subject_id}"), who, now)


def nullify_case(
    intake: Intake, tx: Tx, case_id: str, command: NullifyCase, expected_version: int, who: Who, now: datetime
) -> CaseOutcome:
    """Declare a case void. Its duties end only once the replacement, if any, has been received (sae_notifier's rule)."""
    replacement = store.find_case_id(tx, command.replaced_by) if command.replaced_by is not None else None
    heads = [head for one in (case_id, replacement) if one is not None and (head := store.case_head(tx, one))]
    for subject_id in sorted({head.subject_id for head in heads}):
        intake.audit.lock(tx, subject_id)  # both, or two cases could void each other in favour of the other
    before, row = _locked_case(intake, tx, case_id, expected_version, who)
    if command.replaced_by is not None:
        if replacement is None or replacement == case_id:
            raise Refused(
                "the replacement is not a case here",
                problems=[FieldProblem("/replaced_by", "no other case by that id or number", "name an existing case")],
            )
        newest = store.latest(tx, f"case/{replacement}")
        if newest is None or newest.nullified is not None:
            raise Refused(
                "the replacement is void itself",
                problems=[FieldProblem("/replaced_by", "this case was nullified", "name the case that stands")],
            )
    case = domain.nullified(before, reason=command.reason, replaced_by=replacement, reported_by=who.user_id, now=now)
    row = head_of(case, now, row.sequence, row)
    store.change_case(tx, row)
    case = _publish(intake, tx, "tocsin.case.nullified.v1", case, row, who, now, "nullified a case", command.reason)
    return _outcome(tx, case, store.latest(tx, f"subject/{case.subject_id}"), who, now)


def keep_rejected(
    intake: Intake,
    tx: Tx,
    *,
    body: bytes,
    content_type: str,
    route: str,
    problems: Sequence[FieldProblem],
    who: Who,
    now: datetime,
) -> str:
    """Keep what could not become even a draft; returns its id."""
    row = RejectedRow(
        rejected_id=new_id(),
        client=who.user_id,
        route=route,
        content_type=content_type[:100],
        body=base64.b64encode(body).decode(),
        problems=json.dumps([problem.as_json() for problem in problems], ensure_ascii=False),
        at=now,
    )
    store.add_row(tx, row)
    intake.audit.lock(tx, SERVICE_STREAM)
    intake.audit.record(
        tx, stream=SERVICE_STREAM, actor=who.user_id, action="sent a submission that was rejected", at=now, rows=[row]
    )
    return row.rejected_id


def close_rejected(intake: Intake, tx: Tx, rejected_id: str, reason: str, who: Who, now: datetime) -> RejectedRow:
    row = store.rejected(tx, rejected_id, lock=True)
    if row is None:
        raise NotFound("no rejected submission by that id")
    if row.state != "open":
        raise Conflict("this rejected submission was closed already")
    row.state, row.closed_at, row.closed_by, row.closed_reason = "closed", now, who.user_id, reason
    intake.audit.lock(tx, SERVICE_STREAM)
    intake.audit.record(
        tx,
        stream=SERVICE_STREAM,
        actor=who.user_id,
        action="closed a rejected submission",
        at=now,
        reason=reason,
        rows=[row],
    )
    tx.session.add(row)
    return row


def read_case(
    intake: Intake, tx: Tx, id_or_number: str, who: Who, now: datetime, version: int | None = None
) -> CaseOutcome:
    case_id = store.find_case_id(tx, id_or_number)
    aggregate = f"case/{case_id}"
    case = (
        None
        if case_id is None
        else (store.latest(tx, aggregate) if version is None else store.version_of(tx, aggregate, version))
    )
    if case is None or not who.may_see(case.site_id):
        raise NotFound("no case, or no version of it, by that id")
    return _outcome(tx, case, store.latest(tx, f"subject/{case.subject_id}"), who, now)


def _locked_case(intake: Intake, tx: Tx, case_id: str, expected_version: int, who: Who) -> tuple[CaseReport, CaseRow]:
    head = store.case_head(tx, case_id)
    if head is None or not who.may_see(head.site_id):
        raise NotFound("no case by that id")
    intake.audit.lock(tx, head.subject_id)
    tx.session.expire_all()
    head = store.case_head(tx, case_id)
    before = store.latest(tx, f"case/{case_id}")
    assert head is not None and before is not None
    if before.version != expected_version:
        raise PreconditionFailed(
            f"the case is at version {before.version}, not {expected_version}; read it again and repeat"
        )
    if before.nullified is not None:
        raise Conflict("the case was nullified; report news under its replacement, or as a new case")
    return before, head


def _subject_or_provisional(
    intake: Intake, tx: Tx, subject_id: str, site_id: str | None, who: Who, now: datetime
) -> Subject:
    subject = store.latest(tx, f"subject/{subject_id}")
    if subject is not None:
        return subject
    subject = Subject(
        subject_id=subject_id, version=1, trial_id=intake.trial.id, site_id=site_id, provisional=True, recorded_at=now
    )
    row = store.add_document(tx, "subject", f"subject/{subject_id}", subject)
    sent = emit(
        tx,
        "tocsin.subject.recorded.v1",
        subject,
        aggregate=f"subject/{subject_id}",
        version=1,
        trial_id=intake.trial.id,
        now=now,
        key=subject_id,
    )
    intake.audit.record(
        tx, stream=subject_id, actor=who.user_id, action="first named a child", at=now, rows=[row, sent]
    )
    return subject


def _publish(
    intake: Intake,
    tx: Tx,
    event_type: str,
    case: CaseReport,
    head: CaseRow,
    who: Who,
    now: datetime,
    action: str,
    reason: str | None,
) -> CaseReport:
    """Store and publish one version; gives it as it was stored, without words that were taken back before."""
    aggregate = f"case/{case.case_id}"
    rules = redacted.rules_of(tx, case.subject_id)
    case, reason = rules.document(aggregate, case), rules.said(reason)
    row = store.add_document(tx, "case", aggregate, case)
    sent = emit(
        tx,
        event_type,
        case,
        aggregate=aggregate,
        version=case.version,
        trial_id=case.trial_id,
        now=now,
        key=case.subject_id,
        serious=head.serious,
        body=row.body.encode(),
    )
    tx.after_commit(intake.wake.set)
    tx.after_commit(metrics.CASES.labels(service="ae_intake", serious="yes" if head.serious else "no").inc)
    intake.audit.record(
        tx,
        stream=case.subject_id,
        actor=who.user_id,
        action=action,
        at=now,
        reason=reason,
        detail={"event_id": sent.event_id, "case_number": case.case_number, "version": case.version},
        rows=[row, head, sent],
    )
    return case


def head_of(case: CaseReport, now: datetime, sequence: int, before: CaseRow | None = None) -> CaseRow:
    """The head row of one version of a case."""
    return CaseRow(
        case_id=case.case_id,
        case_number=case.case_number,
        sequence=sequence,
        subject_id=case.subject_id,
        site_id=case.site_id,
        version=case.version,
        serious=of_case(case).serious,
        nullified=case.nullified is not None,
        summary=", ".join(event.term.term for event in case.events if event.term)[:200],
        first_recorded_at=before.first_recorded_at if before else now,
        recorded_at=now,
    )


def _outcome(tx: Tx, case: CaseReport, subject: Subject | None, who: Who, now: datetime) -> CaseOutcome:
    # Whoever reports about another site's child learns nothing about that child's other cases.
    others = [one for one in store.of_child(tx, case.subject_id, "case") if who.may_see(one.site_id)]
    return CaseOutcome(case, domain.missing(case, subject, now), domain.suspicions(case, others))


def _check_terms(intake: Intake, events: Sequence[object]) -> None:
    problems = [
        FieldProblem(
            f"/events/{i}/term_code",
            f"not a CTCAE {intake.trial.ctcae_version} term code",
            "search with GET /api/v1/terms?q=…",
        )
        for i, event in enumerate(events)
        if (code := getattr(event, "term_code", None)) and intake.code_term(code) is None
    ]
    if problems:
        raise Refused("a term code is not known", problems=problems)
