"""The shape of every answer of the JSON routes, for their OpenAPI description; `views` and the documents fill them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.case import Batch, CaseRedacted, CaseReport, Exposure, Measurement, Subject


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BothLanguages(Answered):
    en: str
    vi: str


class Missing(Answered):
    """One thing still to be told: where (a JSON pointer into the case), and the question."""

    code: str = Field(examples=["onset"])
    pointer: str = Field(examples=["/events/0/onset"])
    question_en: str
    question_vi: str


class PossibleDuplicate(Answered):
    """Another case of the same child that may be the same event: shown, never merged by itself."""

    case_id: str
    case_number: str
    why: list[str] = Field(examples=[["same_child", "near_onset", "same_term"]])


class OnCallPerson(Answered):
    """One person an alert would call, and how long after the alert if nobody has confirmed by then."""

    person: str
    title: BothLanguages
    reason: str
    call_after_s: int


class OnCallNow(Answered):
    on_call: list[OnCallPerson]


class Links(Answered):
    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    itself: str = Field(alias="self")
    page: str
    receipt: str
    alerts: str
    obligations: str
    assessment: str


class CaseReceipt(Answered):
    """What became of a report: its number, what is still missing, who is called."""

    case_id: str
    case_number: str = Field(examples=["VN-VINMEC-2026-000123"])
    version: int
    subject_id: str
    recorded_at: datetime
    missing: list[Missing]
    possible_duplicates: list[PossibleDuplicate]
    on_call: list[OnCallPerson]
    links: Links


class CaseAnswer(Answered):
    case: CaseReport
    missing: list[Missing]
    possible_duplicates: list[PossibleDuplicate]
    links: Links


class CaseLine(Answered):
    """One case in a list; `terms` are its coded terms, never anybody's words."""

    case_id: str
    case_number: str
    subject_id: str
    site_id: str | None
    version: int
    serious: bool
    nullified: bool
    terms: str
    first_recorded_at: datetime
    recorded_at: datetime


class CaseLines(Answered):
    cases: list[CaseLine]


class RejectedProblem(Answered):
    pointer: str
    detail: str
    remedy: str


class StandingText(Answered):
    """One text as it stands; give `aggregate`, `version` and `pointer` to take it back. One that is `judged` cannot be taken
    back as it stands: verdicts and reports are computed from it, so the record is corrected first."""

    aggregate: str
    version: int
    pointer: str
    sha256: str
    text: str
    judged: bool


class Redaction(CaseRedacted):
    """Which texts were taken back, by their hashes, by whom and why."""


class Redactions(Answered):
    case_id: str
    texts: list[StandingText]
    redactions: list[Redaction]


class RejectedLine(Answered):
    """A submission that could not become even a draft; what was sent is kept and not shown here."""

    rejected_id: str
    client: str
    route: str
    at: datetime
    problems: list[RejectedProblem]
    state: Literal["open", "closed"]
    closed_by: str | None
    closed_at: datetime | None
    closed_reason: str | None


class RejectedLines(Answered):
    rejected: list[RejectedLine]


class FoundTerm(Answered):
    code: str
    term: str
    soc: str
    grades: list[int]


class FoundTerms(Answered):
    """CTCAE terms, the best match first; `grades` are those that exist for the term."""

    version: str
    terms: list[FoundTerm]


class Edge(Answered):
    """The earliest and the latest instant it can mean; null is not known."""

    earliest: datetime | None
    latest: datetime | None


class NamedPeriod(Answered):
    name: str
    start: Edge
    end: Edge | None


class SubjectAnswer(Answered):
    version: int
    subject: Subject
    periods: list[NamedPeriod]


class ExposureAnswer(Answered):
    version: int
    exposure: Exposure


class BatchAnswer(Answered):
    version: int
    batch: Batch


class MeasurementAnswer(Answered):
    version: int
    measurement: Measurement


class Subjects(Answered):
    subjects: list[Subject]


class Exposures(Answered):
    exposures: list[Exposure]


class Batches(Answered):
    batches: list[Batch]


class Measurements(Answered):
    measurements: list[Measurement]


RECORDS: dict[str, tuple[type[BaseModel], type[BaseModel], type[BaseModel]]] = {
    "subject": (Subject, SubjectAnswer, Subjects),
    "exposure": (Exposure, ExposureAnswer, Exposures),
    "batch": (Batch, BatchAnswer, Batches),
    "measurement": (Measurement, MeasurementAnswer, Measurements),
}
"""Kind -> (one version, one version with what belongs to it, many)."""


def header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", "examples": [example]}}


ETAG = {"ETag": header("The version, to be sent as If-Match with a change", '"3"')}
REPLAYED = {"Idempotency-Replayed": header("`true` when this Idempotency-Key was answered before", "true")}
