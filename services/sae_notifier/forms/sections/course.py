"""Section 2: course and management, findings, and outcome of each event."""

from __future__ import annotations

from datetime import timedelta

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts, heading, text
from services.sae_notifier.forms.fields import (
    Block,
    Column,
    Field,
    Heading,
    Prose,
    Section,
    Table,
    Tick,
    Ticks,
    Value,
    Values,
    absent,
    given,
    proposal,
)
from services.sae_notifier.forms.vocabulary import ADMISSION, ANSWER, KIND, OUTCOME, TESTS
from services.sae_notifier.forms.words import Words, joined
from shared.case import AdverseEvent, Measurement

NOTHING = Value(Words("–"))
_BEFORE_ONSET = timedelta(days=7)
_COURSE = Words(
    "Diễn biến và xử trí (dấu hiệu, triệu chứng, xét nghiệm, biện pháp kể cả ngừng hoặc giảm liều, diễn biến sau đó)",
    "Course and management (signs, symptoms, tests, measures including stopping or reducing the product, course after)",
)


def section(facts: Facts) -> Section:
    blocks: list[Block] = []
    events = facts.case.events
    if not events:
        blocks.append(Prose("course", _COURSE, (absent(reasons.NO_EVENT),)))
        blocks.append(_outcome("outcome", None))
    for index, event in enumerate(events, 1):
        if len(events) > 1:
            blocks.append(Heading(heading(index, len(events))))
        blocks += _event(event)
    blocks += [given_before(facts), _findings(facts)]
    return Section(2, Words("Diễn biến, xử trí và kết cục", "Course, management and outcome"), tuple(blocks))


def _event(event: AdverseEvent) -> list[Block]:
    key = f"{event.event_id}."
    admission: list[Value] = [
        absent(reasons.NOT_ASKED) if event.admission == "unknown" else Value(ADMISSION[event.admission])
    ]
    if event.admission_prolonged != "unknown":
        prolonged = ANSWER[event.admission_prolonged]
        admission.append(given(f"Kéo dài nằm viện: {prolonged.vi}", f"Stay prolonged: {prolonged.en}"))
    return [
        Prose(f"{key}course", _COURSE, text(event.description, reasons.NOT_ASKED)),
        Field(f"{key}admission", Words("Nhập viện", "Admission"), tuple(admission)),
        Field(
            f"{key}error",
            Words("Sai sót dùng thuốc; quá liều", "Medication error; overdose"),
            (_answer(event.medication_error, "Sai sót", "Error"), _answer(event.overdose, "Quá liều", "Overdose")),
        ),
        _outcome(f"{key}outcome", event),
    ]


def _answer(answer: str, vi: str, en: str) -> Value:
    words = reasons.NOT_ASKED if answer == "unknown" else ANSWER[answer]
    value = Words(f"{vi}: {words.vi}", f"{en}: {words.en}")
    return Value(value, "absent" if answer == "unknown" else "given")


def _outcome(key: str, event: AdverseEvent | None) -> Ticks:
    known = event.outcome if event else "unknown"
    options = tuple(Tick(name, label, name == known != "unknown") for name, label in OUTCOME.items())
    return Ticks(key, Words("Kết cục", "Outcome"), options, reasons.UNKNOWN if known == "unknown" else None)


def given_before(facts: Facts) -> Field:
    told = facts.case.given
    label = Words(
        "Đã dùng gì trước khi xảy ra (theo lời người báo cáo)",
        "What had been given before it happened (as the reporter told it)",
    )
    lines: list[Value] = []
    if told.kinds:
        lines.append(Value(joined([KIND[kind] for kind in told.kinds])))
    if told.text:
        lines += text(told.text, facts.unanswered())
    if told.answer != "unknown":
        lines.insert(0, Value(ANSWER[told.answer]))
    return Field("given", label, tuple(lines) or (absent(facts.unanswered()),), wide=True)


def _findings(facts: Facts) -> Table:
    columns = (
        Column(Words("Xét nghiệm, dấu hiệu", "Test or sign"), 26),
        Column(Words("Kết quả", "Result"), 20),
        Column(Words("Giới hạn của phòng xét nghiệm", "Laboratory's limits"), 20),
        Column(Words("Thời điểm", "Taken"), 30),
        Column(Words("Ghi chú; độ CTCAE tính được", "Remarks; computed CTCAE grade"), 34),
    )
    shown = relevant(facts)
    label = Words(
        f"Kết quả từ 7 ngày trước khởi phát và giá trị nền ({len(shown)}/{len(facts.measurements)} kết quả trong hồ sơ)",
        f"Findings from 7 days before onset, and baseline ({len(shown)} of {len(facts.measurements)} on record)",
    )
    return Table("findings", label, columns, tuple(finding(facts, one) for one in shown), reasons.NONE_RECORDED)


def relevant(facts: Facts) -> list[Measurement]:
    """From a week before the first onset on, and the baseline; in the order they were taken."""
    shown = [one for one in facts.measurements if _near(facts, one)]
    return sorted(
        shown, key=lambda one: (one.taken is None, one.taken.earliest() if one.taken else facts.now, one.measurement_id)
    )


def _near(facts: Facts, one: Measurement) -> bool:
    onsets = [event.onset.earliest() for event in facts.case.events if event.onset]
    if one.baseline or one.taken is None or not onsets or len(onsets) < len(facts.case.events):
        return True
    return one.taken.latest() >= min(onsets) - _BEFORE_ONSET


def finding(facts: Facts, one: Measurement) -> tuple[Values, ...]:
    name = [Value(TESTS.get(one.test, Words(one.test)))]
    if one.instrument:
        name.append(given(one.instrument))
    value = (
        given(f"{one.value} {one.unit}")
        if one.unit
        else given(f"{one.value} ({reasons.NO_UNIT.vi})", f"{one.value} ({reasons.NO_UNIT.en})")
    )
    if one.lower_limit is None and one.upper_limit is None:
        limits = absent(reasons.NOT_STATED)
    else:
        limits = given(f"{one.lower_limit or '…'} – {one.upper_limit or '…'}")
    return tuple(name), (value,), (limits,), facts.moment(one.taken, reasons.NOT_STATED), _remarks(facts, one)


def _remarks(facts: Facts, one: Measurement) -> Values:
    lines: list[Value] = []
    if one.baseline:
        lines.append(given("Giá trị nền", "Baseline"))
    if one.body_site:
        lines.append(given(f"Vị trí đo: {one.body_site}", f"Measured at: {one.body_site}"))
    if one.lasted_hours:
        lines.append(given(f"Kéo dài {one.lasted_hours} giờ", f"Lasted {one.lasted_hours} h"))
    for check in facts.assessment.grade_checks if facts.assessment else ():
        if check.measurement_id == one.measurement_id:
            if check.computed_grade is None:
                lines.append(absent(Words(f"{check.term}: {check.why_vi}", f"{check.term}: {check.why_en}")))
                continue
            grade = Words(f"{check.term}: độ {check.computed_grade}", f"{check.term}: grade {check.computed_grade}")
            lines.append(
                Value(grade) if facts.signed() else proposal(Words(f"{grade.vi} (đề xuất)", f"{grade.en} (proposal)"))
            )
    return tuple(lines) or (NOTHING,)
