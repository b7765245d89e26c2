"""Duties follow the facts: any change of a child's documents evaluates that child's cases again, over their whole history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.handlers import alerts
from services.sae_notifier.handlers.law import Active
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.rules import (
    THRESHOLDS,
    AssessmentView,
    Duty,
    Held,
    History,
    Told,
    evaluate,
    is_stale,
    known_versions,
)
from services.sae_notifier.rules import alarms as thresholds_of
from services.sae_notifier.store import AlarmRow, DutyRow, FilingRow
from shared.audit import Audited
from shared.bus import heard, received
from shared.bus.outbox import emit
from shared.bus.worker import Receipt
from shared.case import Batch, CaseReport, DutyCause, Obligation
from shared.db import Tx

OTHER_FILES = "other_files"
_JUDGED = ("case/", "exposure/", "measurement/", "subject/", "batch/")


def on_change(notifier: Notifier, tx: Tx, receipt: Receipt, now: datetime) -> None:
    """A subject, exposure, batch, measurement or case of this child is new: alerts first, then every case's duties."""
    prefix, _, identity = receipt.event.aggregate.partition("/")
    if prefix == "case":
        alerts.open_for_case(notifier, tx, heard.case_versions(tx, identity), now)
    if prefix == "batch":
        alerts.open_for_batch(notifier, tx, Batch.read(receipt.event.data), now)
    if prefix == "assessment":
        evaluate_case(notifier, tx, identity, now)
        return
    for case in heard.cases_of_child(tx, receipt.key):
        evaluate_case(notifier, tx, case.case_id, now)


@dataclass(frozen=True)
class Judged:
    """One case judged by one law: the duties as they stand by id, and the versions that would be added."""

    before: dict[str, Obligation]
    changed: list[Obligation]


def judge(tx: Tx, case_id: str, active: Active, now: datetime) -> Judged | None:
    """What a law makes of everything known about a case; writes nothing. None while the case itself is not here."""
    before = {one.obligation_id: one for one in store.obligations_of(tx, [case_id])}
    versions, duties = wanted(tx, case_id, active, now, list(before.values()))
    if not versions:
        return None  # an assessment can be here before its case when the case is parked
    changed = [
        made
        for duty in duties
        if (made := _as_obligation(duty, versions[-1], before.get(duty.obligation_id), active, now)) is not None
    ]
    return Judged(before, changed)


def wanted(
    tx: Tx, case_id: str, active: Active, now: datetime, before: list[Obligation]
) -> tuple[list[CaseReport], tuple[Duty, ...]]:
    """The versions of a case, and every duty as the law has it now."""
    versions = heard.case_versions(tx, case_id)
    if not versions:
        return [], ()
    law = active.law
    history = _history(tx, versions, before)
    return versions, evaluate(history, law.trial.facts(versions[-1].site_id), law.rulebook, law.calendars, now)


def evaluate_case(notifier: Notifier, tx: Tx, case_id: str, now: datetime) -> list[Obligation]:
    """Evaluate one case and store what changed; returns the new versions. The child's stream must be locked: then either
    this reads an activation, or the review that follows it waits for the lock and judges the case again."""
    found = judge(tx, case_id, notifier.laws.active(tx), now)
    if found is None:
        return []
    for obligation in found.changed:
        save(notifier, tx, obligation, actor="system", action=_action(obligation, found.before), now=now)
    return found.changed


def _history(tx: Tx, versions: list[CaseReport], obligations: list[Obligation]) -> History:
    latest = versions[-1]
    current = {n: v for n, v in store.current_versions(tx, latest.subject_id).items() if n.startswith(_JUDGED)}
    made = store.assessments(tx, latest.case_id)
    current = known_versions(current, made)
    views = tuple(AssessmentView(one, is_stale(one, current)) for one in made)
    replaced_by = latest.nullified.replaced_by if latest.nullified else None
    return History(
        versions=tuple(versions),
        exposures=tuple(heard.exposures_of_child(tx, latest.subject_id)),
        assessments=views,
        obligations=tuple(obligations),
        told=_told(tx, latest.case_id),
        inherited_aware_at=_inherited(tx, latest.case_id),
        replacement_received=replaced_by is not None and bool(received.history(tx, f"case/{replaced_by}")),
    )


