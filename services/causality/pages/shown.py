"""What the templates read: an assessment with its reasons, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from services.causality.domain import Stale
from services.causality.domain.reported import UNRECORDED
from services.causality.pages.answering import AnswerShown, answers_shown, rests_on
from services.causality.words import KINDS, Words
from shared.case import AdverseEvent, Assessment, CaseReport, Exposure, FreeText, Moment, Relatedness
from shared.case.assessment import Criterion, GradeCheck
from shared.case.text import withheld
from shared.case.units import in_text
from shared.case.withholding import texts
from shared.terms import label, terms
from shared.trial import Trial
from shared.trial.base import Bilingual


@dataclass(frozen=True)
class CriterionShown:
    code: str
    answer: str
    why: Bilingual


@dataclass(frozen=True)
class PairShown:
    """One event against one exposure. `hours` is an interval in words, empty when a time is missing."""

    event_id: str
    exposure_id: str
    exposure: Bilingual
    start: Moment | None
    recorded: bool
    exposed: str
    hours_min: str
    hours_max: str
    method: str
    criteria: tuple[CriterionShown, ...]
    proposed: str
    accepted: str
    possibility: str
    override_reason: str

    @property
    def key(self) -> str:
        return f"{self.event_id}/{self.exposure_id}"


@dataclass(frozen=True)
class GradeShown:
    term: Bilingual
    reported: int | None
    computed: int | None
    why: Bilingual
    dictionary: str


@dataclass(frozen=True)
class EventShown:
    event_id: str
    name: Bilingual
    onset: Moment | None
    grade: int | None
    expected: str
    expected_why: Bilingual | None
    rsi_version: str
    related: str
    findings: tuple[CriterionShown, ...]
    pairs: tuple[PairShown, ...]
    grades: tuple[GradeShown, ...]


@dataclass(frozen=True)
class SignatureShown:
    signed_by: str
    signed_at: datetime
    meaning: str
    sha256: str


@dataclass(frozen=True)
class VersionShown:
    version: int
    case_version: int
    recorded_at: datetime
    signed_by: str


@dataclass(frozen=True)
class AssessmentShown:
    """`status`: proposed, signed, stale, or superseded when a newer version exists."""

    case_id: str
    case_number: str
    case_version: int
    version: int
    status: str
    stale: tuple[Bilingual, ...]
    illustrative: bool
    events: tuple[EventShown, ...]
    other_grades: tuple[GradeShown, ...]
    judged: tuple[tuple[str, int], ...]
    signature: SignatureShown | None
    recorded_at: datetime
    versions: tuple[VersionShown, ...]
    answers: tuple[AnswerShown, ...] = ()
    typed: tuple[TypedShown, ...] = ()

    @property
    def rests_on_answers(self) -> frozenset[str]:
        return rests_on(self.answers)

    @property
    def pairs(self) -> tuple[PairShown, ...]:
        return tuple(pair for event in self.events for pair in event.pairs)


@dataclass(frozen=True)
class TypedShown:
    """Words that a person typed into the assessment, and where they are taken back."""

    words: str
    take_back: str


@dataclass(frozen=True)
class WaitingShown:
    """`signed_before` names who signed an earlier version that news has made stale."""

    case_id: str
    case_number: str
    case_version: int
    version: int
    recorded_at: datetime
    events: tuple[Bilingual, ...]
    signed_before: str


def assessment(
    one: Assessment,
    cases: Sequence[CaseReport],
    exposures: Sequence[Exposure],
    stale: Sequence[Stale],
    every: Sequence[Assessment],
    newest: bool,
    trial: Trial,
) -> AssessmentShown:
    """`cases` are all versions of the case: the event is named as it stood in the version that was judged."""
    case = next((c for c in cases if c.version == one.case_version), None)
    events = {event.event_id: event for event in case.events} if case else {}
    by_id = {exposure.exposure_id: exposure for exposure in exposures}
    status = "stale" if stale else ("signed" if one.signature else "proposed")
    signature = one.signature
    return AssessmentShown(
        case_id=one.case_id,
        case_number=one.case_number,
        case_version=one.case_version,
        version=one.version,
        status=status if newest else "superseded",
        stale=tuple(_words(reason.why) for reason in stale),
        illustrative=one.illustrative,
        events=tuple(
            EventShown(
                event_id=event.event_id,
                name=event_name(events.get(event.event_id), index),
                onset=events[event.event_id].onset if event.event_id in events else None,
                grade=events[event.event_id].worst_grade if event.event_id in events else None,
                expected=event.expected,
                expected_why=Bilingual(en=event.expected_why_en, vi=event.expected_why_vi)
                if event.expected_why_en and event.expected_why_vi
                else None,
                rsi_version=event.rsi_version or "",
                related=event.related,
                findings=tuple(_criterion(finding) for finding in event.seriousness_findings),
                pairs=tuple(
                    _pair(pair, by_id.get(pair.exposure_id), trial) for pair in _product_first(event.relatedness)
                ),
                grades=tuple(_grade(check) for check in one.grade_checks if check.event_id == event.event_id),
            )
            for index, event in enumerate(one.events, start=1)
        ),
        other_grades=tuple(_grade(check) for check in one.grade_checks if check.event_id not in events),
        judged=tuple((each.aggregate, each.version) for each in one.judged),
        signature=SignatureShown(signature.signed_by, signature.signed_at, signature.meaning, signature.sha256)
        if signature
        else None,
        recorded_at=one.recorded_at,
        versions=tuple(
            VersionShown(v.version, v.case_version, v.recorded_at, v.signature.signed_by if v.signature else "")
            for v in reversed(every)
        ),
        answers=answers_shown(one),
        typed=_typed(one),
    )


def _words_of(text: FreeText | None) -> str:
    if text is None:
        return ""
    return withheld(text.sha256 or "") if text.redacted else text.text


def _typed(one: Assessment) -> tuple[TypedShown, ...]:
    def take_back(pointer: str, digest: str) -> str:
        named = f"assessment/{one.case_id}#{one.version}#{pointer}#{digest}"
        return f"/cases/{one.case_id}/redact?also={quote(named, safe='')}"

    found = texts(Assessment, one.model_dump(mode="json"))
    return tuple(TypedShown(t.words, take_back(t.pointer, t.sha256)) for t in found if t.words is not None)


def waiting(one: Assessment, before: Sequence[Assessment], cases: Sequence[CaseReport]) -> WaitingShown:
    case = next((c for c in cases if c.version == one.case_version), None)
    signed = next((v.signature.signed_by for v in reversed(before) if v.signature), "")
    return WaitingShown(
        case_id=one.case_id,
        case_number=one.case_number,
        case_version=one.case_version,
        version=one.version,
        recorded_at=one.recorded_at,
        events=tuple(event_name(event, i) for i, event in enumerate(case.events, start=1)) if case else (),
        signed_before=signed,
    )


def event_name(event: AdverseEvent | None, index: int) -> Bilingual:
    """The coded term in the reader's language; uncoded, the reporter's own words."""
    if event is not None and event.term is not None:
        term = event.term
        if term.dictionary == "CTCAE":
            vi = label(term.code, term.version, "vi")
            return Bilingual(en=term.term, vi=vi if vi not in (term.code, term.term) else term.term)
        return Bilingual(en=term.term, vi=term.term)
    if event is not None and event.verbatim is not None and event.verbatim.text.strip():
        return Bilingual(en=event.verbatim.text, vi=event.verbatim.text)
    return Bilingual(en=f"Event {index}", vi=f"Biến cố {index}")


def _product_first(pairs: Sequence[Relatedness]) -> list[Relatedness]:
    """The cells and what gives them before everything else: that is what the monitor is asked first."""
    order = {kind: place for place, kind in enumerate(_FIRST)}
    return sorted(pairs, key=lambda one: order.get(one.exposure_kind, len(order)))


_FIRST = ("bm_mnc_infusion", "lumbar_puncture", "sedation", "anaesthetic_agent", "bone_marrow_harvest")


def _pair(one: Relatedness, exposure: Exposure | None, trial: Trial) -> PairShown:
    return PairShown(
        event_id=one.event_id,
        exposure_id=one.exposure_id,
        exposure=_words(_name(one.exposure_kind, exposure, trial)),
        start=exposure.start if exposure else None,
        recorded=not one.exposure_id.startswith(UNRECORDED),
        exposed=one.exposed,
        hours_min=one.hours_min or "",
        hours_max=one.hours_max or "",
        method=one.method,
        criteria=tuple(_criterion(each) for each in one.criteria),
        proposed=one.proposed or "",
        accepted=one.accepted or "",
        possibility=one.reasonable_possibility,
        override_reason=_words_of(one.override_reason),
    )


def _name(kind: str, exposure: Exposure | None, trial: Trial) -> Words:
    """The kind, with the infusion's number and the agent where it says more; when it began stands beside it."""
    words = next((found for name, found in KINDS.items() if name == kind), Words(kind, kind))
    if exposure is not None and exposure.infusion_number is not None:
        words += Words(f"no. {exposure.infusion_number}", f"lần {exposure.infusion_number}")
    if exposure is not None and exposure.name:
        entry = next((one for one in trial.exposures if one.kind == kind), None)
        agent = entry.agent(exposure.name) if entry else None
        told = agent.label if agent else Bilingual(en=exposure.name, vi=exposure.name)
        the_only_one = agent is not None and entry is not None and len(entry.agents) == 1
        if not the_only_one and told.en.casefold() != words.en.casefold():
            words += Words(f"({told.en})", f"({told.vi})")
    return words


def _criterion(one: Criterion) -> CriterionShown:
    return CriterionShown(one.code, one.answer, _why(one.why_en, one.why_vi))


def _why(en: str, vi: str) -> Bilingual:
    return Bilingual(en=in_text(en) or "–", vi=in_text(vi) or "–")


def _grade(one: GradeCheck) -> GradeShown:
    return GradeShown(
        term=_term(one.term, one.dictionary_version),
        reported=one.reported_grade,
        computed=one.computed_grade,
        why=_why(one.why_en, one.why_vi),
        dictionary=one.dictionary_version,
    )


def _term(name: str, version: str) -> Bilingual:
    found = next((one for one in terms(version) if one.name == name), None)
    return Bilingual(en=name, vi=label(found.code, version, "vi") if found else name)


def _words(words: Words) -> Bilingual:
    return Bilingual(en=words.en, vi=words.vi)
