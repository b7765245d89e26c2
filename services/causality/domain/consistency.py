"""Where the seriousness, grade, outcome and dates of one event do not fit together. `no` is a contradiction, `unknown` a question."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.causality.domain.temporal import counted, span
from services.causality.words import ANSWERS, CRITERIA, OUTCOMES, Words
from shared.case import CRITERIA as CRITERION_NAMES
from shared.case import AdverseEvent, Answer
from shared.case.assessment import Criterion
from shared.terms import find

_DEATH_TERMS = {"10011914", "10042435", "10011912"}
"""Death NOS, Sudden death NOS, Death neonatal."""
_RECOVERED = ("recovered", "recovered_with_sequelae")


def findings(event: AdverseEvent, ctcae_version: str, now: datetime) -> tuple[Criterion, ...]:
    """Only what a person should look at; an event without findings has none."""
    found = (*_death(event), *_severity(event, ctcae_version), *_admission(event), *_course(event, now), *_open(event))
    return tuple(Criterion(code=code, answer=answer, why_en=words.en, why_vi=words.vi) for code, answer, words in found)


_Finding = tuple[str, Answer, Words]


def _death(event: AdverseEvent) -> Iterator[_Finding]:
    signs = {
        "grade 5": event.worst_grade == 5,
        "outcome fatal": event.outcome == "fatal",
        "criterion death": event.seriousness.death == "yes",
        "a death term": event.term is not None and event.term.code in _DEATH_TERMS,
    }
    names_vi = {
        "grade 5": "độ 5",
        "outcome fatal": "kết cục tử vong",
        "criterion death": "tiêu chí tử vong",
        "a death term": "thuật ngữ tử vong",
    }
    said = [name for name, here in signs.items() if here]
    unsaid = [name for name, here in signs.items() if not here and name != "a death term"]
    if said and unsaid:
        yield (
            "death_disagrees",
            "no",
            Words(
                f"Stated: {', '.join(said)}; not stated: {', '.join(unsaid)}.",
                f"Có: {', '.join(names_vi[n] for n in said)}; không có: {', '.join(names_vi[n] for n in unsaid)}.",
            ),
        )


def _severity(event: AdverseEvent, ctcae_version: str) -> Iterator[_Finding]:
    grade, threat = event.worst_grade, event.seriousness.life_threatening
    if grade == 4 and threat != "yes":
        yield (
            "grade_4_life_threatening",
            "unknown",
            Words(
                f"Grade 4, but life-threatening is answered {ANSWERS[threat].en}: was the child in danger at that time?",
                f"Độ 4 nhưng tiêu chí đe dọa tính mạng là {ANSWERS[threat].vi}: lúc đó trẻ có nguy hiểm không?",
            ),
        )
    if grade is not None and grade <= 2 and threat == "yes":
        yield (
            "life_threatening_low_grade",
            "unknown",
            Words(
                f"Life-threatening, but grade {grade}: is the grade right?",
                f"Đe dọa tính mạng nhưng độ {grade}: độ nặng có đúng không?",
            ),
        )
    if event.term is not None and (term := find(event.term.code, ctcae_version)) is not None:
        for entry in event.grades:
            if entry.grade not in term.grades:
                yield (
                    "grade_not_available",
                    "no",
                    Words(
                        f"{term.name} has no grade {entry.grade} in CTCAE {term.version} (only {_list(term.grades)}).",
                        f"{term.name} không có độ {entry.grade} trong CTCAE {term.version} (chỉ có {_list(term.grades)}).",
                    ),
                )
    elif event.term is not None and event.term.dictionary == "CTCAE":
        yield (
            "term_not_in_version",
            "no",
            Words(
                f"{event.term.term} does not exist in CTCAE {ctcae_version}, the trial's version.",
                f"{event.term.term} không có trong CTCAE {ctcae_version}, phiên bản của nghiên cứu.",
            ),
        )


def _list(grades: tuple[int, ...]) -> str:
    return ", ".join(map(str, grades))


def _admission(event: AdverseEvent) -> Iterator[_Finding]:
    ticked, stay, prolonged = event.seriousness.hospitalisation, event.admission, event.admission_prolonged
    if stay == "unplanned" and ticked != "yes":
        yield (
            "admission_hospitalisation",
            "no" if ticked == "no" else "unknown",
            Words(
                f"An unplanned admission, but hospitalisation is answered {ANSWERS[ticked].en}.",
                f"Nhập viện ngoài kế hoạch nhưng tiêu chí nhập viện là {ANSWERS[ticked].vi}.",
            ),
        )
    if prolonged == "yes" and ticked != "yes":
        yield (
            "prolonged_hospitalisation",
            "no" if ticked == "no" else "unknown",
            Words(
                f"The stay was prolonged, but hospitalisation is answered {ANSWERS[ticked].en}.",
                f"Kéo dài nằm viện nhưng tiêu chí nhập viện là {ANSWERS[ticked].vi}.",
            ),
        )
    if ticked == "yes" and stay == "none" and prolonged != "yes":
        yield (
            "hospitalisation_without_admission",
            "no",
            Words(
                "Hospitalisation is ticked, but no admission is reported.",
                "Có tiêu chí nhập viện nhưng báo cáo không nhập viện.",
            ),
        )
    if ticked == "yes" and stay == "planned" and prolonged == "no":
        yield (
            "hospitalisation_planned",
            "unknown",
            Words(
                "Hospitalisation is ticked for a planned stay that was not prolonged: was there another reason?",
                "Có tiêu chí nhập viện cho đợt nằm viện theo kế hoạch không kéo dài: còn lý do khác không?",
            ),
        )


def _course(event: AdverseEvent, now: datetime) -> Iterator[_Finding]:
    onset, end, outcome = counted(event.onset, now), counted(event.end, now), OUTCOMES[event.outcome]
    if event.outcome in (*_RECOVERED, "fatal") and event.ongoing is True:
        yield (
            "outcome_ongoing",
            "no",
            Words(
                f"Outcome: {outcome.en}, but still ongoing.",
                f"Kết cục: {outcome.vi} nhưng vẫn đang tiếp diễn.",
            ),
        )
    if event.outcome in ("not_recovered", "recovering") and (event.ongoing is False or end is not None):
        yield (
            "outcome_ended",
            "no" if event.outcome == "not_recovered" else "unknown",
            Words(
                f"Outcome: {outcome.en}, but it is said to have ended.",
                f"Kết cục: {outcome.vi} nhưng ghi là đã kết thúc.",
            ),
        )
    if event.outcome in (*_RECOVERED, "fatal") and end is None:
        yield (
            "end_missing",
            "unknown",
            Words(
                f"Outcome: {outcome.en}, but when it ended is missing.",
                f"Kết cục: {outcome.vi} nhưng thiếu thời điểm kết thúc.",
            ),
        )
    if event.ongoing is True and end is not None:
        yield (
            "ongoing_with_end",
            "no",
            Words("Ongoing, but with an end.", "Đang tiếp diễn nhưng có thời điểm kết thúc."),
        )
    if onset is not None and end is not None and span(end)[1] < span(onset)[0]:
        yield (
            "end_before_onset",
            "no",
            Words(
                f"It ends ({end.value}) before it begins ({onset.value}).",
                f"Kết thúc ({end.value}) trước khi khởi phát ({onset.value}).",
            ),
        )
    if event.outcome == "recovered_with_sequelae" and event.seriousness.disability != "yes":
        yield (
            "sequelae_disability",
            "unknown",
            Words(
                f"Recovered with sequelae, but disability is answered {ANSWERS[event.seriousness.disability].en}.",
                f"Hồi phục có di chứng nhưng tiêu chí tàn tật là {ANSWERS[event.seriousness.disability].vi}.",
            ),
        )
    for name, moment in (("onset", event.onset), ("end", event.end)):
        if moment is not None and counted(moment, now) is None:
            yield (
                f"{name}_in_future",
                "no",
                Words(
                    f"The {name} ({moment.value}) lies in the future: counted as missing.",
                    f"Thời điểm {'khởi phát' if name == 'onset' else 'kết thúc'} ({moment.value}) ở tương lai: coi như thiếu.",
                ),
            )


def _open(event: AdverseEvent) -> Iterator[_Finding]:
    answers = event.seriousness.answers()
    unanswered = [CRITERIA[name] for name in CRITERION_NAMES if answers[name] == "unknown"]
    if unanswered:
        yield (
            "seriousness_unanswered",
            "unknown",
            Words(
                f"Not answered, so counted as serious: {', '.join(u.en for u in unanswered)}.",
                f"Chưa trả lời nên tính là nghiêm trọng: {', '.join(u.vi for u in unanswered)}.",
            ),
        )
