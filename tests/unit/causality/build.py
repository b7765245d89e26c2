"""Short builders of the documents the causality tests need; times are Hanoi's."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.case import AdverseEvent, Batch, CaseReport, CodedTerm, Exposure, Measurement, Moment, PersonAnswer, Subject
from shared.terms import VERSIONS, find

NOW = datetime(2031, 1, 1, tzinfo=UTC)
ZONE = "Asia/Ho_Chi_Minh"
RECORDED = datetime(2026, 3, 10, tzinfo=UTC)
ANSWERED = datetime(2026, 3, 12, 8, 30, tzinfo=UTC)

FEVER, VOMITING, SEIZURE, HEADACHE = "10016558", "10047700", "10039906", "10019211"
MENINGITIS, CSF_LEAK, ALT_HIGH, PNEUMONIA = "10027199", "10008164", "10001551", "10035664"


def at(value: str | None) -> Moment | None:
    return Moment(value=value, zone=ZONE) if value else None


def term(code: str) -> CodedTerm:
    for version in VERSIONS:
        if found := find(code, version):
            return CodedTerm(dictionary="CTCAE", version=version, code=code, term=found.name)
    raise ValueError(code)


def event(code: str | None = FEVER, onset: str | None = "2026-03-10T05:00", **more: object) -> AdverseEvent:
    fields: dict[str, object] = {
        "event_id": "E1",
        "episode_id": "P1",
        "term": term(code) if code else None,
        "onset": at(onset),
    }
    return AdverseEvent.model_validate(fields | more)


def exposure(
    exposure_id: str = "X1",
    kind: str = "bm_mnc_infusion",
    start: str | None = "2026-03-09T09:00",
    end: str | None = "2026-03-09T09:12",
    **more: object,
) -> Exposure:
    fields: dict[str, object] = {
        "exposure_id": exposure_id,
        "version": 1,
        "trial_id": "T",
        "subject_id": "S",
        "kind": kind,
        "start": at(start),
        "end": at(end),
        "recorded_at": RECORDED,
    }
    return Exposure.model_validate(fields | more)


def bundle(day: str = "2026-03-09", suffix: str = "") -> list[Exposure]:
    """Sedation, harvest, puncture and infusion of one morning."""
    return [
        exposure(f"SED{suffix}", "sedation", f"{day}T07:00", f"{day}T09:00"),
        exposure(f"BMA{suffix}", "bone_marrow_harvest", f"{day}T07:00", f"{day}T07:30"),
        exposure(f"LP{suffix}", "lumbar_puncture", f"{day}T08:54", f"{day}T09:00"),
        exposure(f"INF{suffix}", "bm_mnc_infusion", f"{day}T09:00", f"{day}T09:12"),
    ]


def case(*events: AdverseEvent, case_id: str = "C1", **more: object) -> CaseReport:
    fields: dict[str, object] = {
        "case_id": case_id,
        "case_number": f"VN-VINMEC-2026-{case_id}",
        "version": 1,
        "trial_id": "T",
        "subject_id": "S",
        "reported_by": "user-1",
        "events": events,
        "recorded_at": RECORDED,
    }
    return CaseReport.model_validate(fields | more)


def measurement(measurement_id: str = "M1", **more: object) -> Measurement:
    fields: dict[str, object] = {
        "measurement_id": measurement_id,
        "version": 1,
        "trial_id": "T",
        "subject_id": "S",
        "test": "body_temperature",
        "value": "39.2",
        "unit": "Cel",
        "taken": at("2026-03-10T05:10"),
        "recorded_at": RECORDED,
    }
    return Measurement.model_validate(fields | more)


def subject(version: int = 1) -> Subject:
    return Subject(subject_id="S", version=version, trial_id="T", recorded_at=RECORDED)


def batch(**more: object) -> Batch:
    fields: dict[str, object] = {
        "batch_id": "B1",
        "version": 1,
        "trial_id": "T",
        "subject_id": "S",
        "recorded_at": RECORDED,
    }
    return Batch.model_validate(fields | more)


def answered(
    event_id: str = "E1", exposure_id: str = "INF", *, at_: datetime = ANSWERED, first: int = 1, **said: str
) -> list[PersonAnswer]:
    """A monitor's answers by question, numbered in order."""
    return [
        PersonAnswer.model_validate(
            {
                "number": number,
                "event_id": event_id,
                "exposure_id": exposure_id,
                "question": question,
                "answer": answer,
                "reason": {"text": "as documented"},
                "answered_by": "medical-monitor-1",
                "answered_at": at_,
            }
        )
        for number, (question, answer) in enumerate(said.items(), start=first)
    ]
