"""Boxes 24 to 26: who reports, under which number, when it was received, and what is thought of it."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.cioms.drugs import Drugs
from services.sae_notifier.forms.cioms.lines import labelled, one_line
from services.sae_notifier.forms.facts import Facts, event_name, exposure_name, said, text
from services.sae_notifier.forms.fields import Field, Prose, Section, Tick, Ticks, Value, Values, absent, given, warning
from services.sae_notifier.forms.reading import became_known
from services.sae_notifier.forms.sections.opinions import STALE, expected, sponsor_category
from services.sae_notifier.forms.times import told
from services.sae_notifier.forms.vocabulary import ANSWER, KIND, ROLE
from services.sae_notifier.forms.words import Words
from shared.case import AdverseEvent, InvestigatorOpinion, Moment

_ADDRESS = Words("Địa chỉ: hồ sơ thử nghiệm không nêu", "Address: not stated in the trial file")
_MASKED = Words("Tên và địa chỉ người báo cáo: không ghi", "Name and address of the reporter: withheld")
_OWN_RECORD = Words("máy chủ ghi nhận: muộn nhất có thể", "our own record: the latest it can be")
_PROFESSIONALS = ("clinician", "investigator", "technician")


def section(facts: Facts, drugs: Drugs) -> Section:
    case, number = facts.case, facts.report_number
    follow_up = Words(
        f"TIẾP THEO {number}" if number else "TIẾP THEO", f"FOLLOW-UP {number}" if number else "FOLLOW-UP"
    )
    return Section(
        4,
        Words("THÔNG TIN VỀ NHÀ SẢN XUẤT", "MANUFACTURER INFORMATION"),
        (
            Field(
                "24a",
                Words("Tên và địa chỉ nhà tài trợ", "NAME AND ADDRESS OF MANUFACTURER (sponsor)"),
                (Value(facts.trial.sponsor), absent(_ADDRESS)),
            ),
            Prose("26", Words("Ghi chú", "REMARKS"), tuple(_remarks(facts, drugs))),
            Field("24b", Words("Số của nhà sản xuất", "MFR CONTROL NO."), (given(case.case_number),)),
            Field("24c", Words("Ngày nhận", "DATE RECEIVED BY MANUFACTURER"), received(facts)),
            Ticks(
                "24d",
                Words("Nguồn báo cáo", "REPORT SOURCE"),
                (
                    Tick("study", Words("NGHIÊN CỨU", "STUDY"), True),
                    Tick("literature", Words("Y VĂN", "LITERATURE"), False),
                    Tick(
                        "health_professional",
                        Words("NHÂN VIÊN Y TẾ", "HEALTH PROFESSIONAL"),
                        case.reporter_role in _PROFESSIONALS,
                    ),
                    Tick("authority", Words("CƠ QUAN QUẢN LÝ", "AUTHORITY"), False),
                ),
                columns=2,
            ),
            Field("25", Words("Ngày báo cáo", "DATE OF THIS REPORT"), (given(facts.instant(facts.now)),)),
            Ticks(
                "25a",
                Words("Loại báo cáo", "REPORT TYPE"),
                (
                    Tick("initial", Words("LẦN ĐẦU", "INITIAL"), number == 0),
                    Tick("follow_up", follow_up, number > 0),
                ),
                columns=2,
            ),
        ),
    )


def received(facts: Facts) -> Values:
    """C.1.4 on the first report, C.1.5 on a follow-up and never before it; a time nobody told is our own record of it."""
    versions = {one.version: one for one in (*facts.history, facts.case)}
    first, latest = versions[min(versions)], facts.case
    at, heard = became_known(first, first.desk_aware, facts.trial.zone), first.desk_aware
    if facts.report_number and latest.version > first.version:
        news = became_known(latest, latest.news_known, facts.trial.zone)
        if news.latest() >= at.earliest():
            at, heard = news, latest.news_known
    return told(at, facts.trial.zone), *_from_record(at, heard)


def _from_record(at: Moment, heard: Moment | None) -> Values:
    return () if at is heard else (warning(_OWN_RECORD),)


def _remarks(facts: Facts, drugs: Drugs) -> list[Value]:
    lines: list[Value] = [
        labelled("Người báo cáo", "Reporter", (Value(ROLE[facts.case.reporter_role]),)),
        absent(_MASKED),
        labelled("Nghiên cứu", "Study", (given(facts.trial.protocol_code), Value(facts.trial.title))),
    ]
    if facts.stale():
        lines.append(warning(STALE))
    if facts.assessment is None:
        lines.append(labelled("Nhà tài trợ", "Sponsor", (absent(reasons.NO_ASSESSMENT),)))
    several = len(facts.case.events) > 1
    for event in facts.case.events:
        if several:
            lines.append(one_line(event_name(event, facts.unanswered()), between=" · "))
        lines += [_investigator(facts, drugs, one) for one in event.opinions]
        lines += _sponsor(facts, drugs, event)
    return list(dict.fromkeys(lines))


def _investigator(facts: Facts, drugs: Drugs, one: InvestigatorOpinion) -> Value:
    answer = absent(ANSWER["unknown"]) if one.related == "unknown" else Value(ANSWER[one.related])
    why = text(one.reason, reasons.NOT_STATED) if one.reason else ()
    about = one_line(_about(facts, drugs, one), between=", ").words
    return labelled(
        f"Nghiên cứu viên, liên quan với {about.vi}", f"Investigator, related to {about.en or about.vi}", (answer, *why)
    )


def _about(facts: Facts, drugs: Drugs, one: InvestigatorOpinion) -> Values:
    if one.exposure_id is None:
        return (Value(KIND[one.kind]),) if one.kind else (absent(reasons.NOT_STATED),)
    number = next(
        (each.number for each in drugs.suspects if each.exposure and each.exposure.exposure_id == one.exposure_id), None
    )
    if number is not None:
        return (given(f"#{number}"),)
    known = next((each for each in facts.exposures if each.exposure_id == one.exposure_id), None)
    return exposure_name(known) if known else (said(one.exposure_id, reasons.NOT_STATED),)


def _sponsor(facts: Facts, drugs: Drugs, event: AdverseEvent) -> list[Value]:
    judged = (
        next((one for one in facts.assessment.events if one.event_id == event.event_id), None)
        if facts.assessment
        else None
    )
    if judged is None:
        return []
    lines = []
    for suspect in drugs.suspects:
        for found in judged.relatedness:
            if suspect.exposure and found.exposure_id == suspect.exposure.exposure_id:
                possible = ANSWER[found.reasonable_possibility]
                reasonable = given(f"khả năng hợp lý: {possible.vi}", f"reasonable possibility: {possible.en}")
                before = (f"Nhà tài trợ, #{suspect.number}", f"Sponsor, #{suspect.number}")
                lines.append(labelled(*before, (reasonable, *sponsor_category(facts, found))))
    answer = expected(facts, judged)
    known = tuple(one for one in answer if one.kind != "warning")
    lines.append(labelled("Nhà tài trợ, tính dự kiến", "Sponsor, expectedness", known))
    return [*lines, *(one for one in answer if one.kind == "warning")]