def _told(tx: Tx, case_id: str) -> dict[str, Told]:
    told: dict[str, Told] = {}
    filings = sorted(store.filings(tx, case_id=case_id), key=lambda one: one.case_version)
    arrived = any(one.state == "received" for one in filings)
    forms = {one["document_id"]: one for one in store.forms_of(tx, case_id)} if arrived else {}
    for filing in filings:
        if filing.state in ("sent", "received"):
            before = told.get(filing.obligation_id)
            versions = tuple(dict.fromkeys((*(before.all if before else ()), filing.case_version)))
            received = before.received if before else ()
            if filing.state == "received":
                received += (_held(filing, forms.get(filing.document_id)),)
            told[filing.obligation_id] = Told(versions[0], versions[-1], versions, received)
    return told


def _held(filing: FilingRow, form: dict[str, Any] | None) -> Held:
    """Of a document whose row is lost the telling itself is the latest it can have been made."""
    made_at, digest = (form["made_at"], form["sha256"]) if form else (filing.filed_at, "")
    return Held(filing.case_version, made_at, filing.message_number, digest)


def _inherited(tx: Tx, case_id: str) -> datetime | None:
    """The first awareness of the cases that this one replaces: a nullification never buys time."""
    found: list[datetime] = []
    for void in store.nullified_cases(tx, replaced_by=case_id):
        if void.nullified is not None and void.nullified.replaced_by == case_id:
            for version in heard.case_versions(tx, void.case_id):
                told = [
                    m.earliest()
                    for m in (version.site_aware, version.desk_aware)
                    if m and m.earliest() <= version.recorded_at
                ]
                found.append(min([*told, version.recorded_at]))
    return min(found, default=None)


def _as_obligation(
    duty: Duty, case: CaseReport, before: Obligation | None, active: Active, now: datetime
) -> Obligation | None:
    """The next version, or None when nothing moved."""
    state = before.state if before else "open"
    if duty.ended is not None and state in ("open", "rejected"):
        state = "ended"
    elif duty.ended is None and state == "ended":
        state = "open"
    made = Obligation(
        obligation_id=duty.obligation_id,
        version=(before.version if before else 0) + 1,
        trial_id=case.trial_id,
        subject_id=case.subject_id,
        case_id=case.case_id,
        case_number=case.case_number,
        rule_id=duty.rule_id,
        recipient_id=duty.recipient_id,
        recipient_zone=duty.zone,
        state=state,
        provisional=duty.provisional,
        provisional_why=duty.provisional_why,
        day_0=duty.day_0,
        aware_at=duty.aware_at,
        due_at=duty.due_at,
        due_strict_at=duty.due_strict_at,
        due_on=duty.due_on,
        rule_sha256=duty.rule_sha256,
        calendar_sha256=duty.calendar_sha256,
        causes=(*duty.causes, *_other_files(duty, before, active, now)),
        factors=duty.factors,
        statements=before.statements if before else (),
        filed_at=before.filed_at if before else None,
        received_at=before.received_at if before else None,
        ended_why=duty.ended.code if state == "ended" and duty.ended else None,
        recorded_at=now,
    )
    if (
        before is not None
        and made.model_copy(update={"version": before.version, "recorded_at": before.recorded_at}) == before
    ):
        return None
    return made


def _other_files(duty: Duty, before: Obligation | None, active: Active, now: datetime) -> tuple[DutyCause, ...]:
    """That the duty was judged by other files than before, each time it was."""
    if before is None:
        return ()
    known = tuple(one for one in before.causes if one.code == OTHER_FILES and one not in duty.causes)
    parts = [("rules", "quy tắc", before.rule_sha256, duty.rule_sha256)]
    if before.calendar_sha256 and duty.calendar_sha256:
        parts.append(("calendar", "lịch", before.calendar_sha256, duty.calendar_sha256))
    moved = [one for one in parts if one[2] != one[3]]
    if not moved:
        return known
    en = "; ".join(f"{en} {old[:12]} → {new[:12]}" for en, _, old, new in moved)
    vi = "; ".join(f"{vi} {old[:12]} → {new[:12]}" for _, vi, old, new in moved)
    cause = DutyCause(
        at=now,
        aggregate=f"law/{active.law.sha256}",
        version=active.number,
        code=OTHER_FILES,
        why_en=f"Judged by other files since activation {active.number} ({en}).",
        why_vi=f"Xét theo tệp khác kể từ lần kích hoạt {active.number} ({vi}).",
    )
    return (*known, cause)


def _action(obligation: Obligation, before: dict[str, Obligation]) -> str:
    old = before.get(obligation.obligation_id)
    if old is None:
        return f"opened a duty ({obligation.rule_id})"
    if obligation.state != old.state:
        return f"a duty is now {obligation.state} ({obligation.rule_id})"
    if obligation.due_at != old.due_at or obligation.due_strict_at != old.due_strict_at:
        return f"moved a duty ({obligation.rule_id})"
    if obligation.rule_sha256 != old.rule_sha256 or obligation.calendar_sha256 != old.calendar_sha256:
        return f"judged a duty by other files ({obligation.rule_id})"
    return f"added to a duty's reasons ({obligation.rule_id})"


