"""Taking words back: what stands where, what the officer names of it, and blanking it here; the log tells the others."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.ae_intake import store
from services.ae_intake.commands import RedactCase, TakenTextInput
from services.ae_intake.handlers import Intake, Who
from services.ae_intake.quoting import repeats
from services.ae_intake.store import DocumentRow, RejectedRow
from shared.bus import blanking, redacted
from shared.bus.blanking import Taking
from shared.bus.outbox import emit
from shared.canonical import canonical, sha256
from shared.case import CaseRedacted, CaseReport, TakenText
from shared.case.withholding import Text, texts
from shared.db import Tx
from shared.errors import FieldProblem, NotFound, Refused
from shared.ids import new_id

FOREIGN = ("obligation/", "assessment/", "answers/", "filing/", "acknowledgement/")
"""Documents that other services own: named by the hash that their page shows."""


@dataclass(frozen=True)
class Standing:
    """One text as it stands in one version of one document of the child."""

    aggregate: str
    version: int
    text: Text
    judged: bool = False
    """Verdicts and reports are computed from it as it stands now: it is corrected first, and taken back from what it was."""


def standing(tx: Tx, case: CaseReport) -> list[Standing]:
    """Every text that somebody typed about this case or into a record of its child; withheld ones are left out."""
    mine = f"case/{case.case_id}"
    return [one for one in _all(tx, case.subject_id) if one.aggregate == mine or not one.aggregate.startswith("case/")]


def touched(tx: Tx, subject_id: str, hashes: frozenset[str]) -> list[Standing]:
    """Wherever words of these hashes stand in any document of the child."""
    return [one for one in _all(tx, subject_id) if one.text.sha256 in hashes]


def _all(tx: Tx, subject_id: str) -> list[Standing]:
    rows = store.documents_of_child(tx, subject_id)
    newest = {row.aggregate: row.version for row in rows}  # they come in order
    found: list[Standing] = []
    for row in rows:
        body = json.loads(row.body)
        stands = newest[row.aggregate] == row.version and not body.get("voided")
        found += [
            Standing(row.aggregate, row.version, text, text.judged and stands)
            for text in texts(store.MODELS[row.kind], body)
            if text.words is not None
        ]
    return found


def to_sign(case_id: str, command: RedactCase) -> dict[str, Any]:
    """What a fresh proof of the person is for: exactly these texts, for this reason."""
    return {"act": "redact", "case_id": case_id, **command.model_dump(mode="json")}


def redact(
    intake: Intake, tx: Tx, case_id: str, command: RedactCase, who: Who, proved_at: datetime, now: datetime
) -> CaseRedacted:
    """Take words back and tell every service. The case keeps its version: nothing about the event has changed."""
    head = store.case_head(tx, case_id)
    if head is None or not who.may_see(head.site_id):
        raise NotFound("no case by that id")
    intake.audit.lock(tx, head.subject_id)
    tx.session.expire_all()
    case = store.latest(tx, f"case/{case_id}")
    assert case is not None
    rows = {(row.aggregate, row.version): row for row in store.documents_of_child(tx, case.subject_id)}
    found = [_named(case, rows, one) for one in command.texts]
    rejected = [store.rejected(tx, one, lock=True) for one in command.rejected]
    _check(intake, command, found, rejected)
    named = [text for text in found if text is not None]
    if command.everywhere:
        hashes = frozenset(one.sha256 for one in named)
        named += [
            TakenText(aggregate=one.aggregate, version=one.version, pointer=one.text.pointer, sha256=one.text.sha256)
            for one in touched(tx, case.subject_id, hashes)
        ]
    _must_not_move(tx, case.subject_id, named)
    texts_named = {(one.aggregate, one.version, one.pointer): one for one in named}
    unsigned = {
        "redaction_id": new_id(),
        "trial_id": case.trial_id,
        "subject_id": case.subject_id,
        "case_id": case.case_id,
        "case_number": case.case_number,
        "texts": tuple(one for _, one in sorted(texts_named.items())),
        "everywhere": command.everywhere,
        "rejected": command.rejected,
        "reason": command.reason,
        "redacted_by": who.user_id,
        "redacted_at": proved_at,
    }
    document = CaseRedacted(**unsigned, signed_sha256="", recorded_at=now)
    _must_not_repeat(document, rows)
    plain = document.model_dump(mode="json", exclude={"signed_sha256", "recorded_at"})
    document = document.model_copy(update={"signed_sha256": sha256(canonical(plain))})
    sent = emit(
        tx,
        redacted.TYPE,
        document,
        aggregate=f"redaction/{document.redaction_id}",
        version=1,
        trial_id=document.trial_id,
        now=now,
        key=document.subject_id,
    )
    blanking.apply(tx, intake.audit, document, blank, now, actor=who.user_id, more=[sent])
    tx.after_commit(intake.wake.set)
    return document


def blank(taking: Taking) -> None:
    """Documents of the child, and the rejected submissions that were named."""
    for row in store.documents_of_child(taking.tx, taking.child):
        body = taking.body(store.MODELS[row.kind], row.aggregate, row.version, row.body)
        if body is not None:
            taking.change(row, body=body, sha256=sha256(body.encode()))
    for rejected_id in taking.document.rejected:
        row = store.rejected(taking.tx, rejected_id, lock=True)
        if row is not None and row.content_type != TAKEN_BACK:
            problems = [
                {"pointer": one.get("pointer", ""), "detail": "taken back", "remedy": ""}
                for one in json.loads(row.problems)
            ]
            hidden = json.dumps({"taken_back": taking.document.redaction_id, "sha256": _sent_sha256(row)})
            taking.change(
                row,
                apart=True,
                content_type=TAKEN_BACK,
                body=base64.b64encode(hidden.encode()).decode(),
                problems=json.dumps(problems),
            )
    taking.tx.after_commit(store.forget_read)


TAKEN_BACK = "application/vnd.tocsin.taken-back+json"


def _sent_sha256(row: RejectedRow) -> str:
    return sha256(base64.b64decode(row.body))


def _named(case: CaseReport, rows: Mapping[tuple[str, int], DocumentRow], one: TakenTextInput) -> TakenText | None:
    """The text that the officer points at, with its hash; None when nothing stands there."""
    aggregate = one.aggregate or f"case/{case.case_id}"
    version = one.version or case.version
    row = rows.get((aggregate, version))
    if row is None:
        foreign = aggregate.startswith(FOREIGN) and one.sha256 is not None
        return (
            TakenText(aggregate=aggregate, version=version, pointer=one.pointer, sha256=one.sha256 or "")
            if foreign
            else None
        )
    text = next((t for t in texts(store.MODELS[row.kind], json.loads(row.body)) if t.pointer == one.pointer), None)
    if text is None or text.words is None or (one.sha256 is not None and one.sha256 != text.sha256):
        return None
    return TakenText(aggregate=aggregate, version=version, pointer=one.pointer, sha256=text.sha256)


def _check(
    intake: Intake, command: RedactCase, found: Sequence[TakenText | None], rejected: Sequence[RejectedRow | None]
) -> None:
    problems = [
        FieldProblem(
            f"/texts/{i}",
            "no text stands there, or it was taken back already",
            "name a text as GET /api/v1/cases/{case_id}/redactions shows it; another service's needs its sha256",
        )
        for i, one in enumerate(found)
        if one is None
    ]
    problems += [
        FieldProblem(f"/rejected/{i}", "no rejected submission by that id", "take its number from /rejected")
        for i, one in enumerate(rejected)
        if one is None
    ]
    if not command.texts and not command.rejected:
        problems.append(FieldProblem("/texts", "nothing is named", "name at least one text, or a rejected submission"))
    if problems:
        raise Refused("the words cannot be taken back as asked", problems=problems)


JUDGED = "verdicts and reports are computed from it"
JUDGED_REMEDY = "correct the record without the words first; then take them back from its older versions"


def _must_not_move(tx: Tx, subject_id: str, named: Sequence[TakenText]) -> None:
    """A verdict is never computed from a blank: which agent it was, by which route, measured where and with what."""
    places = {(one.aggregate, one.version, one.pointer): i for i, one in enumerate(named)}
    first = {one.sha256: i for i, one in reversed(list(enumerate(named)))}
    stand = [
        one for one in _all(tx, subject_id) if one.judged and (one.aggregate, one.version, one.text.pointer) in places
    ]
    if stand:
        raise Refused(
            "a verdict might move",
            problems=[
                FieldProblem(
                    f"/texts/{first[one.text.sha256]}",
                    f"{JUDGED}: {one.aggregate}, version {one.version}, {one.text.pointer}",
                    JUDGED_REMEDY,
                )
                for one in stand
            ],
        )


def _must_not_repeat(document: CaseRedacted, rows: Mapping[tuple[str, int], DocumentRow]) -> None:
    """A reason that quotes the words would carry them on."""
    named = {(one.aggregate, one.version, one.pointer) for one in document.texts}
    for (aggregate, version), row in rows.items():
        for text in texts(store.MODELS[row.kind], json.loads(row.body)):
            quoted = text.words is not None and repeats(document.reason, text.words)
            if quoted and (aggregate, version, text.pointer) in named:
                raise Refused(
                    "the reason repeats the words",
                    problems=[
                        FieldProblem(
                            "/reason",
                            "it holds words, or a name, out of what is to be taken back",
                            "say it without them",
                        )
                    ],
                )


def standing_shown(one: Standing) -> dict[str, Any]:
    return {
        "aggregate": one.aggregate,
        "version": one.version,
        "pointer": one.text.pointer,
        "sha256": one.text.sha256,
        "text": one.text.words,
        "judged": one.judged,
    }


def shown(document: CaseRedacted) -> dict[str, Any]:
    """One redaction as the API shows it."""
    return document.model_dump(mode="json")
