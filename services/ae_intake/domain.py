"""Pure: building the versions of a case, what is still missing, and which other case looks like the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from services.ae_intake.commands import AmendCase, EventInput, GivenInput, OpinionInput, SubmitCase
from shared.case import (
    CRITERIA,
    AdverseEvent,
    CaseReport,
    CodedTerm,
    Given,
    InvestigatorOpinion,
    Moment,
    Nullification,
    Subject,
)

CodeTerm = Callable[[str], CodedTerm | None]
"""Looks a term code up in the trial's CTCAE version."""
NEAR_ONSET = timedelta(days=3)


@dataclass(frozen=True)
class Question:
    """One thing that is still missing: a code, where it is missing (JSON pointer), and the question in two languages."""

    code: str
    pointer: str
    en: str
    vi: str

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "pointer": self.pointer, "question_en": self.en, "question_vi": self.vi}


@dataclass(frozen=True)
class Suspicion:
    """Another case of the same child that may be the same event: shown, never merged by itself."""

    case_id: str
    case_number: str
    why: tuple[str, ...]


def says_nothing(command: SubmitCase) -> bool:
    """True for a submission that names no child, no event and no words: nothing that could become even a draft."""
    given = command.given
    return (
        command.subject_id is None
        and not command.events
        and given.answer == "unknown"
        and not given.kinds
        and (given.text is None or given.text.stored() is None)
    )


def first_version(
    command: SubmitCase,
    *,
    case_id: str,
    case_number: str,
    trial_id: str,
    subject_id: str,
    site_id: str | None,
    reported_by: str,
    new_id: Callable[[], str],
    code_term: CodeTerm,
    now: datetime,
) -> CaseReport:
    return CaseReport(
        case_id=case_id,
        case_number=case_number,
        version=1,
        trial_id=trial_id,
        site_id=command.site_id or site_id,
        subject_id=subject_id,
        reporter_role=command.reporter_role,
        reported_by=reported_by,
        events=tuple(_new_event(event, new_id, code_term) for event in command.events),
        given=_given(command.given),
        site_aware=command.site_aware,
        desk_aware=command.desk_aware,
        determined_reportable=command.determined_reportable,
        source=command.source,
        recorded_at=now,
    )


def amended(
    before: CaseReport,
    command: AmendCase,
    *,
    reported_by: str,
    new_id: Callable[[], str],
    code_term: CodeTerm,
    now: datetime,
) -> CaseReport:
    """The next version, whole. Events that are not sent stay; an event is never removed, only answered differently."""
    sent = command.model_fields_set
    changes: dict[str, Any] = {
        name: getattr(command, name)
        for name in ("reporter_role", "site_id", "site_aware", "desk_aware", "determined_reportable")
        if name in sent and not (name == "reporter_role" and command.reporter_role is None)
    }
    if "given" in sent and command.given is not None:
        changes["given"] = _given(command.given)
    if "events" in sent and command.events is not None:
        changes["events"] = _merge(before.events, command.events, new_id, code_term)
    return before.model_copy(
        update=changes
        | {
            "version": before.version + 1,
            "reported_by": reported_by,
            "news_known": command.news_known,
            "change_reason": command.reason,
            "source": command.source,
            "recorded_at": now,
        }
    )


def nullified(
    before: CaseReport, *, reason: str, replaced_by: str | None, reported_by: str, now: datetime
) -> CaseReport:
    return before.model_copy(
        update={
            "version": before.version + 1,
            "nullified": Nullification(reason=reason, replaced_by=replaced_by),
            "change_reason": reason,
            "news_known": None,
            "reported_by": reported_by,
            "recorded_at": now,
        }
    )


def unknown_events(before: CaseReport, command: AmendCase) -> list[int]:
    """Positions of sent events whose `event_id` this case does not have."""
    known = {event.event_id for event in before.events}
    return [i for i, event in enumerate(command.events or ()) if event.event_id and event.event_id not in known]


