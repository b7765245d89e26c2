"""What people do in a `World`: the same calls that the routes make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest import mock

from services.ae_intake import handlers as intake_handlers
from services.ae_intake import records, redacting
from services.ae_intake import store as intake_store
from services.ae_intake.commands import AmendCase, NullifyCase, RecordBatch, RecordExposure, RedactCase
from services.ae_intake.handlers import Who
from services.causality import handlers as causality_handlers
from services.causality import store as causality_store
from services.causality.domain import Question
from services.causality.handlers import Decision, Given, Said
from services.dsmb import handlers as dsmb_handlers
from services.dsmb.store import CutRow
from services.sae_notifier import store as notifier_store
from services.sae_notifier.handlers import activation, alerts, documents, filings, receipts, stating
from services.sae_notifier.handlers.law import keep_law, read_law
from services.sae_notifier.store import ActivationRow, AlertRow, FilingRow
from shared.audit import SERVICE_STREAM
from shared.bus import heard
from shared.case import Assessment, CaseRedacted, CaseReport, FreeText, Moment, Obligation, Says
from shared.db import Tx
from tests.support.world import BOARD, CLINICIAN, MONITOR, OFFICER, World

ROUTE = "POST /api/v1/cases"
ZONE = "Asia/Ho_Chi_Minh"
PDF = b"%PDF-1.7 not typeset here"


def moment(at: datetime) -> dict[str, str]:
    return Moment.at(at, ZONE).model_dump()


def report(subject_id: str | None = "VN01-007", *, aware: datetime | None = None, **event: Any) -> dict[str, Any]:
    """A submission with one event; `event` are its fields (`seriousness`, `outcome`, …)."""
    body: dict[str, Any] = {
        "reporter_role": "clinician",
        "events": [{"verbatim": {"text": "sốt cao, co giật", "language": "vi"}, **event}],
        "given": {"answer": "yes", "kinds": ["bm_mnc_infusion"]},
    }
    if subject_id is not None:
        body["subject_id"] = subject_id
    if aware is not None:
        body["site_aware"] = moment(aware)
    return body


def seriousness(**answers: str) -> dict[str, str]:
    """Every criterion answered: no, unless said otherwise."""
    names = ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important")
    return {name: answers.get(name, "no") for name in names}


def submit(world: World, body: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
    """The answer of a report that was taken; `repeated` says that it was answered before."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    answer = world.submissions.submit(raw, content_type="application/json", route=ROUTE, who=CLINICIAN, key=key)
    return {**answer.body, "repeated": answer.repeated}


def amend(
    world: World, case_id: str, version: int, *, news: datetime | None = None, reason: str = "more news", **fields: Any
) -> CaseReport:
    known = moment(news) if news else None
    command = AmendCase.model_validate_json(json.dumps({"reason": reason, "news_known": known, **fields}))
    db, now = world["ae_intake"].db, world.clock.now()
    return db.transact(
        lambda tx: intake_handlers.amend_case(world.intake, tx, case_id, command, version, CLINICIAN, now)
    ).case


def nullify(world: World, case_id: str, version: int, replaced_by: str | None = None) -> CaseReport:
    command = NullifyCase(reason="reported twice", replaced_by=replaced_by)
    db, now = world["ae_intake"].db, world.clock.now()
    return db.transact(
        lambda tx: intake_handlers.nullify_case(world.intake, tx, case_id, command, version, CLINICIAN, now)
    ).case


def expose(world: World, subject_id: str, start: datetime, kind: str = "bm_mnc_infusion") -> str:
    """Record an exposure of a known child; returns its id."""
    given = {"subject_id": subject_id, "kind": kind, "start": moment(start), "end": moment(start)}
    command = RecordExposure.model_validate_json(json.dumps(given))
    db, now = world["ae_intake"].db, world.clock.now()
    made = db.transact(lambda tx: records.record(world.intake, tx, "exposure", command, CLINICIAN, now))
    return made.exposure_id  # type: ignore[union-attr]


def culture(world: World, subject_id: str, batch_id: str, sterility: str) -> None:
    command = RecordBatch.model_validate({"batch_id": batch_id, "subject_id": subject_id, "sterility": sterility})
    db, now = world["ae_intake"].db, world.clock.now()
    db.transact(lambda tx: records.record(world.intake, tx, "batch", command, CLINICIAN, now))


def case(world: World, case_id: str, service: str = "ae_intake") -> CaseReport | None:
    """The newest version of a case as one service knows it."""
    if service == "ae_intake":
        return world[service].db.read(lambda tx: intake_store.latest(tx, f"case/{case_id}"))
    versions = world[service].db.read(lambda tx: heard.case_versions(tx, case_id))
    return versions[-1] if versions else None


def assessment(world: World, case_id: str) -> Assessment | None:
    return world["causality"].db.read(lambda tx: causality_store.latest(tx, case_id))


def sign(world: World, case_id: str) -> Assessment:
    """Accept what is proposed; where nothing is, decide "possible" and say why."""
    seen = assessment(world, case_id)
    assert seen is not None
    open_pairs = [one for event in seen.events for one in event.relatedness if one.proposed is None]
    decisions = [Decision(one.event_id, one.exposure_id, "possible", "cannot be ruled out") for one in open_pairs]
    now = world.clock.now()
    return world["causality"].db.transact(
        lambda tx: causality_handlers.sign(
            world.causality,
            tx,
            case_id,
            expected_version=seen.version,
            decisions=decisions,
            meaning="I agree",
            user_id=MONITOR,
            proved_at=now,
            now=now,
        )
    )


