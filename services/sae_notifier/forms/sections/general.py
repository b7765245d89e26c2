"""Section 1: the report, the trial, and what happened to whom and when."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts, ended, event_name, heading
from services.sae_notifier.forms.fields import (
    Block,
    Field,
    Heading,
    Section,
    Tick,
    Ticks,
    Value,
    Values,
    absent,
    given,
    warning,
)
from services.sae_notifier.forms.vocabulary import ANSWER, DESIGN, EFFECTIVE, SERIOUSNESS
from services.sae_notifier.forms.words import Words, joined
from shared.case import CRITERIA, AdverseEvent
from shared.case.seriousness import of_case

_PROVISIONAL = Words(
    "TẠM TÍNH: chưa biết thời điểm nhận thông tin; thời hạn tính từ lúc máy chủ ghi nhận, đang hỏi lại điểm nghiên cứu",
    "PROVISIONAL: awareness is unknown; the clock runs from the server's receipt and the site is being asked",
)


def section(facts: Facts) -> Section:
    blocks: list[Block] = [*_report(facts), *_trial(facts), *_subject(facts), *_awareness(facts)]
    events = facts.case.events
    if not events:
        blocks += _no_event(facts)
    for index, event in enumerate(events, 1):
        if len(events) > 1:
            blocks.append(Heading(heading(index, len(events))))
        blocks += _event(facts, event)
    effective = of_case(facts.case)
    reason = joined([EFFECTIVE[one] for one in effective.reasons])
    if effective.serious:
        verdict = Words(f"Nghiêm trọng: {reason.vi}", f"Serious: {reason.en}")
    else:
        verdict = Words("Không nghiêm trọng", "Not serious")
    lines = [Value(verdict)]
    if effective.fatal_or_life_threatening:
        lines.append(
            Value(
                Words("Tử vong hoặc đe dọa tính mạng, hoặc chưa loại trừ", "Fatal or life-threatening, or not excluded")
            )
        )
    blocks.append(
        Field(
            "effective_seriousness",
            Words("Phân loại dùng để tính hạn", "Class used for the deadline"),
            tuple(lines),
            wide=True,
        )
    )
    return Section(1, Words("Thông tin chung", "General information"), tuple(blocks))


_PROVISIONAL_DUTY = Words(
    "TẠM TÍNH: thời hạn của nghĩa vụ này còn tạm tính, xem mục 9",
    "PROVISIONAL: the clock of this duty is provisional, see section 9",
)
_UNVERIFIED = Words(
    "Mã chưa có trong danh sách đối tượng; đang xác minh", "Code not on the subject list; being verified"
)
_NAME = Words("Tên SAE (chẩn đoán hoặc triệu chứng chính)", "SAE name (diagnosis or main symptoms)")


def _report(facts: Facts) -> list[Block]:
    case, number = facts.case, facts.report_number
    follow_up = Words(f"Báo cáo bổ sung, lần {number}", f"Additional (follow-up no. {number})")
    none_yet = Words("Báo cáo bổ sung", "Additional (follow-up)")
    return [
        Field(
            "report_number",
            Words("Mã số báo cáo của đơn vị", "Unit's report number"),
            (given(f"{case.case_number}/{number:02d}"),),
        ),
        Field("case_version", Words("Phiên bản của ca", "Case version"), (given(str(case.version)),)),
        Ticks(
            "report_type",
            Words("Loại báo cáo", "Report type"),
            (
                Tick("initial", Words("Báo cáo lần đầu", "Initial"), number == 0),
                Tick("additional", follow_up if number else none_yet, number > 0),
            ),
            columns=2,
        ),
    ]


def _trial(facts: Facts) -> list[Block]:
    trial = facts.trial
    blinded = trial.design != "open"
    return [
        Field("study_title", Words("Tên nghiên cứu", "Study title"), (Value(trial.title),), wide=True),
        Field("protocol_code", Words("Mã đề cương", "Protocol code"), (given(trial.protocol_code),)),
        Field("site", Words("Điểm nghiên cứu ghi nhận SAE", "Site recording the SAE"), (Value(trial.site),)),
        Ticks(
            "design",
            Words("Thiết kế nghiên cứu", "Design"),
            tuple(Tick(name, label, name == trial.design) for name, label in DESIGN.items()),
        ),
        Ticks(
            "unblinded",
            Words("Nếu làm mù: SAE có dẫn đến mở mù không?", "If blinded: did the SAE lead to unblinding?"),
            tuple(
                Tick(name, label, False)
                for name, label in {
                    "yes": ANSWER["yes"],
                    "no": ANSWER["no"],
                    "unknown": Words("Không có thông tin", "No information"),
                }.items()
            ),
            why=reasons.NOT_ASKED if blinded else reasons.OPEN_LABEL,
        ),
        Field("sponsor", Words("Nhà tài trợ", "Sponsor"), (Value(trial.sponsor),)),
        Field(
            "principal_investigator",
            Words("Nghiên cứu viên chính", "Principal investigator"),
            (Value(trial.principal_investigator),),
        ),
    ]


def _subject(facts: Facts) -> list[Block]:
    code: Values = (given(facts.case.subject_id),)
    if facts.subject is None or facts.subject.provisional:
        code = (*code, warning(_UNVERIFIED))
    return [
        Field("subject_initials", Words("Chữ viết tắt tên đối tượng", "Subject initials"), (absent(reasons.WITHHELD),)),
        Field("subject_code", Words("Mã số đối tượng", "Subject code"), code),
    ]


def _awareness(facts: Facts) -> list[Block]:
    case, duty = facts.case, facts.obligation
    site = facts.moment(case.site_aware, facts.unanswered())
    known = any(one is not None and not one.is_future(facts.now) for one in (case.site_aware, case.desk_aware))
    if not known:
        site = (*site, warning(_PROVISIONAL))
    elif duty and duty.provisional:
        site = (*site, warning(_PROVISIONAL_DUTY))
    blocks: list[Block] = [
        Field(
            "site_aware",
            Words("Thời điểm nhận được thông tin về SAE (điểm nghiên cứu)", "Time SAE information was received (site)"),
            site,
            wide=True,
        ),
        Field(
            "desk_aware",
            Words("Thời điểm bộ phận an toàn nhận được", "Received by the safety desk"),
            facts.moment(case.desk_aware, reasons.NOT_STATED),
        ),
        Field(
            "recorded_at",
            Words("Máy chủ ghi nhận phiên bản này", "This version recorded by the server"),
            (given(facts.instant(case.recorded_at)),),
        ),
    ]
    return blocks


_ONSET = Words("Thời điểm khởi phát", "Onset time")
_END = Words("Thời điểm kết thúc hoặc đang tiếp diễn", "End time, or ongoing")


def _no_event(facts: Facts) -> list[Block]:
    """The questions stay on the form even when nothing has been told yet."""
    unanswered = facts.unanswered()
    return [
        Field("name", _NAME, (absent(reasons.NO_EVENT),), wide=True),
        Field("onset", _ONSET, (absent(unanswered),)),
        Field("end", _END, (absent(reasons.NOT_ASKED),)),
        _seriousness("seriousness", None, unanswered),
    ]


def _event(facts: Facts, event: AdverseEvent) -> list[Block]:
    key = f"{event.event_id}."
    unanswered = facts.unanswered()
    return [
        Field(f"{key}name", _NAME, event_name(event, unanswered), wide=True),
        Field(f"{key}onset", _ONSET, facts.moment(event.onset, unanswered)),
        Field(f"{key}end", _END, ended(facts, event, reasons.NOT_ASKED)),
        _seriousness(f"{key}seriousness", event, unanswered),
        Field(f"{key}grades", Words("Mức độ theo CTCAE", "CTCAE grade"), grades(facts, event) or (absent(unanswered),)),
        Field(
            f"{key}episode",
            Words("Mã đợt bệnh / mã biến cố", "Episode / event id"),
            (given(f"{event.episode_id} / {event.event_id}"),),
        ),
    ]


def grades(facts: Facts, event: AdverseEvent) -> Values:
    lines: list[Value] = []
    for entry in event.grades:
        lines.append(given(f"Độ {entry.grade}", f"Grade {entry.grade}"))
        if entry.since:
            since = facts.moment(entry.since, reasons.UNKNOWN)[0].words
            lines[-1] = given(f"Độ {entry.grade}, từ {since.vi}", f"Grade {entry.grade}, from {since.en or since.vi}")
    return tuple(lines)


def _seriousness(key: str, event: AdverseEvent | None, unanswered: Words) -> Ticks:
    answers = event.seriousness.answers() if event else dict.fromkeys(CRITERIA, "unknown")
    notes = {"yes": None, "no": Value(ANSWER["no"]), "unknown": absent(reasons.SERIOUS_UNTIL_ANSWERED)}
    options = tuple(Tick(name, SERIOUSNESS[name], answer == "yes", notes[answer]) for name, answer in answers.items())
    why = None
    if not any(option.ticked for option in options):
        left_open = "unknown" in answers.values()
        why = unanswered if left_open else Words("Không tiêu chuẩn nào được chọn", "No criterion was ticked")
    return Ticks(key, Words("Mức độ nghiêm trọng", "Seriousness"), options, why, columns=2)
