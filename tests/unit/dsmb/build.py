"""Children and cuts for the board's tables, made from a few words each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from services.dsmb.domain import Dataset, Document, Entry, Manifest, Plan, children, dataset
from services.dsmb.domain.child import Child
from services.dsmb.domain.manifest import coding_sha256
from services.dsmb.handlers.making import Made, make
from services.dsmb.tables import PROGRAM
from shared.canonical import canonical
from shared.case import (
    AdverseEvent,
    Answer,
    Assessment,
    CaseReport,
    CodedTerm,
    EventAssessment,
    Exposure,
    GradeEntry,
    InvestigatorOpinion,
    Judged,
    Moment,
    Published,
    Relatedness,
    Seriousness,
    Signature,
    Subject,
)
from shared.settings import ROOT
from shared.trial import Trial, load

ZONE = "Asia/Ho_Chi_Minh"
TRIAL_FILE = ROOT / "deploy/trials/vinmec-cp-bmmnc.yaml"
RECORDED = datetime(2026, 10, 1, tzinfo=UTC)
CUT = datetime(2026, 9, 30, 5, 0, tzinfo=UTC)
"""Midday of 30 September 2026 in Hanoi: its last day counts whole."""
CODING = {"A": "X", "B": "Y"}
NOT_SERIOUS = dict.fromkeys(
    ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important"), "no"
)


@cache
def trial() -> Trial:
    return load(TRIAL_FILE.read_text(encoding="utf-8"), TRIAL_FILE.name)


def plan(**changes: Any) -> Plan:
    return replace(Plan.of(trial()), **changes)


def moment(value: str | None) -> Moment | None:
    return Moment(value=value, zone=ZONE) if value else None


def document(aggregate: str, version: int, subject_id: str, body: Published | dict[str, Any]) -> Document:
    raw = canonical(body)
    return Document(aggregate, version, sha256(raw).hexdigest(), subject_id, raw.decode())


def subject(code: str, enrolled: str | None, left: str | None = None, **more: Any) -> Document:
    made = Subject(
        subject_id=code,
        version=1,
        trial_id="t",
        enrolled=moment(enrolled),
        left=moment(left),
        recorded_at=RECORDED,
        **more,
    )
    return document(f"subject/{code}", 1, code, made)


def allocation(code: str, arm: str) -> Document:
    body = {"trial_id": "t", "subject_id": code, "version": 1, "arm": arm, "recorded_at": "2026-01-01T00:00:00Z"}
    return document(f"allocation/{code}", 1, code, body)


def infusion(code: str, start: str | None, number: int = 1, kind: str = "bm_mnc_infusion", **more: Any) -> Document:
    name = f"{code}-{kind}-{number}"
    made = Exposure(
        exposure_id=name,
        version=1,
        trial_id="t",
        subject_id=code,
        kind=kind,  # type: ignore[arg-type]
        start=moment(start),
        infusion_number=number if kind == "bm_mnc_infusion" else None,
        recorded_at=more.pop("recorded_at", RECORDED),
        **more,
    )
    return document(f"exposure/{name}", 1, code, made)


def event(
    name: str,
    term: str = "",
    onset: str | None = None,
    grades: Sequence[tuple[int, str | None]] = (),
    *,
    serious: bool = False,
    related: Answer | None = None,
    episode: str = "",
    **more: Any,
) -> AdverseEvent:
    """`related` is the investigator's opinion about the infusion; None is none."""
    answers = NOT_SERIOUS | ({"hospitalisation": "yes"} if serious else {})
    return AdverseEvent(
        event_id=name,
        episode_id=episode or name,
        term=CodedTerm(dictionary="CTCAE", version="5.0", code=term, term=term.title()) if term else None,
        onset=moment(onset),
        grades=tuple(GradeEntry(grade=grade, since=moment(since)) for grade, since in grades),
        seriousness=more.pop("seriousness", Seriousness(**answers)),  # type: ignore[arg-type]
        opinions=(InvestigatorOpinion(kind="bm_mnc_infusion", related=related),) if related else (),
        **more,
    )


def case(code: str, *events: AdverseEvent, name: str = "", **more: Any) -> Document:
    case_id = name or f"case-{code}-{events[0].event_id if events else 0}"
    made = CaseReport(
        case_id=case_id,
        case_number=case_id,
        version=1,
        trial_id="t",
        subject_id=code,
        reported_by="clinician",
        events=events,
        recorded_at=more.pop("recorded_at", RECORDED),
        **more,
    )
    return document(f"case/{case_id}", 1, code, made)


def assessment(
    code: str, case_id: str, said: dict[str, Answer], judged: Iterable[Document], *, signed: bool = True
) -> Document:
    """The sponsor's: event -> reasonable possibility for the infusion."""
    made = Assessment(
        case_id=case_id,
        case_number=case_id,
        case_version=1,
        version=1,
        trial_id="t",
        subject_id=code,
        judged=tuple(Judged(aggregate=one.aggregate, version=one.version) for one in judged),
        events=tuple(
            EventAssessment(
                event_id=name,
                relatedness=(
                    Relatedness(
                        event_id=name,
                        exposure_id="e",
                        exposure_kind="bm_mnc_infusion",
                        exposed="yes",
                        reasonable_possibility=answer,
                    ),
                ),
            )
            for name, answer in said.items()
        ),
        signature=Signature(signed_by="m", signed_at=RECORDED, meaning="agreed", sha256="0" * 64) if signed else None,
        recorded_at=RECORDED,
    )
    return document(f"assessment/{case_id}", 1, code, made)


def one_child(*documents: Document) -> Child:
    (found,) = children(documents)
    return found


def cut(documents: Iterable[Document], how: Plan | None = None, at: datetime = CUT) -> Dataset:
    return dataset(children(documents), how or plan(), CODING, at)


def reports(documents: Sequence[Document]) -> Made:
    """Both reports of a cut of these documents."""
    salt = "0" * 32
    manifest = Manifest(
        cut_id="c",
        at=CUT,
        program=PROGRAM,
        salt=salt,
        coding_sha256=coding_sha256(CODING.items(), salt),
        plan=plan(),
        entries=tuple(Entry(one.aggregate, one.version, one.sha256) for one in documents),
    )
    return make(manifest, documents, CODING, {"tocsin.safety": {"0": 1}}, 0, "")


def table(tables: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """Row -> cells by column."""
    found = next(one for one in tables if one["id"] == name)
    return {row["id"]: row["cells"] for row in found["rows"]}


def as_text(tables: list[dict[str, Any]]) -> str:
    return json.dumps(tables, sort_keys=True)
