"""What a client may send. Every field is optional where a clinician may not know it; unknown fields are refused by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from shared.case import Answer, ExposureKind, FreeText, GradeEntry, Moment, Quantity, RehabilitationCourse, Seriousness
from shared.case.exposure import ActionTaken
from shared.case.quantity import DecimalText
from shared.case.report import Admission, Outcome, ReporterRole

Code = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")
]
"""A code of the trial (child, batch, site): letters, digits and `._:-`, no spaces, so that no name fits."""
Words = Annotated[str, StringConstraints(max_length=50_000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000, pattern=r"^[^\x00]*$")]
UserText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextInput(Command):
    """Free text with its language (BCP 47, such as `vi`)."""

    text: Words
    language: (
        Annotated[str, StringConstraints(max_length=20, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None
    ) = None

    def stored(self) -> FreeText | None:
        text = self.text.strip()
        return FreeText(text=text, language=self.language) if text else None


class OpinionInput(Command):
    exposure_id: Code | None = None
    kind: ExposureKind | None = None
    related: Answer = "unknown"
    reason: TextInput | None = None


class EventInput(Command):
    """One adverse event; with `event_id` it changes that event of the case, without one it is a new event."""

    event_id: Code | None = None
    verbatim: TextInput | None = None
    term_code: Annotated[str, StringConstraints(max_length=16, pattern=r"^[0-9]+$")] | None = None
    """A CTCAE term code of the trial's version (`GET /api/v1/terms`)."""
    onset: Moment | None = None
    end: Moment | None = None
    ongoing: StrictBool | None = None
    grades: tuple[GradeEntry, ...] = Field(default=(), max_length=50)
    seriousness: Seriousness = Seriousness()
    outcome: Outcome = "unknown"
    admission: Admission = "unknown"
    admission_prolonged: Answer = "unknown"
    medication_error: Answer = "unknown"
    overdose: Answer = "unknown"
    opinions: tuple[OpinionInput, ...] = Field(default=(), max_length=60)
    description: TextInput | None = None


class GivenInput(Command):
    answer: Answer = "unknown"
    kinds: tuple[ExposureKind, ...] = Field(default=(), max_length=20)
    text: TextInput | None = None


class SubmitCase(Command):
    """A first report. Anything may be missing; an empty one (no child, no event, no words) is refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "subject_id": "VN01-007",
                    "reporter_role": "clinician",
                    "events": [
                        {
                            "verbatim": {"text": "Sốt cao, cứng gáy, nôn", "language": "vi"},
                            "onset": {"value": "2026-03-09T22:10", "zone": "Asia/Ho_Chi_Minh"},
                            "seriousness": {"life_threatening": "yes", "death": "no", "hospitalisation": "yes"},
                        }
                    ],
                    "given": {"answer": "yes", "kinds": ["bm_mnc_infusion", "lumbar_puncture"]},
                    "site_aware": {"value": "2026-03-10T02:00", "zone": "Asia/Ho_Chi_Minh"},
                }
            ]
        },
    )

    subject_id: Code | None = None
    site_id: Code | None = None
    reporter_role: ReporterRole = "other"
    events: tuple[EventInput, ...] = Field(default=(), max_length=40)
    given: GivenInput = GivenInput()
    site_aware: Moment | None = None
    desk_aware: Moment | None = None
    determined_reportable: Moment | None = None
    source: Literal["phone_page", "api", "amendment_page", "import"] = "api"


class TakenTextInput(Command):
    """One text: of this case's newest version, unless `aggregate` and `version` say otherwise. `sha256` is needed for a
    document of another service (`assessment/…`), and guards against taking back what was not read."""

    aggregate: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z]+/[A-Za-z0-9._:-]+$")] | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    pointer: Annotated[str, StringConstraints(max_length=200, pattern=r"^(/[A-Za-z0-9_]+)+$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class RedactCase(Command):
    """Take words back. `everywhere`: also wherever else the same words stand in this child's documents, later ones too."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "texts": [{"version": 1, "pointer": "/events/0/description"}],
                    "everywhere": True,
                    "reason": "names a family member",
                    "password": "…",
                }
            ]
        },
    )

    texts: tuple[TakenTextInput, ...] = Field(default=(), max_length=200)
    everywhere: StrictBool = True
    rejected: tuple[Code, ...] = Field(default=(), max_length=50)
    reason: Reason
    password: Annotated[str, StringConstraints(max_length=256)] = Field(default="", exclude=True)
    """Proves anew that it is you; whoever signs in at a provider signs on the page, which leads there and back."""