def _new_event(event: EventInput, new_id: Callable[[], str], code_term: CodeTerm) -> AdverseEvent:
    event_id = new_id()
    return AdverseEvent(
        event_id=event_id, episode_id=event_id, **_values(event, code_term, set(EventInput.model_fields))
    )


def _merge(
    old: Iterable[AdverseEvent], sent: Iterable[EventInput], new_id: Callable[[], str], code_term: CodeTerm
) -> tuple[AdverseEvent, ...]:
    by_id = {event.event_id: event for event in old}
    for event in sent:
        if event.event_id is None:
            made = _new_event(event, new_id, code_term)
            by_id[made.event_id] = made
        else:
            known = by_id[event.event_id]
            values = _values(event, code_term, event.model_fields_set)
            if "seriousness" in values:  # criteria are answered one by one: those not sent stay
                answered = {name: getattr(event.seriousness, name) for name in event.seriousness.model_fields_set}
                values["seriousness"] = known.seriousness.model_copy(update=answered)
            by_id[event.event_id] = known.model_copy(update=values)
    return tuple(by_id.values())


def _values(event: EventInput, code_term: CodeTerm, names: set[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in names - {"event_id", "term_code", "verbatim", "description", "opinions"}:
        values[name] = getattr(event, name)
    if "term_code" in names:
        values["term"] = code_term(event.term_code) if event.term_code else None
    if "verbatim" in names:
        values["verbatim"] = event.verbatim.stored() if event.verbatim else None
    if "description" in names:
        values["description"] = event.description.stored() if event.description else None
    if "opinions" in names:
        values["opinions"] = tuple(_opinion(opinion) for opinion in event.opinions)
    return values


def _opinion(opinion: OpinionInput) -> InvestigatorOpinion:
    return InvestigatorOpinion(
        exposure_id=opinion.exposure_id,
        kind=opinion.kind,
        related=opinion.related,
        reason=opinion.reason.stored() if opinion.reason else None,
    )


def _given(given: GivenInput) -> Given:
    return Given(answer=given.answer, kinds=given.kinds, text=given.text.stored() if given.text else None)


_CRITERION_WORDS = {
    "death": ("Did the child die?", "Trẻ có tử vong không?"),
    "life_threatening": ("Was life threatened at the time?", "Có đe dọa tính mạng tại thời điểm đó không?"),
    "hospitalisation": (
        "Was the child admitted, or the stay prolonged?",
        "Có phải nhập viện hoặc kéo dài nằm viện không?",
    ),
    "disability": ("Is there lasting or significant disability?", "Có gây tàn tật vĩnh viễn hoặc nặng nề không?"),
    "congenital_anomaly": ("Is there a congenital anomaly?", "Có dị tật bẩm sinh không?"),
    "medically_important": ("Is it medically important otherwise?", "Có ý nghĩa y khoa quan trọng khác không?"),
}


def missing(case: CaseReport, subject: Subject | None, now: datetime) -> tuple[Question, ...]:
    """Everything still open in this version. A time in the future is kept as typed, counted as missing and asked back."""
    open_: list[Question] = []
    ask = lambda code, pointer, en, vi: open_.append(Question(code, pointer, en, vi))  # noqa: E731
    if subject is None or subject.provisional:
        ask(
            "subject_unknown",
            "/subject_id",
            "Which child is it? The code is not known here yet.",
            "Đó là trẻ nào? Mã này chưa có trong hệ thống.",
        )
    _ask_time(
        open_,
        case.site_aware,
        "site_aware",
        "/site_aware",
        "When did the site learn of it?",
        "Cơ sở biết sự việc lúc nào?",
        now,
    )
    if case.version > 1 and case.nullified is None:
        _ask_time(
            open_,
            case.news_known,
            "news_known",
            "/news_known",
            "When did the news of this change become known?",
            "Tin mới này được biết lúc nào?",
            now,
        )
    if case.given.answer == "unknown":
        ask(
            "given",
            "/given",
            "What had the child been given or gone through before it?",
            "Trước đó trẻ đã được dùng hoặc trải qua những gì?",
        )
    if not case.events:
        ask("event", "/events", "What happened?", "Đã xảy ra chuyện gì?")
    for i, event in enumerate(case.events):
        at = f"/events/{i}"
        if event.verbatim is None:
            ask(
                "verbatim",
                f"{at}/verbatim",
                "What happened, in your own words?",
                "Đã xảy ra chuyện gì, theo lời của bạn?",
            )
        if event.term is None:
            ask("term", f"{at}/term_code", "Which CTCAE term fits?", "Thuật ngữ CTCAE nào phù hợp?")
        _ask_time(open_, event.onset, "onset", f"{at}/onset", "When did it begin?", "Bắt đầu lúc nào?", now)
        if event.worst_grade is None:
            ask("grade", f"{at}/grades", "Which grade (1-5)?", "Mức độ nặng nào (1-5)?")
        for name in CRITERIA:
            if getattr(event.seriousness, name) == "unknown":
                ask(f"seriousness_{name}", f"{at}/seriousness/{name}", *_CRITERION_WORDS[name])
        if event.outcome == "unknown":
            ask(
                "outcome",
                f"{at}/outcome",
                "How did it end, or how is the child now?",
                "Kết quả hoặc tình trạng hiện tại của trẻ?",
            )
        if not event.opinions:
            ask(
                "opinion",
                f"{at}/opinions",
                "In the investigator's opinion, is it related to what was given?",
                "Theo nghiên cứu viên, có liên quan đến những gì đã dùng không?",
            )
    return tuple(open_)


def _ask_time(
    open_: list[Question], moment: Moment | None, code: str, pointer: str, en: str, vi: str, now: datetime
) -> None:
    if moment is None:
        open_.append(Question(code, pointer, en, vi))
    elif moment.is_future(now):
        open_.append(
            Question(
                f"{code}_future",
                pointer,
                f"{en} The time given lies in the future.",
                f"{vi} Thời gian đã ghi nằm ở tương lai.",
            )
        )


def suspicions(case: CaseReport, others: Iterable[CaseReport]) -> tuple[Suspicion, ...]:
    """Same child, near onset (3 days between the intervals), and the same coded term or much the same words."""
    found = []
    for other in others:
        if other.case_id == case.case_id or other.nullified is not None:
            continue
        why = next((why for mine in case.events for theirs in other.events if (why := _alike(mine, theirs))), None)
        if why:
            found.append(Suspicion(other.case_id, other.case_number, ("same_child", *why)))
    return tuple(found)


@lru_cache(maxsize=8_192)
def _interval(value: str, zone: str) -> tuple[datetime, datetime]:
    """Both readings of a moment: every report about a child compares its onset with those told before."""
    moment = Moment(value=value, zone=zone)
    return moment.earliest(), moment.latest()


def _readings(moment: Moment) -> tuple[datetime, datetime]:
    return _interval(moment.value, moment.zone)


def _alike(mine: AdverseEvent, theirs: AdverseEvent) -> tuple[str, ...]:
    if mine.onset and theirs.onset:
        (mine_first, mine_last), (their_first, their_last) = _readings(mine.onset), _readings(theirs.onset)
        gap = max(mine_first - their_last, their_first - mine_last)
        if gap > NEAR_ONSET:
            return ()
        near = "near_onset"
    else:
        near = "onset_unknown"
    if mine.term and theirs.term and mine.term.code == theirs.term.code:
        return near, "same_term"
    if mine.verbatim and theirs.verbatim and mine.verbatim.text and theirs.verbatim.text:  # not taken back
        words = SequenceMatcher(None, mine.verbatim.text.casefold()[:500], theirs.verbatim.text.casefold()[:500])
        # The quick ones are upper bounds of the last one.
        if words.real_quick_ratio() > 0.8 and words.quick_ratio() > 0.8 and words.ratio() > 0.8:
            return near, "same_words"
    return ()
