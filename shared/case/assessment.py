"""The sponsor's assessment of one case: proposals with their reasons, and who signed what.

Every assessment lists each (aggregate, version) it judged. A newer or unlisted aggregate of that child makes it stale;
unsigned or stale, it may add duties and never relax one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Answer, Published
from shared.case.text import FreeText, Typed

WhoUmc = Literal["certain", "probable", "possible", "unlikely", "conditional", "unassessable"]
"""The six WHO-UMC categories; there is no "unrelated"."""


class Judged(Published):
    """One document this assessment rests on (`case/…`, `exposure/…`, `measurement/…`, `subject/…`, `batch/…`, `answers/…`)."""

    aggregate: str
    version: int


class Criterion(Published):
    """One question of a method, its answer, and the data that answered it, in words."""

    code: str
    answer: Answer
    why_en: str
    why_vi: str


class PersonAnswer(Published):
    """What a named person answered where the records cannot; a later one to the same question takes its place.

    `withdrawn` hands the question back to the records. No answer relaxes a duty: a signed assessment that rests on it may.
    """

    number: int
    """Counts the answers given about this case, from 1: the version of `answers/{case_id}` among what was judged."""
    event_id: str
    exposure_id: str
    question: str
    answer: Literal["yes", "no", "unknown", "withdrawn"]
    reason: FreeText
    answered_by: str
    answered_at: datetime


class Relatedness(Published):
    """One event against one exposure: the temporal facts, the criteria and the proposed category.

    `hours_min`/`hours_max` are hours from the end (else the start) of the exposure to onset, an interval because either
    may be partial; negative means before. `exposed` says whether the exposure preceded onset.
    """

    event_id: str
    exposure_id: str
    exposure_kind: str
    exposed: Answer
    hours_min: str | None = None
    hours_max: str | None = None
    method: str = "WHO-UMC"
    criteria: tuple[Criterion, ...] = ()
    proposed: WhoUmc | None = None
    accepted: WhoUmc | None = None
    """What the signer accepted or put instead; null while unsigned."""
    reasonable_possibility: Answer = "unknown"
    override_reason: FreeText | None = None


class GradeCheck(Published):
    """The grade computed from one measurement beside the grade a person gave; null with a reason when it is refused."""

    event_id: str | None = None
    measurement_id: str
    term: str
    dictionary_version: str
    reported_grade: int | None = None
    computed_grade: int | None = None
    """0 is "below grade 1"; null is refused, and `why` says what is missing."""
    why_en: str
    why_vi: str


class EventAssessment(Published):
    """One event: seriousness consistency, expectedness against the RSI in force at onset, relatedness to each exposure."""

    event_id: str
    seriousness_findings: tuple[Criterion, ...] = ()
    expected: Answer = "unknown"
    expected_why_en: str = ""
    expected_why_vi: str = ""
    rsi_version: str | None = None
    related: Answer = "unknown"
    """Sponsor's reasonable possibility over all investigational causes; unknown while unsigned."""
    relatedness: tuple[Relatedness, ...] = ()


class Signature(Published):
    """Fresh authentication + meaning + SHA-256 of exactly what was signed (21 CFR 11.50, 11.70; Annex 11 §14)."""

    signed_by: str
    signed_at: datetime
    meaning: Typed
    sha256: str
    """SHA-256 of the canonical JSON of the assessment without its signature."""


class Assessment(Published):
    """One version of the assessment of one case (aggregate `assessment/{case_id}`)."""

    case_id: str
    case_number: str
    case_version: int
    version: int
    trial_id: str
    subject_id: str
    judged: tuple[Judged, ...]
    grade_checks: tuple[GradeCheck, ...] = ()
    events: tuple[EventAssessment, ...] = ()
    answers: tuple[PersonAnswer, ...] = ()
    """Every answer a person has given about this case, oldest first, those no longer standing too."""
    illustrative: bool = False
    """True when the reference safety information used is marked ILLUSTRATIVE."""
    signature: Signature | None = None
    recorded_at: datetime