def save(
    notifier: Notifier,
    tx: Tx,
    obligation: Obligation,
    *,
    actor: str,
    action: str,
    now: datetime,
    reason: str | None = None,
    more: Sequence[Audited] = (),
) -> None:
    """Store one version, publish it, write the trail."""
    row, head = store.add_obligation(tx, obligation)
    sent = emit(
        tx,
        "tocsin.obligation.changed.v1",
        obligation,
        aggregate=f"obligation/{obligation.obligation_id}",
        version=obligation.version,
        trial_id=obligation.trial_id,
        now=now,
        key=obligation.subject_id,
    )
    notifier.audit.record(
        tx,
        stream=obligation.subject_id,
        actor=actor,
        action=action,
        at=now,
        reason=reason,
        detail={
            "recipient": obligation.recipient_id,
            "due_at": obligation.due_at.isoformat(),
            "due_strict_at": obligation.due_strict_at.isoformat(),
            "state": obligation.state,
        },
        rows=[row, head, sent, *more],
    )
    tx.after_commit(notifier.relay_wake.set)


def near(tx: Tx, now: datetime) -> list[DutyRow]:
    """Duties with a threshold that has passed and no alarm for it yet."""
    first = -min(offset for _, offset in THRESHOLDS)
    rows = store.duties_near(tx, now + first)
    raised = store.alarms_raised(tx, [row.obligation_id for row in rows])
    return [
        row
        for row in rows
        if any(
            alarm.reached and (row.obligation_id, alarm.threshold, row.due_strict_at) not in raised
            for alarm in thresholds_of(row, now)
        )
    ]


def raise_alarms(notifier: Notifier, tx: Tx, obligation_id: str, subject_id: str, now: datetime) -> int:
    """Record every threshold that has passed, and open one alert for the newest: a late entry rings once, loses none."""
    notifier.audit.lock(tx, subject_id)
    duty = store.obligation(tx, obligation_id)
    if duty is None or duty.state not in ("open", "filed", "rejected"):
        return 0
    raised = store.alarms_raised(tx, [obligation_id])
    due = [
        alarm
        for alarm in thresholds_of(duty, now)
        if alarm.reached and (obligation_id, alarm.threshold, duty.due_strict_at) not in raised
    ]
    if not due:
        return 0
    # A threshold that lies at or before awareness (T-24h of a 24-hour duty) says nothing that the first alert did not.
    ringing = [alarm for alarm in due if alarm.at > duty.aware_at]
    alert_id = _ring(notifier, tx, duty, ringing[-1].threshold, now) if ringing else ""
    rows = [
        AlarmRow(
            obligation_id=obligation_id,
            threshold=alarm.threshold,
            due_strict_at=duty.due_strict_at,
            alert_id=alert_id,
            raised_at=now,
        )
        for alarm in due
    ]
    for row in rows:
        store.add_row(tx, row)
    notifier.audit.record(
        tx, stream=subject_id, actor="system", action=f"raised an alarm ({due[-1].threshold})", at=now, rows=rows
    )
    return len(rows)


def _ring(notifier: Notifier, tx: Tx, duty: Obligation, threshold: str, now: datetime) -> str:
    """Duties of one case under one rule with one due date ring once, together; each keeps its own alarm rows."""
    cause = f"alarm/{duty.case_id}/{duty.rule_id}/{threshold}/{duty.due_strict_at.isoformat()}"
    alerts.open_alert(
        notifier,
        tx,
        cause=cause,
        kind="alarm",
        stream=duty.subject_id,
        now=now,
        case_id=duty.case_id,
        case_number=duty.case_number,
        obligation_id=duty.obligation_id,
        threshold=threshold,
    )
    return alerts.alert_id_of(cause)


REPLACEMENT_LOOK_BACK = timedelta(hours=24)


def replaced_pairs(tx: Tx, now: datetime) -> list[tuple[str, str]]:
    """(subject_id, case_id) of void cases and their replacements, received lately: each is evaluated again, since the two
    may be different children whose locks one transaction cannot take in order."""
    pairs: list[tuple[str, str]] = []
    for void in store.nullified_cases(tx, since=now - REPLACEMENT_LOOK_BACK):
        assert void.nullified is not None
        replacement = void.nullified.replaced_by
        if replacement is None:
            continue
        versions = heard.case_versions(tx, replacement)
        if versions:
            pairs += [(void.subject_id, void.case_id), (versions[-1].subject_id, replacement)]
    return pairs
