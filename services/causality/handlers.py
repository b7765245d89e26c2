"""Verbs of causality: propose when a child's documents change, take a person's answers, sign when a monitor has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.causality import store
from services.causality.domain import ListedTerm, Question, RsiVersion, Stale, is_stale, problems_with, propose, related
from services.causality.methods.who_umc import reasonable_possibility
from shared.audit import Audit, Audited
from shared.bus import heard, redacted
from shared.bus.outbox import emit
from shared.bus.wake import Wake
from shared.bus.worker import Receipt
from shared.canonical import canonical
from shared.case import Assessment, CaseReport, FreeText, PersonAnswer, Relatedness, Signature
from shared.case.assessment import WhoUmc
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, PreconditionFailed, Refused
from shared.trial import Trial


@dataclass(frozen=True)
class Causality:
    """What every handler needs besides the transaction."""

    trial: Trial
    audit: Audit
    wake: Wake


@dataclass(frozen=True)
class Decision:
    """What the monitor puts for one event and one exposure; another category than proposed needs a reason."""

    event_id: str
    exposure_id: str
    accepted: WhoUmc
    reason: str | None = None


Given = Literal["yes", "no", "unknown", "withdrawn"]


@dataclass(frozen=True)
class Said:
    """One answer of a person about one event and one exposure; `withdrawn` hands the question back to the records."""

    event_id: str
    exposure_id: str
    question: Question
    answer: Given
    reason: FreeText

    def given(self, number: int, user_id: str, now: datetime) -> PersonAnswer:
        return PersonAnswer(
            number=number,
            event_id=self.event_id,
            exposure_id=self.exposure_id,
            question=self.question,
            answer=self.answer,
            reason=self.reason,
            answered_by=user_id,
            answered_at=now,
        )


def rsi_versions(trial: Trial) -> tuple[RsiVersion, ...]:
    """The trial's reference safety information as instants: local days of the desk's zone become UTC bounds."""
    zone = ZoneInfo(trial.desk_zone)
    return tuple(
        RsiVersion(
            version=one.version,
            effective_from=datetime.combine(one.effective_from, datetime.min.time(), zone),
            effective_to=datetime.combine(one.effective_to + timedelta(days=1), datetime.min.time(), zone)
            if one.effective_to
            else None,
            illustrative=one.illustrative,
            listed=tuple(
                ListedTerm(term.code, term.term, term.max_listed_grade, term.listed_for, term.fatal_listed, term.signed)
                for term in one.terms
            ),
        )
        for one in trial.rsi
    )


def on_change(causality: Causality, tx: Tx, receipt: Receipt, now: datetime) -> None:
    """Any change of a child's documents proposes anew for each of that child's cases that it makes stale."""
    reconsider(causality, tx, receipt.key, now)


def reconsider(causality: Causality, tx: Tx, child: str, now: datetime) -> None:
    """Propose anew for each of one child's cases that something became known about since."""
    cases = heard.cases_of_child(tx, child)
    current = store.current_versions(tx, child)
    for case in cases:
        latest = store.latest(tx, case.case_id)
        if latest is None or latest.case_version < case.version or is_stale(latest, current):
            propose_case(causality, tx, case, cases, latest, now)


def propose_case(
    causality: Causality,
    tx: Tx,
    case: CaseReport,
    cases: Sequence[CaseReport],
    before: Assessment | None,
    now: datetime,
    actor: str = "system",
    action: str = "proposed an assessment",
    more: Sequence[Audited] = (),
) -> Assessment:
    """Compute, store and publish one proposal. It supersedes a signed one, which is stale by then; nothing is relaxed."""
    made = propose(
        case,
        heard.subject(tx, case.subject_id),
        heard.exposures_of_child(tx, case.subject_id),
        heard.measurements_of_child(tx, case.subject_id),
        heard.batches_of_child(tx, case.subject_id),
        [other for other in cases if other.case_id != case.case_id],
        rsi_versions(causality.trial),
        causality.trial.ctcae_version,
        now,
        store.answers(tx, case.case_id),
    ).as_assessment((before.version if before else 0) + 1, now)
    _save(causality, tx, made, "tocsin.assessment.proposed.v1", actor, action, None, now, more)
    return made


def answer(
    causality: Causality,
    tx: Tx,
    case_id: str,
    *,
    expected_version: int,
    answers: Sequence[Said],
    user_id: str,
    now: datetime,
) -> Assessment:
    """Keep what a person answered and propose anew at once, unsigned. Raises PreconditionFailed when a newer proposal exists."""
    before = _locked(causality, tx, case_id, expected_version)
    rules = redacted.rules_of(tx, before.subject_id)
    held = store.answers(tx, case_id)
    last = held[-1].number if held else 0
    given = [one.given(last + place, user_id, now) for place, one in enumerate(answers, start=1)]
    problems = problems_with(before, held, given)
    if problems:
        raise Refused("the answers cannot be taken as they are", problems=problems)
    given = [rules.part(one) for one in given]
    rows = [store.add_answer(tx, before, one) for one in given]
    cases = heard.cases_of_child(tx, before.subject_id)
    case = next(one for one in cases if one.case_id == case_id)
    action = "answered what the records cannot; proposed an assessment"
    return propose_case(causality, tx, case, cases, before, now, user_id, action, rows)