def answer(world: World, case_id: str, question: Question, said: Given, pair: int = 0) -> Assessment:
    """The monitor answers one question about one recorded exposure. Raises Refused when there is none."""
    seen = assessment(world, case_id)
    assert seen is not None
    pairs = [one for event in seen.events for one in event.relatedness]
    about = pairs[pair % len(pairs)] if pairs else None
    ids = (about.event_id, about.exposure_id) if about else ("none", "none")
    now = world.clock.now()
    return world["causality"].db.transact(
        lambda tx: causality_handlers.answer(
            world.causality,
            tx,
            case_id,
            expected_version=seen.version,
            answers=[Said(*ids, question, said, FreeText(text="seen by two of us"))],
            user_id=MONITOR,
            now=now,
        )
    )


def duties(world: World, case_id: str) -> list[Obligation]:
    return world["sae_notifier"].db.read(lambda tx: notifier_store.obligations_of(tx, [case_id]))


def alerts_of(world: World, case_id: str | None = None) -> list[AlertRow]:
    return world["sae_notifier"].db.read(lambda tx: notifier_store.alerts(tx, case_id=case_id, limit=1000))


def confirm(world: World, alert_id: str, user_id: str = OFFICER) -> AlertRow:
    now = world.clock.now()
    return world["sae_notifier"].db.transact(
        lambda tx: alerts.confirm(world.notifier, tx, alert_id, user_id=user_id, note="on it", now=now)
    )


def file(
    world: World, obligation_id: str, method: filings.Method = "hand", kind: documents.Kind | None = None
) -> FilingRow:
    """Make the form (not typeset) and file it."""
    db, now = world["sae_notifier"].db, world.clock.now()
    made = db.read(lambda tx: documents.draft(world.notifier, tx, obligation_id, now, kind=kind))
    form = db.transact(lambda tx: documents.keep_form(world.notifier, tx, made, PDF, OFFICER, now))
    by_hand = {} if method == "mail" else {"sent_at": now, "reference": "CV-12"}
    return db.transact(
        lambda tx: filings.file(
            world.notifier,
            tx,
            obligation_id=obligation_id,
            document_id=form.document_id,
            method=method,
            user_id=OFFICER,
            now=now,
            **by_hand,
        )
    )


def receipt(world: World, filing_id: str, verdict: receipts.Verdict = "received") -> None:
    now = world.clock.now()
    world["sae_notifier"].db.transact(
        lambda tx: receipts.record(
            world.notifier,
            tx,
            filing_id,
            verdict=verdict,
            kind="answer",
            at=now,
            reference="ok",
            reasons="page 2 is missing" if verdict == "rejected" else "",
            proof=None,
            user_id=OFFICER,
            now=now,
        )
    )


def state(world: World, obligation_id: str, says: Says, case_version: int, user_id: str = OFFICER) -> Obligation:
    """A person signs that nothing more has to be told. Raises Refused or Conflict where nobody may."""
    now = world.clock.now()
    return world["sae_notifier"].db.transact(
        lambda tx: stating.state(
            world.notifier,
            tx,
            obligation_id,
            says=says,
            case_version=case_version,
            reason="nothing more is to be told",
            user_id=user_id,
            now=now,
        )
    )


def activate(world: World, added: str, old: str = "", new: str = "") -> ActivationRow:
    """A person activates other rule files: `added` at the end of each, `old` in them replaced."""
    law, audit, now = world.notifier.laws.configured, world.notifier.audit, world.clock.now()
    files = [
        replace(one, body=(one.body.replace(old, new) if old else one.body) + added) if one.kind == "rules" else one
        for one in law.files
    ]
    other = read_law(files, law.tzdata)

    def keep(tx: Tx) -> None:
        audit.lock(tx, SERVICE_STREAM)
        rows = keep_law(tx, other, now)
        audit.record(tx, stream=SERVICE_STREAM, actor="system", action="kept files", at=now, rows=rows)

    db = world["sae_notifier"].db
    db.transact(keep)
    return activation.decide(
        db, world.notifier, world.clock, law_sha256=other.sha256, reason="the ministry wrote so", user_id="admin"
    )


def freeze(world: World, purpose: str = "regular review") -> CutRow:
    """A cut by a member of the board (not typeset)."""
    with mock.patch("services.dsmb.handlers.freezing.typeset", return_value=PDF):
        return dsmb_handlers.freeze(world["dsmb"].db, world.dsmb, world.clock, purpose=purpose, user_id=BOARD)


def redact(world: World, case_id: str, version: int = 1) -> CaseRedacted:
    """The officer takes back what the reporter called the event, everywhere."""
    named = {"version": version, "pointer": "/events/0/verbatim"}
    command = RedactCase.model_validate({"texts": [named], "reason": "names somebody"})
    db, now = world["ae_intake"].db, world.clock.now()
    return db.transact(lambda tx: redacting.redact(world.intake, tx, case_id, command, Who(OFFICER), now, now))
