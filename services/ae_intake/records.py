"""Verbs for subjects, exposures, batches and measurements: record, correct with a reason, void with a reason, never delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from services.ae_intake import store
from services.ae_intake.commands import (
    Command,
    RecordAllocation,
    RecordBatch,
    RecordExposure,
    RecordMeasurement,
    RecordSubject,
)
from services.ae_intake.handlers import Intake, Who
from services.ae_intake.store import AllocationRow
from shared.bus import redacted
from shared.bus.outbox import emit
from shared.case import Batch, Exposure, Measurement, Subject
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, Forbidden, NotFound, PreconditionFailed, Refused
from shared.events.catalogue import Allocation
from shared.ids import new_id
from shared.web.problem import pointer_of, remedy_of, sentence_of

Record = Subject | Exposure | Batch | Measurement
COMMANDS: dict[str, type[Command]] = {
    "subject": RecordSubject,
    "exposure": RecordExposure,
    "batch": RecordBatch,
    "measurement": RecordMeasurement,
}
_FIXED = {
    "version",
    "trial_id",
    "subject_id",
    "exposure_id",
    "batch_id",
    "measurement_id",
    "recorded_at",
    "voided",
    "void_reason",
    "provisional",
}
"""What no correction may change: identity, and what only the system writes. (A batch id on an exposure is set at recording.)"""


def may_correct(kind: str, name: str) -> bool:
    return name not in _FIXED or (kind == "exposure" and name == "batch_id")


def record(intake: Intake, tx: Tx, kind: str, command: Command, who: Who, now: datetime) -> Record:
    """Record the first version. A provisional child becomes a known one by being recorded."""
    values = {name: getattr(command, name) for name in type(command).model_fields}
    subject_id = values["subject_id"]
    intake.audit.lock(tx, subject_id)
    subject = store.latest(tx, f"subject/{subject_id}")
    if kind == "subject":
        return _record_subject(intake, tx, values, subject, who, now)
    if subject is None:
        raise Refused(
            "the child is not known",
            problems=[FieldProblem("/subject_id", "no child by that code", "record the child first")],
        )
    _may(who, subject.site_id)
    if "note" in values:
        values["note"] = values["note"].stored() if values["note"] else None
    identity = {"exposure": "exposure_id", "measurement": "measurement_id"}.get(kind)
    if identity:
        values[identity] = new_id()
    name = f"{kind}/{values[identity or 'batch_id']}"
    if store.exists(tx, name):
        raise Conflict("a batch by that id exists; correct it with PATCH")
    fixed = {"version": 1, "trial_id": intake.trial.id, "recorded_at": now}
    document: Any = store.MODELS[kind].model_validate(fixed | values)
    _write(intake, tx, kind, name, document, who, now, "recorded", None)
    return document


def correct(
    intake: Intake,
    tx: Tx,
    kind: str,
    identity: str,
    changes: dict[str, object],
    reason: str,
    expected_version: int,
    who: Who,
    now: datetime,
) -> Record:
    """Add a version with `changes`; raises Refused with a pointer for each field that does not fit."""
    before = _locked(intake, tx, kind, identity, expected_version, who)
    fixed = sorted(name for name in changes if not may_correct(kind, name))
    unknown = sorted(set(changes) - set(type(before).model_fields))
    if fixed or unknown:
        raise Refused(
            "some fields cannot be changed",
            problems=[
                FieldProblem(f"/changes/{name}", "this field cannot be changed", "record a new one and void this")
                for name in fixed
            ]
            + [FieldProblem(f"/changes/{name}", "no such field", "see the API's description") for name in unknown],
        )
    try:
        checked = COMMANDS[kind].model_validate(_command_values(before, kind) | changes)
    except ValidationError as error:
        raise Refused("some values do not fit", problems=_problems(error)) from None
    values = {name: getattr(checked, name) for name in changes}
    if values.get("note") is not None:
        values["note"] = values["note"].stored()
    document = before.model_copy(update=values | {"version": before.version + 1, "recorded_at": now})
    if kind == "subject":
        document = document.model_copy(update={"provisional": False})
    _write(intake, tx, kind, f"{kind}/{identity}", document, who, now, "corrected", reason, "/changes")
    return document


def void(
    intake: Intake, tx: Tx, kind: str, identity: str, reason: str, expected_version: int, who: Who, now: datetime
) -> Record:
    """Declare it never to have been; it stays readable, and everything that rested on it is judged again."""
    before = _locked(intake, tx, kind, identity, expected_version, who)
    document = before.model_copy(
        update={"version": before.version + 1, "voided": True, "void_reason": reason, "recorded_at": now}
    )
    _write(intake, tx, kind, f"{kind}/{identity}", document, who, now, "voided", reason)
    return document


def allocate(intake: Intake, tx: Tx, command: RecordAllocation, who: Who, now: datetime) -> None:
    """Record an arm, publish it on tocsin.allocation and show it to no one; the answer does not repeat it."""
    if intake.trial.arm(command.arm) is None:
        raise Refused(
            "the arm is not known",
            problems=[FieldProblem("/arm", "not an arm of this trial", "use a code of the trial file")],
        )
    intake.audit.lock(tx, command.subject_id)
    subject = store.latest(tx, f"subject/{command.subject_id}")
    if subject is None:
        raise Refused(
            "the child is not known",
            problems=[FieldProblem("/subject_id", "no child by that code", "record the child first")],
        )
    _may(who, subject.site_id)  # another site's word would turn the board's comparison over
    newest = store.allocation(tx, command.subject_id)
    if newest is not None and newest.arm == command.arm:
        return  # told again: it is so already
    version = newest.version + 1 if newest is not None else 1
    row = AllocationRow(subject_id=command.subject_id, version=version, arm=command.arm, recorded_at=now)
    store.add_row(tx, row)
    sent = emit(
        tx,
        "tocsin.allocation.recorded.v1",
        Allocation(
            trial_id=intake.trial.id, subject_id=command.subject_id, version=version, arm=command.arm, recorded_at=now
        ),
        aggregate=f"allocation/{command.subject_id}",
        version=version,
        trial_id=intake.trial.id,
        now=now,
        key=command.subject_id,
    )
    intake.audit.record(
        tx, stream=command.subject_id, actor=who.user_id, action="recorded an allocation", at=now, rows=[row, sent]
    )


def _record_subject(
    intake: Intake, tx: Tx, values: dict[str, Any], known: Subject | None, who: Who, now: datetime
) -> Subject:
    site = intake.trial.site_of(values["subject_id"])
    values["site_id"] = values["site_id"] or (site.id if site else None)
    # Nobody takes over a child by naming another site than the code's, or than the one that told of it first.
    for owner in {
        values["site_id"],
        *((site.id,) if site else ()),
        *((known.site_id,) if known and known.site_id else ()),
    }:
        _may(who, owner)
    if known is not None and not known.provisional:
        raise Conflict("a child by that code is recorded already; correct it with PATCH")
    document = Subject(
        version=known.version + 1 if known else 1,
        trial_id=intake.trial.id,
        recorded_at=now,
        provisional=False,
        **values,
    )
    _write(intake, tx, "subject", f"subject/{document.subject_id}", document, who, now, "recorded", None)
    return document


def _locked(intake: Intake, tx: Tx, kind: str, identity: str, expected_version: int, who: Who) -> Any:
    name = f"{kind}/{identity}"
    seen = store.latest(tx, name)
    if seen is None:
        raise NotFound(f"no {kind} by that id")
    intake.audit.lock(tx, seen.subject_id)
    tx.session.expire_all()
    before: Any = store.latest(tx, name)
    subject = before if kind == "subject" else store.latest(tx, f"subject/{seen.subject_id}")
    _may(who, subject.site_id if subject else None)
    if before.version != expected_version:
        raise PreconditionFailed(f"it is at version {before.version}, not {expected_version}; read it again and repeat")
    if before.voided:
        raise Conflict("it was voided; record a new one")
    return before


def _may(who: Who, site_id: str | None) -> None:
    if not who.may_see(site_id):
        raise Forbidden(f"your sites do not include {site_id}")


def _command_values(document: Any, kind: str) -> dict[str, object]:
    names = COMMANDS[kind].model_fields
    data = document.model_dump(mode="json", include=set(names))
    if data.get("note"):
        data["note"] = {"text": document.note.text, "language": document.note.language}
    return data


def _problems(error: ValidationError) -> list[FieldProblem]:
    return [
        FieldProblem("/changes" + pointer_of(one["loc"]), sentence_of(one), remedy_of(one))
        for one in error.errors(include_url=False)
    ]


TAKEN = "these words were taken back about this child"
TAKEN_REMEDY = "write it in other words, as the trial file names it"


def _write(
    intake: Intake,
    tx: Tx,
    kind: str,
    name: str,
    document: Any,
    who: Who,
    now: datetime,
    verb: str,
    reason: str | None,
    at: str = "",
) -> None:
    rules = redacted.rules_of(tx, document.subject_id)
    clashes = [] if document.voided else rules.judged(document)
    if clashes:
        raise Refused(
            "words that were taken back cannot stand where the machine computes from them",
            problems=[FieldProblem(at + one.pointer, TAKEN, TAKEN_REMEDY) for one in clashes],
        )
    document, reason = rules.document(name, document), rules.said(reason)
    row = store.add_document(tx, kind, name, document)
    sent = emit(
        tx,
        f"tocsin.{kind}.recorded.v1",
        document,
        aggregate=name,
        version=document.version,
        trial_id=document.trial_id,
        now=now,
        key=document.subject_id,
        # A positive culture after release is an alarm by itself, with no adverse event at all.
        serious=kind == "batch" and document.sterility == "positive" and not document.voided,
    )
    tx.after_commit(intake.wake.set)
    intake.audit.record(
        tx,
        stream=document.subject_id,
        actor=who.user_id,
        action=f"{verb} a {kind}",
        at=now,
        reason=reason,
        detail={"event_id": sent.event_id},
        rows=[row, sent],
    )