def to_sign(case_id: str, version: int, decisions: Sequence[Decision], meaning: str) -> dict[str, Any]:
    """What a fresh proof is given for: this version, these decisions, this meaning, and nothing else."""
    decided = [[one.event_id, one.exposure_id, one.accepted, one.reason or ""] for one in decisions]
    return {"sign": "assessment", "case_id": case_id, "version": version, "decisions": decided, "meaning": meaning}


def sign(
    causality: Causality,
    tx: Tx,
    case_id: str,
    *,
    expected_version: int,
    decisions: Sequence[Decision],
    meaning: str,
    user_id: str,
    proved_at: datetime,
    now: datetime,
) -> Assessment:
    """Sign exactly what was read: raises PreconditionFailed when a newer proposal exists, Conflict when it is stale."""
    before = _locked(causality, tx, case_id, expected_version)
    if before.signature is not None:
        raise Conflict(f"{before.signature.signed_by} signed this version already")
    stale = stale_reasons(tx, before)
    if stale:
        raise Conflict(f"something became known since it was proposed ({stale[0].why.en}); read the new proposal")
    decided = _decide(before, decisions)
    body = decided.model_copy(update={"version": before.version + 1, "signature": None, "recorded_at": now})
    signature = Signature(
        signed_by=user_id, signed_at=proved_at, meaning=meaning, sha256=sha256(canonical(body)).hexdigest()
    )
    signed = body.model_copy(update={"signature": signature})
    _save(causality, tx, signed, "tocsin.assessment.signed.v1", user_id, "signed an assessment", meaning, now)
    return signed


def stale_reasons(tx: Tx, assessment: Assessment) -> tuple[Stale, ...]:
    return is_stale(assessment, store.current_versions(tx, assessment.subject_id))


def _locked(causality: Causality, tx: Tx, case_id: str, expected_version: int) -> Assessment:
    """The newest assessment under its child's lock, if it is the one that was read."""
    seen = store.latest(tx, case_id)
    if seen is None:
        raise NotFound("no assessment for that case yet")
    causality.audit.lock(tx, seen.subject_id)
    tx.session.expire_all()
    before = store.latest(tx, case_id)
    assert before is not None
    if before.version != expected_version:
        raise PreconditionFailed(
            f"the assessment is at version {before.version}, not {expected_version}; read it again"
        )
    return before


def _decide(before: Assessment, decisions: Sequence[Decision]) -> Assessment:
    """Every pair gets an accepted category: the decision's, else the proposal's. Unknown pairs and bare overrides are refused."""
    by_pair: Mapping[tuple[str, str], Decision] = {(d.event_id, d.exposure_id): d for d in decisions}
    pairs = {(event.event_id, one.exposure_id): one for event in before.events for one in event.relatedness}
    problems = [
        FieldProblem(f"/decisions/{i}", "no such event and exposure in this assessment", "use the ids of the proposal")
        for i, d in enumerate(decisions)
        if (d.event_id, d.exposure_id) not in pairs
    ]
    problems += [
        FieldProblem(f"/decisions/{i}/reason", "another category than proposed needs a reason", "say why")
        for i, d in enumerate(decisions)
        if (pair := pairs.get((d.event_id, d.exposure_id))) is not None
        and d.accepted != pair.proposed
        and not (d.reason or "").strip()
    ]
    problems += [
        FieldProblem(
            "/decisions", f"nothing is proposed for event {event_id} and exposure {exposure_id}", "decide this pair"
        )
        for (event_id, exposure_id), one in pairs.items()
        if one.proposed is None and (event_id, exposure_id) not in by_pair
    ]
    if problems:
        raise Refused("the decisions cannot be signed as they are", problems=problems)
    events = []
    for event in before.events:
        judged = tuple(_accept(one, by_pair.get((event.event_id, one.exposure_id))) for one in event.relatedness)
        events.append(event.model_copy(update={"relatedness": judged, "related": related(judged)}))
    return before.model_copy(update={"events": tuple(events)})


def _accept(one: Relatedness, decision: Decision | None) -> Relatedness:
    category = decision.accepted if decision else one.proposed
    assert category is not None
    reason = (decision.reason or "").strip() if decision else ""
    return one.model_copy(
        update={
            "accepted": category,
            "reasonable_possibility": reasonable_possibility(category),
            "override_reason": FreeText(text=reason) if reason else None,
        }
    )


def _save(
    causality: Causality,
    tx: Tx,
    assessment: Assessment,
    event_type: str,
    actor: str,
    action: str,
    reason: str | None,
    now: datetime,
    more: Sequence[Audited] = (),
) -> None:
    rules = redacted.rules_of(tx, assessment.subject_id)
    assessment, reason = rules.document(f"assessment/{assessment.case_id}", assessment), rules.said(reason)
    row = store.add_assessment(tx, assessment)
    sent = emit(
        tx,
        event_type,
        assessment,
        aggregate=f"assessment/{assessment.case_id}",
        version=assessment.version,
        trial_id=assessment.trial_id,
        now=now,
        key=assessment.subject_id,
    )
    causality.audit.record(
        tx,
        stream=assessment.subject_id,
        actor=actor,
        action=action,
        at=now,
        reason=reason,
        detail={
            "case_number": assessment.case_number,
            "case_version": assessment.case_version,
            "version": assessment.version,
        },
        rows=[row, sent, *more],
    )
    tx.after_commit(causality.wake.set)
