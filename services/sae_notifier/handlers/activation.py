"""Which files judge: the first start, what other files would move, the signed decision, and every case judged anew after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.handlers import duties
from services.sae_notifier.handlers.law import MANIFEST, Active, Law, LawRefused, Laws, keep_law, libraries
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.rules import Preview, change
from services.sae_notifier.store import ActivationRow, ReviewRow, RuleFileRow
from shared.audit import SERVICE_STREAM, Audit, Audited, Written
from shared.bus.outbox import emit
from shared.canonical import canonical, sha256
from shared.case import LawActivated, LawText
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import Conflict, FieldProblem, PreconditionFailed, Refused, TocsinError

SYSTEM = "system"


def start(laws: Laws, audit: Audit, tx: Tx, now: datetime, trial_file: tuple[str, str] | None = None) -> Active:
    """Keep the configured files, the whole trial file beside them. Where nothing was ever judged they are the law at once;
    else only a person makes them so.

    Raises LawRefused when duties stand and no activation says by which files, or this version cannot read those in force.
    """
    audit.lock(tx, SERVICE_STREAM)  # two instances start at once and both find nothing
    law = laws.configured
    new = keep_law(tx, law, now, trial_file)
    if store.active_law(tx) is None:
        standing = store.count_duties(tx)
        if standing:
            raise LawRefused(
                f"{standing} duties stand and no activation says by which files they were judged; "
                "restore the database together with its activations"
            )
        row = _row(1, None, law, Preview.of(()), "first start", SYSTEM, now)
        done = ReviewRow(number=1, cases=0, finished_at=now)
        for one in (row, done):
            store.add_row(tx, one)
        _record(audit, tx, SYSTEM, "activated the configured files: first start", None, law, now, [*new, row, done])
    elif new:
        _record(audit, tx, SYSTEM, "kept files that nobody has activated", None, law, now, new)
    return laws.active(tx)


@dataclass(frozen=True)
class Waiting:
    """A set that may be activated, and what it would do to the duties as `against` left them."""

    law: Law
    against: Active
    preview: Preview


def waiting(notifier: Notifier, tx: Tx, now: datetime, law_sha256: str | None = None) -> Waiting | None:
    """This process's own files, or any set that was kept; None when they are in force. Reads every case: never in a write.

    Raises Refused for a set that is unknown or that this version cannot read.
    """
    active = notifier.laws.active(tx)
    try:
        law = notifier.laws.read(tx, law_sha256) if law_sha256 else notifier.laws.configured
    except KeyError:
        raise Refused(
            "no files were kept under that hash",
            problems=[FieldProblem("/sha256", "no such files here", "restart with the files, then read what waits")],
        ) from None
    except LawRefused as refused:
        raise Refused(
            "this version cannot read those files any more",
            problems=[FieldProblem("/sha256", str(refused)[:500], "choose files that this version reads")],
        ) from refused
    if law.sha256 == active.law.sha256:
        return None
    changes, failed = [], []
    for _, case_id in store.cases_to_judge(tx):
        try:
            judged = duties.judge(tx, case_id, Active(active.number + 1, law), now)
        except (TocsinError, LawRefused, ValueError):
            failed.append(case_id)
            continue
        if judged is not None:
            changes += [change(judged.before.get(one.obligation_id), one) for one in judged.changed]
    return Waiting(law, active, Preview.of(changes, failed))


def activate(
    notifier: Notifier,
    tx: Tx,
    found: Waiting,
    *,
    reason: str,
    user_id: str,
    now: datetime,
    seen: str | None = None,
) -> ActivationRow:
    """Make a previewed set the law. `seen` is the hash of the preview that the person read.

    Raises PreconditionFailed when something else would move by now, Refused when a case cannot be judged by these files.
    """
    if found.preview.failed:
        raise Refused(
            f"{len(found.preview.failed)} cases cannot be judged by these files",
            problems=[FieldProblem("/sha256", "not every case can be judged by these files", "mend the files")],
        )
    if seen is not None and seen != found.preview.sha256:
        raise PreconditionFailed("what these files would move has changed since it was read; read it again")
    notifier.audit.lock(tx, notifier.trial.id)
    notifier.audit.lock(tx, SERVICE_STREAM)
    standing = store.active_law(tx)
    if standing is None or standing[0] != found.against.number:
        raise PreconditionFailed("other files were activated meanwhile; read what waits again")
    if standing[1] == found.law.sha256:
        raise Conflict("these files are in force already")
    row = _row(standing[0] + 1, standing[1], found.law, found.preview, reason, user_id, now)
    store.add_row(tx, row)
    action = "activated rule, calendar and trial files"
    sent = _publish(notifier, tx, row, found.law, now)
    _record(notifier.audit, tx, user_id, action, reason, found.law, now, [row, sent], found.preview)
    return row


def publish_first(notifier: Notifier, tx: Tx, now: datetime) -> bool:
    """Put the first start on the log, once: it was made before anybody knew whether the log already holds another."""
    if store.is_published(tx, law_name(notifier.trial.id), 1):
        return False
    notifier.audit.lock(tx, notifier.trial.id)
    notifier.audit.lock(tx, SERVICE_STREAM)
    row = store.activation(tx, 1)
    if row is None or store.is_published(tx, law_name(notifier.trial.id), 1):
        return False
    sent = _publish(notifier, tx, row, notifier.laws.read(tx, row.law_sha256), now)
    notifier.audit.record(
        tx, stream=SERVICE_STREAM, actor=SYSTEM, action="published the first activation", at=now, rows=[sent]
    )
    return True


def law_name(trial_id: str) -> str:
    """The aggregate that activations are versions of."""
    return f"law/{trial_id}"


def _publish(notifier: Notifier, tx: Tx, row: ActivationRow, law: Law, now: datetime) -> Written:
    document = LawActivated(
        trial_id=notifier.trial.id,
        version=row.number,
        law_sha256=row.law_sha256,
        manifest=law.manifest,
        files=tuple(LawText(kind=one.kind, name=one.name, sha256=one.sha256, body=one.body) for one in law.files),
        libraries=libraries(),
        signed=row.body,
        signed_sha256=row.sha256,
        reason=row.reason,
        activated_by=row.activated_by,
        activated_at=row.activated_at,
    )
    tx.after_commit(notifier.relay_wake.set)
    return emit(
        tx,
        "tocsin.law.activated.v1",
        document,
        aggregate=law_name(notifier.trial.id),
        version=row.number,
        trial_id=notifier.trial.id,
        now=now,
        key=notifier.trial.id,
    )


def put_back(tx: Tx, document: LawActivated) -> Sequence[Audited]:
    """The rows of one activation as the log has it; what a first start made here meanwhile gives way to it."""
    files = [(one.name, one.body, one.sha256) for one in document.files]
    files.append((MANIFEST, document.manifest, document.law_sha256))
    kept = [
        RuleFileRow(
            sha256=digest,
            name=name,
            body=body,
            versions=document.libraries,
            first_used_at=document.activated_at,
        )
        for name, body, digest in files
    ]
    new: list[Audited] = [row for row in kept if store.keep_rule_file(tx, row)]
    values = {
        "law_sha256": document.law_sha256,
        "body": document.signed,
        "sha256": document.signed_sha256,
        "reason": document.reason,
        "activated_by": document.activated_by,
        "activated_at": document.activated_at,
    }
    return [*new, *store.put_back_activation(tx, document.version, values)]


def to_sign(law_sha256: str, seen: str | None, reason: str) -> dict[str, Any]:
    """What a fresh proof is given for: these files, the preview that was read, this reason, and nothing else."""
    return {"sign": "activation", "law_sha256": law_sha256, "preview_sha256": seen or "", "reason": reason}


def decide(
    db: Database,
    notifier: Notifier,
    clock: Clock,
    *,
    law_sha256: str,
    reason: str,
    user_id: str,
    seen: str | None = None,
) -> ActivationRow:
    """Preview once more, which reads every case and holds nothing, then activate what was previewed."""
    found = db.read(lambda tx: waiting(notifier, tx, clock.now(), law_sha256), snapshot=True)
    if found is None:
        raise Conflict("these files are in force already")
    return db.transact(
        lambda tx: activate(notifier, tx, found, reason=reason, user_id=user_id, now=clock.now(), seen=seen)
    )


def to_review(tx: Tx) -> tuple[int, list[tuple[str, str]]] | None:
    """(number, every case) while not every case has been judged by the activation that stands."""
    found = store.active_law(tx)
    if found is None or store.review(tx, found[0]) is not None:
        return None
    return found[0], store.cases_to_judge(tx)


def review_case(notifier: Notifier, tx: Tx, subject_id: str, case_id: str, now: datetime) -> int:
    """Judge one case by what is in force; gives how many duties moved."""
    notifier.audit.lock(tx, subject_id)
    return len(duties.evaluate_case(notifier, tx, case_id, now))


def reviewed(notifier: Notifier, tx: Tx, number: int, cases: int, now: datetime) -> bool:
    """Every case has been judged; False when another instance was first."""
    notifier.audit.lock(tx, SERVICE_STREAM)
    if store.review(tx, number) is not None:
        return False
    row = ReviewRow(number=number, cases=cases, finished_at=now)
    store.add_row(tx, row)
    notifier.audit.record(
        tx,
        stream=SERVICE_STREAM,
        actor=SYSTEM,
        action="judged every case by the activated files",
        at=now,
        detail={"activation": number, "cases": cases},
        rows=[row],
    )
    return True


def _row(
    number: int, previous: str | None, law: Law, preview: Preview, reason: str, user_id: str, now: datetime
) -> ActivationRow:
    body = canonical(
        {
            "number": number,
            "law_sha256": law.sha256,
            "previous_law_sha256": previous,
            "manifest": law.manifest,
            "reason": reason,
            "activated_by": user_id,
            "activated_at": now.isoformat(),
            "preview_sha256": preview.sha256,
            "counts": dict(preview.counts),
            "relaxations": [one.plain() for one in preview.relaxations],
        }
    ).decode()
    return ActivationRow(
        number=number,
        law_sha256=law.sha256,
        body=body,
        sha256=sha256(body.encode()),
        reason=reason,
        activated_by=user_id,
        activated_at=now,
    )


def _record(
    audit: Audit,
    tx: Tx,
    actor: str,
    action: str,
    reason: str | None,
    law: Law,
    now: datetime,
    rows: Sequence[Audited | Written],
    preview: Preview | None = None,
) -> None:
    detail: dict[str, object] = {"law": law.sha256, "files": {one.name: one.sha256 for one in law.files}}
    if preview is not None:
        detail |= {"counts": dict(preview.counts), "relaxed": len(preview.relaxations)}
    audit.record(tx, stream=SERVICE_STREAM, actor=actor, action=action, at=now, reason=reason, detail=detail, rows=rows)
