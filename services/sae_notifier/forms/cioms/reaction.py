"""Boxes 1 to 13: the child by code, the reactions and what they led to."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.cioms.drugs import Drugs, told
from services.sae_notifier.forms.cioms.lines import labelled, one_line
from services.sae_notifier.forms.facts import Facts, ended, event_name, heading, text
from services.sae_notifier.forms.fields import Field, Prose, Section, Tick, Ticks, Value, Values, absent, given, warning
from services.sae_notifier.forms.reading import first_onset, ticked
from services.sae_notifier.forms.sections.child import age
from services.sae_notifier.forms.sections.course import NOTHING, finding, given_before, relevant
from services.sae_notifier.forms.sections.general import grades
from services.sae_notifier.forms.vocabulary import OUTCOME, SEX, SHORT_SERIOUSNESS
from services.sae_notifier.forms.words import Words
from shared.case import AdverseEvent, Measurement
from shared.case.report import Criterion

_INITIALS = Words("Không ghi chữ viết tắt tên: chỉ dùng mã số", "Initials withheld: the code alone is used")
_BIRTH = Words("Không ghi ngày sinh: xem tuổi", "Withheld: the age is given")
_UNVERIFIED = Words("mã đang được xác minh", "code being verified")
_NO_SITE = Words("Chưa rõ điểm nghiên cứu", "Site not known")
_UNKNOWN = Words("chưa rõ", "unknown")
_FUTURE = Words("ở tương lai, xem ô 7", "in the future, see 7")
_NO_TICK = Words("Không tiêu chuẩn nào được chọn", "No criterion was ticked")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ORDER: tuple[Criterion, ...] = (
    "death",
    "hospitalisation",
    "disability",
    "life_threatening",
    "congenital_anomaly",
    "medically_important",
)
"""As the boxes 8 to 12 stand on the form, with the two criteria that were added to them."""


def section(facts: Facts, drugs: Drugs) -> Section:
    return Section(
        1,
        Words("THÔNG TIN VỀ PHẢN ỨNG", "REACTION INFORMATION"),
        (*_patient(facts), *_onset(facts), _serious(facts), _described(facts, drugs)),
    )


def _patient(facts: Facts) -> tuple[Field, ...]:
    subject = facts.subject
    why = reasons.NOT_ASKED if subject else reasons.NO_SUBJECT
    sex = subject.sex if subject else "unknown"
    code: Values = (given(facts.case.subject_id), absent(_INITIALS))
    if subject is None or subject.provisional:
        code = (*code, warning(_UNVERIFIED))
    country = facts.trial.country
    return (
        Field("1", Words("Chữ viết tắt tên", "PATIENT INITIALS"), code),
        Field("1a", Words("Nước", "COUNTRY"), (given(country) if country else absent(_NO_SITE),)),
        Field("2", Words("Ngày sinh", "DATE OF BIRTH"), (absent(_BIRTH),)),
        Field("2a", Words("Tuổi", "AGE"), (age(facts, why),)),
        Field("3", Words("Giới tính", "SEX"), (absent(why) if sex == "unknown" else Value(SEX[sex]),)),
    )


def _onset(facts: Facts) -> tuple[Field, ...]:
    """Of the first reaction, cut where the knowledge ends; its hour stands in box 7."""
    onset = first_onset(facts.case.events)
    labels = (
        ("4", Words("Khởi phát: ngày", "REACTION ONSET: DAY")),
        ("5", Words("Tháng", "MONTH")),
        ("6", Words("Năm", "YEAR")),
    )
    if onset is None or onset.is_future(facts.now):
        why = _UNKNOWN if onset is None else _FUTURE
        return tuple(Field(key, label, (absent(why),)) for key, label in labels)
    year, month, day = (*onset.value[:10].split("-"), "", "")[:3]
    shown = (day, _MONTHS[int(month) - 1] if month else "", year)
    return tuple(
        Field(key, label, (given(part) if part else absent(_UNKNOWN),))
        for (key, label), part in zip(labels, shown, strict=True)
    )


def _serious(facts: Facts) -> Ticks:
    """What the facts say, whichever field they were given in; unanswered counts as serious and is never a tick."""
    events = facts.case.events
    found = {one for event in events for one in ticked(event)}
    unanswered = {
        name for event in events for name, answer in event.seriousness.answers().items() if answer == "unknown"
    }
    options = tuple(
        Tick(
            name,
            SHORT_SERIOUSNESS[name],
            name in found,
            absent(reasons.SERIOUS_UNTIL_ANSWERED) if name in unanswered - found or not events else None,
        )
        for name in _ORDER
    )
    why = None if found else (facts.unanswered() if unanswered or not events else _NO_TICK)
    return Ticks("8-12", Words("Đánh dấu mọi mục phù hợp", "CHECK ALL APPROPRIATE TO ADVERSE REACTION"), options, why)


def _described(facts: Facts, drugs: Drugs) -> Prose:
    events = facts.case.events
    lines: list[Value] = []
    for index, event in enumerate(events, 1):
        if len(events) > 1:
            lines.append(Value(heading(index, len(events))))
        lines += _event(facts, event)
    if not events:
        lines.append(absent(reasons.NO_EVENT))
    lines.append(labelled("Đã dùng trước đó", "Given before, as told", given_before(facts).values))
    tests = [_test(facts, one) for one in relevant(facts)]
    title = Words("Xét nghiệm liên quan", "Relevant tests")
    lines += [Value(title), *tests] if tests else [labelled(title.vi, title.en, (absent(reasons.NONE_RECORDED),))]
    lines += [labelled("Bắt đầu sau phản ứng", "Begun after the reaction", (told(facts, one),)) for one in drugs.later]
    label = Words("Mô tả phản ứng, kể cả xét nghiệm", "DESCRIBE REACTION(S) (including relevant tests/lab data)")
    return Prose("7+13", label, tuple(lines))


def _test(facts: Facts, one: Measurement) -> Value:
    """A computed grade says of itself that it is proposed: what was measured is no proposal."""
    line = one_line((cell for cells in finding(facts, one) for cell in cells if cell != NOTHING), between=" · ")
    return Value(line.words) if line.kind == "proposal" else line


def _event(facts: Facts, event: AdverseEvent) -> list[Value]:
    why = facts.unanswered()
    outcome = absent(reasons.UNKNOWN) if event.outcome == "unknown" else Value(OUTCOME[event.outcome])
    return [
        *event_name(event, why),
        labelled("Khởi phát", "Onset", facts.moment(event.onset, why)),
        labelled("Kết thúc", "End", ended(facts, event, reasons.NOT_ASKED)),
        labelled("Kết cục", "Outcome", (outcome,)),
        labelled("Độ CTCAE", "CTCAE", grades(facts, event) or (absent(why),)),
        *text(event.description, reasons.NOT_ASKED),
    ]
