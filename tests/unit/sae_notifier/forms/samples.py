"""Two cases the form is tried on: six fields from a phone at night, and a whole bacterial meningitis. All invented."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from services.sae_notifier.forms import view
from services.sae_notifier.forms.cioms import view as cioms
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.form import Form
from services.sae_notifier.forms.gather import gather
from services.sae_notifier.forms.trial import FormRecipient, FormTrial
from services.sae_notifier.forms.words import Words
from shared.case import (
    AdverseEvent,
    Assessment,
    Batch,
    CaseReport,
    CodedTerm,
    DutyCause,
    EventAssessment,
    Exposure,
    FreeText,
    Given,
    GradeEntry,
    InvestigatorOpinion,
    Judged,
    Measurement,
    Moment,
    Obligation,
    Quantity,
    Relatedness,
    Seriousness,
    Signature,
    Subject,
)
from shared.case.assessment import Criterion, GradeCheck
from shared.case.exposure import RehabilitationCourse

ZONE = "Asia/Ho_Chi_Minh"
NOW = datetime(2026, 3, 10, 2, 15, tzinfo=UTC)
RECORDED = datetime(2026, 3, 8, 19, 25, 7, tzinfo=UTC)
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def at(value: str, zone: str = ZONE) -> Moment:
    return Moment(value=value, zone=zone)


def vi(text: str) -> FreeText:
    return FreeText(text=text, language="vi")


TRIAL = FormTrial(
    trial_id="trial-1",
    title=Words(
        "Thử nghiệm giai đoạn II ghép tế bào đơn nhân tủy xương tự thân cho trẻ bại não thể co cứng",
        "Phase II trial of autologous bone-marrow mononuclear cells in children with spastic cerebral palsy",
    ),
    protocol_code="BMMNC-CP-II",
    sponsor=Words("Nhà tài trợ thử nghiệm", "Trial sponsor"),
    principal_investigator=Words("Nghiên cứu viên chính của thử nghiệm (vai trò)", "Principal investigator (role)"),
    site=Words("Điểm nghiên cứu Hà Nội", "Hanoi site"),
    zone=ZONE,
    country="VN",
    recipients=(
        FormRecipient(
            "necbr", Words("Hội đồng Đạo đức trong nghiên cứu y sinh học quốc gia", "National Ethics Committee")
        ),
        FormRecipient("astt", Words("Cục Khoa học công nghệ và Đào tạo, Bộ Y tế", "ASTT, Ministry of Health")),
    ),
    product=Words(
        "Tế bào đơn nhân tủy xương tự thân, hỗn dịch truyền nội tủy", "Autologous BM MNC, suspension, intrathecal"
    ),
    basis=Words("Các trường theo mẫu báo cáo SAE của Việt Nam", "Fields of the Vietnamese SAE report form"),
)

DRAFT = CaseReport(
    case_id="case-1",
    case_number="VN-VINMEC-2026-000123",
    version=1,
    trial_id="trial-1",
    subject_id="CP-017",
    reported_by="user-7",
    source="phone_page",
    recorded_at=RECORDED,
)

EVENT = AdverseEvent(
    event_id="event-1",
    episode_id="episode-1",
    verbatim=vi("Viêm màng não mủ sau truyền tế bào"),
    term=CodedTerm(dictionary="CTCAE", version="5.0", code="10027199", term="Meningitis"),
    onset=at("2026-03-08T22:30"),
    ongoing=True,
    grades=(GradeEntry(grade=2, since=at("2026-03-08T22:30")), GradeEntry(grade=4, since=at("2026-03-09"))),
    seriousness=Seriousness(
        death="no",
        life_threatening="yes",
        hospitalisation="yes",
        disability="unknown",
        congenital_anomaly="no",
        medically_important="yes",
    ),
    outcome="recovering",
    admission="unplanned",
    admission_prolonged="no",
    medication_error="no",
    overdose="no",
    opinions=(
        InvestigatorOpinion(exposure_id="exp-inf", related="yes", reason=vi("Sốt 14 giờ sau truyền, dịch não tủy đục")),
        InvestigatorOpinion(exposure_id="exp-lp", related="yes"),
        InvestigatorOpinion(kind="vitamin", related="no", reason=vi("Không có cơ chế")),
        InvestigatorOpinion(kind="opioid", related="unknown"),
    ),
    description=vi(
        "14 giờ sau lần truyền thứ nhất, trẻ sốt 39,4 °C, nôn 3 lần, quấy khóc, cứng gáy.\n"
        "Chọc dò dịch não tủy: dịch đục, bạch cầu 2.300/µL, protein 1,8 g/L, glucose 1,1 mmol/L.\n\n"
        "Xử trí: ceftriaxon 100 mg/kg/ngày và vancomycin; chuyển hồi sức; hoãn lần truyền thứ hai. "
        "Sau 36 giờ trẻ tỉnh hơn, còn sốt 38,1 °C."
    ),
)

CASE = DRAFT.model_copy(
    update={
        "version": 3,
        "site_id": "hanoi",
        "reporter_role": "clinician",
        "events": (EVENT,),
        "given": Given(
            answer="yes",
            kinds=("bm_mnc_infusion", "lumbar_puncture", "sedation"),
            text=vi("Truyền lúc 8 giờ rưỡi sáng"),
        ),
        "site_aware": at("2026-03-09T02:10"),
        "desk_aware": at("2026-03-08T19:20", "UTC"),
        "news_known": at("2026-03-10T08:00"),
        "change_reason": "Kết quả dịch não tủy",
        "source": "amendment_page",
        "recorded_at": datetime(2026, 3, 10, 1, 30, tzinfo=UTC),
    }
)
FIRST_EVENT = AdverseEvent(
    event_id="event-1",
    episode_id="episode-1",
    verbatim=vi("Sốt cao, nôn"),
    onset=at("2026-03-08"),
    admission="unplanned",
)
FIRST = DRAFT.model_copy(
    update={
        "events": (
            AdverseEvent(
                event_id="event-1",
                episode_id="episode-1",
                verbatim=vi("Sốt cao, nôn"),
                onset=at("2026-03-08"),
                admission="unplanned",
            ),
        ),
        "site_aware": at("2026-03-09T02:10"),
        "reporter_role": "clinician",
    }
)
SECOND = FIRST.model_copy(update={"version": 2, "change_reason": "Bổ sung mức độ", "source": "amendment_page"})

SUBJECT = Subject(
    subject_id="CP-017",
    version=2,
    trial_id="trial-1",
    site_id="hanoi",
    birth=at("2021-06"),
    sex="female",
    enrolled=at("2026-03-01"),
    gmfcs_level="III",
    recorded_at=RECORDED,
)


def exposure(exposure_id: str, kind: str, start: str, end: str | None = None, **more: Any) -> Exposure:
    return Exposure.model_validate(
        {
            "exposure_id": exposure_id,
            "version": 1,
            "trial_id": "trial-1",
            "subject_id": "CP-017",
            "kind": kind,
            "start": at(start),
            "end": at(end) if end else None,
            "recorded_at": RECORDED,
            **more,
        }
    )


EXPOSURES = (
    exposure(
        "exp-har",
        "bone_marrow_harvest",
        "2026-03-08T07:05",
        "2026-03-08T07:30",
        route="iliac crest",
        action_taken="not_applicable",
    ),
    exposure(
        "exp-inf",
        "bm_mnc_infusion",
        "2026-03-08T08:30",
        "2026-03-08T08:50",
        name="BM MNC",
        infusion_number=1,
        batch_id="BATCH-0041",
        route="intrathecal",
        dose=Quantity(value="22.4", unit="10*6/kg"),
        action_taken="withdrawn",
    ),
    exposure("exp-lp", "lumbar_puncture", "2026-03-08T08:20", "2026-03-08T08:52", action_taken="not_applicable"),
    exposure(
        "exp-sed",
        "sedation",
        "2026-03-08T07:00",
        "2026-03-08T09:10",
        name="propofol",
        route="IV",
        dose=Quantity(value="60", unit="mg"),
    ),
    exposure(
        "exp-pir",
        "piracetam",
        "2026-02",
        name="piracetam",
        ongoing=True,
        route="PO",
        dose=Quantity(value="400", unit=None),
        action_taken="unchanged",
        indication="spastic cerebral palsy",
    ),
    exposure("exp-vit", "vitamin", "2026-02-20", name="vitamin D3", ongoing=True),
    exposure(
        "exp-reh",
        "rehabilitation",
        "2026-02-24",
        "2026-03-05",
        rehabilitation=RehabilitationCourse(number=1, setting="centre", deliverer="technician"),
    ),
)
BATCHES = (
    Batch(
        batch_id="BATCH-0041",
        version=2,
        trial_id="trial-1",
        subject_id="CP-017",
        harvested=at("2026-03-08T07:30"),
        released=at("2026-03-08T08:15"),
        cells=Quantity(value="412", unit="10*6"),
        viability_percent="96.50",
        sterility="positive",
        sterility_on=at("2026-03-10"),
        organism="Staphylococcus epidermidis",
        identity_checked=True,
        recorded_at=RECORDED,
    ),
)


def measurement(measurement_id: str, test: str, value: str, taken: str | None, **more: Any) -> Measurement:
    return Measurement.model_validate(
        {
            "measurement_id": measurement_id,
            "version": 1,
            "trial_id": "trial-1",
            "subject_id": "CP-017",
            "test": test,
            "value": value,
            "taken": at(taken) if taken else None,
            "recorded_at": RECORDED,
            **more,
        }
    )


MEASUREMENTS = (
    measurement("m-1", "body_temperature", "39.4", "2026-03-08T22:30", unit="Cel", body_site="nách", lasted_hours="6"),
    measurement("m-2", "neutrophils", "18.20", "2026-03-09T03:10", unit="10*9/L", lower_limit="1.5", upper_limit="8.0"),
    measurement("m-3", "platelets", "144", "2026-03-09T03:10", unit="10*9/L", lower_limit="150"),
    measurement("m-4", "body_weight", "14.8", "2026-03-07", unit="kg"),
    measurement("m-5", "alt", "31", "2025-12-02", unit="U/L"),
    measurement("m-6", "haemoglobin", "118", "2025-12-02", unit="g/L", baseline=True),
)

CRITERIA = (
    Criterion(
        code="temporal",
        answer="yes",
        why_en="Onset 13.7 to 14.0 h after the end of the infusion",
        why_vi="Khởi phát 13,7 đến 14,0 giờ sau khi kết thúc truyền",
    ),
    Criterion(
        code="alternative_cause",
        answer="unknown",
        why_en="Culture of the fluid is pending",
        why_vi="Đang chờ kết quả cấy dịch não tủy",
    ),
)


def related(
    exposure_id: str, kind: str, proposed: str | None, possible: str, low: str = "13.7", high: str = "14.0"
) -> Relatedness:
    return Relatedness.model_validate(
        {
            "event_id": "event-1",
            "exposure_id": exposure_id,
            "exposure_kind": kind,
            "exposed": "yes",
            "hours_min": low,
            "hours_max": high,
            "criteria": CRITERIA if kind == "bm_mnc_infusion" else CRITERIA[:1],
            "proposed": proposed,
            "reasonable_possibility": possible,
        }
    )


ASSESSMENT = Assessment(
    case_id="case-1",
    case_number="VN-VINMEC-2026-000123",
    case_version=3,
    version=2,
    trial_id="trial-1",
    subject_id="CP-017",
    judged=tuple(
        Judged(aggregate=aggregate, version=version)
        for aggregate, version in [
            ("case/case-1", 3),
            ("subject/CP-017", 2),
            ("batch/BATCH-0041", 2),
            *((f"exposure/{one.exposure_id}", 1) for one in EXPOSURES),
            *((f"measurement/{one.measurement_id}", 1) for one in MEASUREMENTS),
        ]
    ),
    grade_checks=(
        GradeCheck(
            measurement_id="m-1",
            term="Fever",
            dictionary_version="5.0",
            computed_grade=2,
            why_en="39.1 to 40.0 C",
            why_vi="39,1 đến 40,0 °C",
        ),
        GradeCheck(
            measurement_id="m-3",
            term="Platelet count decreased",
            dictionary_version="5.0",
            computed_grade=1,
            why_en="below LLN",
            why_vi="dưới giới hạn",
        ),
        GradeCheck(
            measurement_id="m-5",
            term="ALT increased",
            dictionary_version="5.0",
            why_en="No upper limit given",
            why_vi="Thiếu giới hạn trên",
        ),
    ),
    events=(
        EventAssessment(
            event_id="event-1",
            expected="no",
            expected_why_en="Meningitis is not in the reference safety information",
            rsi_version="1.0",
            expected_why_vi="Viêm màng não không có trong thông tin an toàn tham chiếu",
            related="unknown",
            relatedness=(
                related("exp-inf", "bm_mnc_infusion", "probable", "yes"),
                related("exp-lp", "lumbar_puncture", "probable", "yes"),
                related("exp-har", "bone_marrow_harvest", "unlikely", "no", "15.0", "15.0"),
                related("exp-pir", "piracetam", "unlikely", "no", "168", "840"),
            ),
        ),
    ),
    illustrative=True,
    recorded_at=datetime(2026, 3, 10, 1, 31, tzinfo=UTC),
)
SIGNED = ASSESSMENT.model_copy(
    update={
        "illustrative": False,
        "signature": Signature(
            signed_by="monitor-1",
            signed_at=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
            meaning="Reviewed and approved",
            sha256="ab" * 32,
        ),
    }
)
OBLIGATION = Obligation(
    obligation_id="duty-1",
    version=2,
    trial_id="trial-1",
    subject_id="CP-017",
    case_id="case-1",
    case_number="VN-VINMEC-2026-000123",
    rule_id="VN-SAE-7WD",
    recipient_id="necbr",
    recipient_zone=ZONE,
    state="open",
    day_0=date(2026, 3, 9),
    aware_at=datetime(2026, 3, 8, 19, 10, tzinfo=UTC),
    due_at=datetime(2026, 3, 18, 16, 59, 59, tzinfo=UTC),
    due_strict_at=datetime(2026, 3, 18, 16, 59, 59, tzinfo=UTC),
    due_on=date(2026, 3, 18),
    rule_sha256="cd" * 32,
    calendar_sha256="ef" * 32,
    causes=(
        DutyCause(
            at=RECORDED,
            aggregate="case/case-1",
            version=1,
            code="serious",
            why_en="life-threatening",
            why_vi="đe dọa tính mạng",
        ),
    ),
    recorded_at=RECORDED,
)


@dataclass(frozen=True)
class Inputs:
    """What `gather` is called with; `replace` one thing to see what it does."""

    case: CaseReport = DRAFT
    history: tuple[CaseReport, ...] = ()
    subject: Subject | None = None
    exposures: tuple[Exposure, ...] = ()
    batches: tuple[Batch, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    assessment: Assessment | None = None
    obligation: Obligation | None = None
    trial: FormTrial = field(default=TRIAL)
    last_received: CaseReport | None = None
    report_number: int = 0
    now: datetime = NOW

    def form(self, **changed: Any) -> Form:
        return view.build(self.facts(**changed))

    def cioms(self, **changed: Any) -> Form:
        return cioms.build(self.facts(**changed))

    def facts(self, **changed: Any) -> Facts:
        one = replace(self, **changed)
        return gather(
            one.case,
            one.history,
            case_sha256=SHA,
            subject=one.subject,
            exposures=one.exposures,
            batches=one.batches,
            measurements=one.measurements,
            assessment=one.assessment,
            obligation=one.obligation,
            trial=one.trial,
            last_received=one.last_received,
            report_number=one.report_number,
            now=one.now,
        )


EMPTY = Inputs()
MENINGITIS = Inputs(
    CASE,
    (FIRST, SECOND),
    SUBJECT,
    EXPOSURES,
    BATCHES,
    MEASUREMENTS,
    ASSESSMENT,
    OBLIGATION,
    last_received=FIRST,
    report_number=1,
)
