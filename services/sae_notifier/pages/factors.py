"""The formula of a rule as a person reads it: one line a question, its answer, who gave it and in which version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.sae_notifier.rules import QUESTIONS
from services.sae_notifier.rules.suspects import UNRECORDED
from shared.bus import heard
from shared.case import CaseReport, DutyFactor, Exposure, Obligation
from shared.case.exposure import ExposureKind
from shared.db import Tx
from shared.trial import Trial
from shared.trial.base import Bilingual

_DOCUMENTS = {
    "case": Bilingual(en="case version", vi="ca, phiên bản"),
    "assessment": Bilingual(en="assessment version", vi="bản đánh giá, phiên bản"),
    "proposal": Bilingual(en="proposed, unsigned; assessment version", vi="đề xuất, chưa ký; bản đánh giá, phiên bản"),
    "exposure": Bilingual(en="record of what was given, version", vi="bản ghi điều trị, phiên bản"),
}


@dataclass(frozen=True)
class FactorShown:
    """`about` names the event and the suspect; empty for questions about the trial."""

    code: str
    question: Bilingual
    about: Bilingual | None
    answer: str
    taken_as_yes: bool
    answered_by: str
    document: Bilingual | None


def factors(trial: Trial, tx: Tx, duty: Obligation, cases: Sequence[CaseReport]) -> tuple[FactorShown, ...]:
    exposures = {one.exposure_id: one for one in heard.exposures_of_child(tx, duty.subject_id)}
    events = [one.event_id for one in cases[-1].events] if cases else []
    return tuple(_shown(trial, one, exposures, events) for one in duty.factors)


def _shown(trial: Trial, one: DutyFactor, exposures: Mapping[str, Exposure], events: Sequence[str]) -> FactorShown:
    label = QUESTIONS.get(one.code)
    kind = one.aggregate.partition("/")[0]
    if kind == "assessment" and not one.answered_by:
        kind = "proposal"
    name = _DOCUMENTS.get(kind)
    return FactorShown(
        code=one.code,
        question=Bilingual(en=label.en, vi=label.vi) if label else Bilingual(en=one.code, vi=one.code),
        about=_about(trial, one, exposures, events),
        answer=one.answer,
        taken_as_yes=one.taken_as_yes,
        answered_by=one.answered_by,
        document=Bilingual(en=f"{name.en} {one.version}", vi=f"{name.vi} {one.version}") if name else None,
    )


def _about(trial: Trial, one: DutyFactor, exposures: Mapping[str, Exposure], events: Sequence[str]) -> Bilingual | None:
    parts: list[Bilingual] = []
    if one.event_id and len(events) > 1:
        number = events.index(one.event_id) + 1 if one.event_id in events else 0
        parts.append(Bilingual(en=f"event {number}", vi=f"biến cố {number}"))
    if one.suspect:
        parts.append(_suspect(trial, one.suspect, exposures.get(one.suspect)))
    if not parts:
        return None
    return Bilingual(en=", ".join(part.en for part in parts), vi=", ".join(part.vi for part in parts))


def _suspect(trial: Trial, name: str, exposure: Exposure | None) -> Bilingual:
    if exposure is not None:
        label = trial.catalogue(exposure.kind).label
        when = ""
        if exposure.start is not None:
            start = exposure.start
            when = (
                f" {start.earliest().astimezone(ZoneInfo(start.zone)):%d/%m/%Y}"
                if len(start.value) >= 10
                else f" {start.value}"
            )
        return Bilingual(en=f"{label.en}{when}", vi=f"{label.vi}{when}")
    if name.startswith(UNRECORDED):
        kind: ExposureKind = name.removeprefix(UNRECORDED)  # type: ignore[assignment]
        label = trial.catalogue(kind).label
        return Bilingual(en=f"{label.en} (not recorded)", vi=f"{label.vi} (chưa ghi nhận)")
    return Bilingual(en="an exposure not recorded", vi="một phơi nhiễm chưa ghi nhận")
