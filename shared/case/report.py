"""The case: what was reported about one child, by whom, and when it became known. Each version is whole.

Sources: ICH E2A (definitions and seriousness), ICH E2B(R3) sections C, D and E, CTCAE for the grade.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.case.base import Answer, Published
from shared.case.exposure import ExposureKind
from shared.case.moment import Moment
from shared.case.text import FreeText, Typed

Criterion = Literal[
    "death",
    "life_threatening",
    "hospitalisation",
    "disability",
    "congenital_anomaly",
    "medically_important",
]
"""The six criteria of E2A II.B (E2B(R3) E.i.3.2); `hospitalisation` covers a prolonged stay."""
CRITERIA: tuple[Criterion, ...] = (
    "death",
    "life_threatening",
    "hospitalisation",
    "disability",
    "congenital_anomaly",
    "medically_important",
)
Outcome = Literal["recovered", "recovering", "not_recovered", "recovered_with_sequelae", "fatal", "unknown"]
"""E2B(R3) E.i.7."""
Admission = Literal["none", "planned", "unplanned", "unknown"]
ReporterRole = Literal["clinician", "investigator", "technician", "caregiver_through_site", "other"]


class Seriousness(Published):
    """Each criterion answered yes, no or unknown; unanswered is unknown, and unknown counts as serious."""

    death: Answer = "unknown"
    life_threatening: Answer = "unknown"
    hospitalisation: Answer = "unknown"
    disability: Answer = "unknown"
    congenital_anomaly: Answer = "unknown"
    medically_important: Answer = "unknown"

    def answers(self) -> dict[Criterion, Answer]:
        return {name: getattr(self, name) for name in CRITERIA}


class CodedTerm(Published):
    """A term of a dictionary with the dictionary's version (`CTCAE` 5.0, later MedDRA)."""

    dictionary: Literal["CTCAE", "MedDRA"]
    version: str
    code: str
    term: str


class GradeEntry(Published):
    """One grade of one episode, as a person gave it, and from when it held."""

    grade: int = Field(ge=1, le=5)
    since: Moment | None = None


class InvestigatorOpinion(Published):
    """The investigator's own view of one exposure (or of a kind, before the exposure is recorded). Never overwritten by us."""

    exposure_id: str | None = None
    kind: ExposureKind | None = None
    related: Answer = "unknown"
    reason: FreeText | None = None


class AdverseEvent(Published):
    """One event of the case; `episode_id` stays the same while one fever changes grade."""

    event_id: str
    episode_id: str
    verbatim: FreeText | None = None
    term: CodedTerm | None = None
    onset: Moment | None = None
    end: Moment | None = None
    ongoing: bool | None = None
    grades: tuple[GradeEntry, ...] = ()
    seriousness: Seriousness = Seriousness()
    outcome: Outcome = "unknown"
    admission: Admission = "unknown"
    admission_prolonged: Answer = "unknown"
    medication_error: Answer = "unknown"
    overdose: Answer = "unknown"
    opinions: tuple[InvestigatorOpinion, ...] = ()
    description: FreeText | None = None

    @property
    def worst_grade(self) -> int | None:
        return max((entry.grade for entry in self.grades), default=None)


class Given(Published):
    """What had been given when it happened, as the reporter told it before anyone looked it up."""

    answer: Answer = "unknown"
    kinds: tuple[ExposureKind, ...] = ()
    text: FreeText | None = None


class Nullification(Published):
    """A void case (duplicate, no subject, wrong study); `replaced_by` keeps the first awareness."""

    reason: Typed
    replaced_by: str | None = None


class CaseReport(Published):
    """One version of one case (aggregate `case/{case_id}`)."""

    case_id: str
    case_number: str
    """`VN-VINMEC-2026-000123`; gaps are allowed, reuse is not."""
    version: int
    trial_id: str
    site_id: str | None = None
    subject_id: str
    reporter_role: ReporterRole = "other"
    reported_by: str
    """The user id (never a name) of who sent this version."""
    events: tuple[AdverseEvent, ...] = ()
    given: Given = Given()
    site_aware: Moment | None = None
    desk_aware: Moment | None = None
    determined_reportable: Moment | None = None
    news_known: Moment | None = None
    """For an amendment: when its news became known."""
    change_reason: Typed | None = None
    source: Literal["phone_page", "api", "amendment_page", "import"] = "api"
    nullified: Nullification | None = None
    recorded_at: datetime
    """The server's clock: only ever the latest possible awareness."""