class AmendCase(Command):
    """News about a case: only the fields that are sent change; `news_known` says when it became known (null: not told)."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "reason": "culture result",
                    "news_known": {"value": "2026-03-11T09:00", "zone": "Asia/Ho_Chi_Minh"},
                    "events": [{"event_id": "0197…", "term_code": "10027199"}],
                }
            ]
        },
    )

    reason: Reason
    news_known: Moment | None
    reporter_role: ReporterRole | None = None
    site_id: Code | None = None
    events: tuple[EventInput, ...] | None = Field(default=None, max_length=40)
    given: GivenInput | None = None
    site_aware: Moment | None = None
    desk_aware: Moment | None = None
    determined_reportable: Moment | None = None
    source: Literal["phone_page", "api", "amendment_page", "import"] = "api"


class NullifyCase(Command):
    """Declare a case void; `replaced_by` names the case that keeps its first awareness."""

    reason: Reason
    replaced_by: Code | None = None


class CloseRejected(Command):
    reason: Reason


class RecordSubject(Command):
    subject_id: Code
    site_id: Code | None = None
    birth: Moment | None = None
    sex: Literal["female", "male", "unknown"] = "unknown"
    enrolled: Moment | None = None
    gmfcs_level: Literal["I", "II", "III", "IV", "V", "unknown"] = "unknown"
    left: Moment | None = None


def _counted(course: RehabilitationCourse | None) -> RehabilitationCourse | None:
    if course is not None and course.number is not None and not 0 <= course.number <= 1_000:
        raise ValueError("the number of a course lies between 0 and 1000")
    return course


class RecordExposure(Command):
    subject_id: Code
    kind: ExposureKind
    name: UserText | None = None
    indication: UserText | None = None
    dose: Quantity | None = None
    route: UserText | None = None
    start: Moment | None = None
    end: Moment | None = None
    ongoing: StrictBool | None = None
    infusion_number: Annotated[int, Field(ge=1, le=20)] | None = None
    batch_id: Code | None = None
    action_taken: ActionTaken = "unknown"
    rehabilitation: Annotated[RehabilitationCourse | None, AfterValidator(_counted)] = None
    note: TextInput | None = None


class RecordBatch(Command):
    batch_id: Code
    subject_id: Code
    harvested: Moment | None = None
    released: Moment | None = None
    cells: Quantity | None = None
    viability_percent: DecimalText | None = None
    sterility: Literal["pending", "negative", "positive", "unknown"] = "pending"
    sterility_on: Moment | None = None
    organism: UserText | None = None
    identity_checked: StrictBool | None = None


class RecordMeasurement(Command):
    subject_id: Code
    test: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
    instrument: UserText | None = None
    value: DecimalText
    unit: Annotated[str, StringConstraints(max_length=40, pattern=r"^[^\x00]*$")] | None = None
    lower_limit: DecimalText | None = None
    upper_limit: DecimalText | None = None
    body_site: UserText | None = None
    lasted_hours: DecimalText | None = None
    baseline: StrictBool = False
    taken: Moment | None = None


class RecordAllocation(Command):
    subject_id: Code
    arm: Code


def _shallow(changes: dict[str, object]) -> dict[str, object]:
    level: list[object] = [changes]
    for _ in range(_DEPTH):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        ]
        if not level:
            return changes
    raise ValueError("the values are nested too deeply")


_DEPTH = 8
Changes = Annotated[dict[str, object], AfterValidator(_shallow)]


class Correct(Command):
    """A new version of a subject, exposure, batch or measurement: only the fields in `changes` change."""

    reason: Reason
    changes: Changes


class Void(Command):
    reason: Reason
