"""Section 7: causality and expectedness, the investigator's and the sponsor's opinion side by side."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts, event_name, exposure_name, heading, said, text
from services.sae_notifier.forms.fields import (
    Block,
    Column,
    Field,
    Heading,
    Section,
    Table,
    Value,
    Values,
    absent,
    box,
    given,
    proposal,
    warning,
)
from services.sae_notifier.forms.vocabulary import ANSWER, KIND, WHO_UMC
from services.sae_notifier.forms.words import Words
from shared.case import AdverseEvent, EventAssessment, Exposure, InvestigatorOpinion, Relatedness

STALE = Words(
    "ĐÃ CŨ: có dữ liệu mới hơn bản đánh giá; coi như chưa ký",
    "STALE: facts are newer than this assessment; treated as unsigned",
)
_PROPOSAL = Words("ĐỀ XUẤT, CHƯA KÝ", "PROPOSAL, NOT SIGNED")
_ILLUSTRATIVE = Words("Thông tin an toàn tham chiếu chỉ để MINH HỌA", "Reference safety information is ILLUSTRATIVE")


def section(facts: Facts) -> Section:
    blocks: list[Block] = [*_signature(facts)]
    events = facts.case.events
    for index, event in enumerate(events, 1):
        if len(events) > 1:
            blocks.append(Heading(heading(index, len(events))))
        blocks += _event(facts, event)
    if not events:
        blocks.append(
            Field("causality", Words("Quan hệ nhân quả", "Causality"), (absent(reasons.NO_EVENT),), wide=True)
        )
    return Section(7, Words("Quan hệ nhân quả và tính dự kiến", "Causality and expectedness"), tuple(blocks))


def _signature(facts: Facts) -> list[Block]:
    assessment = facts.assessment
    label = Words("Bản đánh giá của nhà tài trợ", "Sponsor's assessment")
    if assessment is None:
        return [Field("assessment", label, (absent(reasons.NO_ASSESSMENT),), wide=True)]
    version = Words(
        f"Phiên bản {assessment.version}, dựa trên phiên bản {assessment.case_version} của ca",
        f"Version {assessment.version}, made on case version {assessment.case_version}",
    )
    lines: list[Value] = [Value(version)]
    if facts.stale():
        lines.append(warning(STALE))
    signature = assessment.signature
    if signature is None:
        lines[:0] = [absent(reasons.NOT_SIGNED)]
    else:
        at = facts.instant(signature.signed_at)
        lines.append(
            given(
                f"Ký: {signature.signed_by}, {at}, {signature.meaning}",
                f"Signed: {signature.signed_by}, {at}, {signature.meaning}",
            )
        )
        lines.append(given(f"SHA-256 {signature.sha256}"))
    if assessment.illustrative or facts.trial.illustrative:
        lines.append(warning(_ILLUSTRATIVE))
    return [Field("assessment", label, tuple(lines), wide=True)]


def _event(facts: Facts, event: AdverseEvent) -> list[Block]:
    judged = (
        next((one for one in facts.assessment.events if one.event_id == event.event_id), None)
        if facts.assessment
        else None
    )
    key = f"{event.event_id}."
    return [
        _table(facts, event, judged, f"{key}causality"),
        Field(
            f"{key}expected_investigator",
            Words("Tính dự kiến theo nghiên cứu viên", "Expectedness, investigator"),
            (absent(reasons.NOT_ASKED),),
        ),
        Field(
            f"{key}expected_sponsor",
            Words("Tính dự kiến theo nhà tài trợ", "Expectedness, sponsor"),
            expected(facts, judged),
        ),
        _reasons(facts, judged, f"{key}reasons"),
    ]


def _table(facts: Facts, event: AdverseEvent, judged: EventAssessment | None, key: str) -> Table:
    investigator, sponsor = Words("Nghiên cứu viên", "Investigator"), Words("Nhà tài trợ", "Sponsor")
    answers = (Words("Có", "Yes"), Words("Không", "No"), Words("Chưa rõ", "Not yet"))
    columns = (
        Column(Words("Sản phẩm, thủ thuật, điều trị", "Product, procedure, treatment"), 34),
        *(Column(one, 11, investigator) for one in answers),
        Column(Words("Lý do", "Reason"), 26, investigator),
        *(Column(one, 11, sponsor) for one in answers),
        Column(Words("Phân loại; thời gian từ lần dùng", "Category; time since exposure"), 36, sponsor),
    )
    rows = [_row(facts, event, judged, one) for one in (*facts.study(), *facts.concomitant())]
    known = {one.exposure_id for one in facts.exposures}
    rows += [_loose(facts, opinion) for opinion in event.opinions if _unplaced(facts, opinion, known)]
    name = " · ".join(value.words.vi for value in event_name(event, facts.unanswered()))
    label = Words(
        f"Liên quan hoặc có thể liên quan với: {name}", "Related or possibly related (reasonable possibility)"
    )
    return Table(key, label, columns, tuple(rows), reasons.NO_EXPOSURE)


def _unplaced(facts: Facts, opinion: InvestigatorOpinion, known: set[str]) -> bool:
    if opinion.exposure_id is not None:
        return opinion.exposure_id not in known
    return not any(one.kind == opinion.kind for one in facts.exposures)


def _loose(facts: Facts, opinion: InvestigatorOpinion) -> tuple[Values, ...]:
    """An opinion about something that is not, or no longer, on record: shown, never dropped."""
    if opinion.kind:
        name = (Value(KIND[opinion.kind]), warning(Words("chưa có hồ sơ lần dùng", "exposure not yet recorded")))
    else:
        name = (said(opinion.exposure_id, reasons.NOT_STATED), warning(Words("không còn trong hồ sơ", "not on record")))
    return name, *_boxes(opinion.related), _why(opinion), *_boxes(None), (absent(_none(facts)),)


def _row(facts: Facts, event: AdverseEvent, judged: EventAssessment | None, exposure: Exposure) -> tuple[Values, ...]:
    opinion = opinion_on(event, exposure)
    found = (
        next((one for one in judged.relatedness if one.exposure_id == exposure.exposure_id), None) if judged else None
    )
    why = (absent(reasons.NOT_ASKED),) if opinion is None else _why(opinion)
    investigator = _boxes(opinion.related if opinion else None)
    if found is None:
        return exposure_name(exposure), *investigator, why, *_boxes(None), (absent(_none(facts)),)
    return (
        exposure_name(exposure),
        *investigator,
        why,
        *_boxes(found.reasonable_possibility, signed=facts.signed()),
        sponsor_category(facts, found),
    )


def _none(facts: Facts) -> Words:
    return (
        Words("Bản đánh giá chưa xét", "Not covered by the assessment") if facts.assessment else reasons.NO_ASSESSMENT
    )


def opinion_on(event: AdverseEvent, exposure: Exposure) -> InvestigatorOpinion | None:
    """The opinion on this exposure, else the one on its kind given before it was recorded."""
    own = next((one for one in event.opinions if one.exposure_id == exposure.exposure_id), None)
    return own or next((one for one in event.opinions if one.exposure_id is None and one.kind == exposure.kind), None)


def _boxes(answer: str | None, *, signed: bool = True) -> tuple[Values, ...]:
    return tuple((box(answer == name, signed=signed),) for name in ("yes", "no", "unknown"))


def _why(opinion: InvestigatorOpinion) -> Values:
    lines = list(text(opinion.reason, reasons.NOT_STATED))
    if opinion.exposure_id is None and opinion.kind:
        lines.append(warning(Words("ý kiến cho cả loại này", "given for the whole kind")))
    return tuple(lines)


def sponsor_category(facts: Facts, found: Relatedness) -> Values:
    signed = facts.signed()
    category = (found.accepted or found.proposed) if signed else found.proposed
    lines: list[Value] = []
    if category is None:
        lines.append(absent(Words(f"{found.method}: chưa phân loại", f"{found.method}: not classified")))
    else:
        words = Words(f"{found.method}: {WHO_UMC[category].vi}", f"{found.method}: {WHO_UMC[category].en}")
        lines.append(Value(words) if signed else proposal(words))
    if not signed:
        lines.append(proposal(_PROPOSAL))
    lines.append(_hours(found))
    if found.override_reason:
        lines += text(found.override_reason, reasons.NOT_STATED)
    return tuple(lines)


def _hours(found: Relatedness) -> Value:
    if found.hours_min is None and found.hours_max is None:
        return absent(Words("Khoảng thời gian: chưa tính được", "Interval: could not be computed"))
    low, high = found.hours_min or "?", found.hours_max or "?"
    return given(f"{low} giờ", f"{low} h") if low == high else given(f"{low} đến {high} giờ", f"{low} to {high} h")


def expected(facts: Facts, judged: EventAssessment | None) -> Values:
    if judged is None:
        return (absent(_none(facts)),)
    if judged.expected == "unknown":
        lines: list[Value] = [
            absent(Words("Chưa rõ; coi như ngoài dự kiến", "Unknown; treated as unexpected")),
        ]
    else:
        answer = {"yes": Words("Dự kiến", "Expected"), "no": Words("Ngoài dự kiến", "Unexpected")}[judged.expected]
        lines = [Value(answer)] if facts.signed() else [proposal(answer), proposal(_PROPOSAL)]
    if judged.expected_why_vi.strip() or judged.expected_why_en.strip():
        lines.append(given(judged.expected_why_vi or judged.expected_why_en, judged.expected_why_en))
    if judged.rsi_version:
        lines.append(given(f"RSI {judged.rsi_version}"))
    if facts.assessment and facts.assessment.illustrative:
        lines.append(warning(_ILLUSTRATIVE))
    return tuple(lines)


def _reasons(facts: Facts, judged: EventAssessment | None, key: str) -> Table:
    """Every criterion answered for the study product and its procedures; the others keep theirs in the assessment."""
    columns = (
        Column(Words("Sản phẩm hoặc thủ thuật", "Product or procedure"), 34),
        Column(Words("Câu hỏi", "Criterion"), 28),
        Column(Words("Trả lời", "Answer"), 18),
        Column(Words("Vì sao", "Why"), 70),
    )
    rows: list[tuple[Values, ...]] = []
    for exposure in facts.study():
        for found in judged.relatedness if judged else ():
            if found.exposure_id == exposure.exposure_id:
                rows += [
                    (
                        exposure_name(exposure),
                        (given(one.code),),
                        (Value(ANSWER[one.answer]),),
                        (_because(one.why_vi, one.why_en),),
                    )
                    for one in found.criteria
                ]
    label = Words("Lý do của phân loại do nhà tài trợ đưa ra", "Reasons for the sponsor's categories")
    return Table(key, label, columns, tuple(rows), _none(facts))


def _because(vi: str, en: str) -> Value:
    return given(vi if vi.strip() else en, en) if (vi + en).strip() else absent(reasons.NOT_STATED)
