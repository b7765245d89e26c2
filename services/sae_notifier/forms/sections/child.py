"""Section 5: the subject, with nothing that could name the child."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.fields import Field, Prose, Section, Value, Values, absent, given
from services.sae_notifier.forms.reading import first_onset
from services.sae_notifier.forms.vocabulary import SEX
from services.sae_notifier.forms.words import Words
from shared.case import Measurement, Moment


def section(facts: Facts) -> Section:
    subject = facts.subject
    why = reasons.NOT_ASKED if subject else reasons.NO_SUBJECT
    gmfcs = subject.gmfcs_level if subject else "unknown"
    sex = subject.sex if subject else "unknown"
    blocks = (
        Field("birth", Words("Ngày sinh", "Birth date"), facts.moment(subject.birth if subject else None, why)),
        Field("age", Words("Tuổi lúc khởi phát", "Age at onset"), (age(facts, why),)),
        Field("sex", Words("Giới tính", "Sex"), (absent(why) if sex == "unknown" else Value(SEX[sex]),)),
        Field("gmfcs", Words("Mức GMFCS", "GMFCS level"), (absent(why) if gmfcs == "unknown" else given(gmfcs),)),
        Field("weight", Words("Cân nặng", "Weight"), _latest(facts, "body_weight", "weight")),
        Field("height", Words("Chiều cao", "Height"), _latest(facts, "body_height", "height")),
        Field(
            "enrolled",
            Words("Ngày tham gia nghiên cứu", "Enrolled"),
            facts.moment(subject.enrolled if subject else None, why),
        ),
        Field(
            "left",
            Words("Ngày rời nghiên cứu", "Left the study"),
            facts.moment(
                subject.left if subject else None,
                Words("Chưa ghi nhận rời nghiên cứu", "No departure recorded") if subject else why,
            ),
        ),
        Prose("medical_history", Words("Tiền sử bệnh", "Medical history"), (absent(reasons.NOT_COLLECTED),)),
    )
    return Section(5, Words("Đối tượng nghiên cứu", "Subject"), blocks)


def _latest(facts: Facts, *tests: str) -> Values:
    found = [one for one in facts.measurements if one.test in tests]
    if not found:
        return (absent(reasons.NONE_RECORDED),)
    last: Measurement = max(
        found, key=lambda one: (one.taken is not None, one.taken.latest() if one.taken else facts.now)
    )
    unit = Words(last.unit) if last.unit else reasons.NO_UNIT
    value = given(f"{last.value} {unit.vi}", f"{last.value} {unit.en}" if unit.en else "")
    return value, *facts.moment(last.taken, reasons.NOT_STATED)


def age(facts: Facts, why: Words) -> Value:
    """Completed years and months as an interval, because either date may be partial."""
    onset = first_onset(facts.case.events)
    birth = facts.subject.birth if facts.subject else None
    if birth is None or onset is None:
        return absent(why if birth is None else facts.unanswered())
    low, high = _months(_last(birth), _first(onset)), _months(_first(birth), _last(onset))
    if high < 0:
        return absent(Words("Khởi phát trước ngày sinh: cần kiểm tra lại", "Onset before birth: to be checked"))
    shown = [_words(months) for months in dict.fromkeys((max(low, 0), high))]
    return given(" – ".join(one.vi for one in shown), " – ".join(one.en for one in shown))


def _first(moment: Moment) -> datetime:
    return moment.earliest().astimezone(ZoneInfo(moment.zone))


def _last(moment: Moment) -> datetime:
    return moment.latest().astimezone(ZoneInfo(moment.zone))


def _months(birth: datetime, at: datetime) -> int:
    return (at.year - birth.year) * 12 + at.month - birth.month - (at.day < birth.day)


def _words(months: int) -> Words:
    years, rest = divmod(months, 12)
    return Words(f"{years} tuổi {rest} tháng", f"{years} y {rest} mo")
