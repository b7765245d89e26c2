"""Effective seriousness: what the safety system must assume, whatever was left unanswered."""

from __future__ import annotations

from dataclasses import dataclass

from shared.case.report import CRITERIA, AdverseEvent, CaseReport


@dataclass(frozen=True)
class EffectiveSeriousness:
    """`reasons` are codes: a ticked criterion, `fatal_outcome`, `grade_5`, `unplanned_admission`, `prolonged_admission` or `unanswered`."""

    serious: bool
    fatal_or_life_threatening: bool
    reasons: tuple[str, ...]


def of_event(event: AdverseEvent) -> EffectiveSeriousness:
    """A ticked criterion, a fatal outcome, grade 5, an unplanned or prolonged admission, or an unanswered question.

    A planned admission that was not prolonged is not serious by itself, unless the reporter ticked the criterion.
    While death or life threat is not answered "no", the event counts as fatal or life-threatening: the short clock runs.
    """
    answers = event.seriousness.answers()
    reasons: list[str] = [name for name in CRITERIA if answers[name] == "yes"]
    if event.outcome == "fatal":
        reasons.append("fatal_outcome")
    if event.worst_grade == 5:
        reasons.append("grade_5")
    if event.admission == "unplanned":
        reasons.append("unplanned_admission")
    if event.admission_prolonged == "yes":
        reasons.append("prolonged_admission")
    fatal = {"death", "life_threatening", "fatal_outcome", "grade_5"} & set(reasons)
    unanswered = [name for name in CRITERIA if answers[name] == "unknown"]
    if unanswered:
        reasons.append("unanswered")
    open_class = answers["death"] == "unknown" or answers["life_threatening"] == "unknown"
    return EffectiveSeriousness(
        serious=bool(reasons),
        fatal_or_life_threatening=bool(fatal) or open_class,
        reasons=tuple(reasons),
    )


def of_case(case: CaseReport) -> EffectiveSeriousness:
    """The case is as serious as its worst event; a case with no event at all is unanswered, so serious."""
    if not case.events:
        return EffectiveSeriousness(serious=True, fatal_or_life_threatening=True, reasons=("unanswered",))
    judged = [of_event(event) for event in case.events]
    reasons = tuple(dict.fromkeys(reason for one in judged for reason in one.reasons))
    return EffectiveSeriousness(
        serious=any(one.serious for one in judged),
        fatal_or_life_threatening=any(one.fatal_or_life_threatening for one in judged),
        reasons=reasons,
    )
