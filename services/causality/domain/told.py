"""What a named person answered about one event and one exposure, where the records cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast, get_args

from services.causality.methods.who_umc import Alternative, Withdrawal
from services.causality.words import ANSWERS, Words
from shared.case import Answer, CaseReport, Exposure, PersonAnswer

Question = Literal[
    "time_plausible",
    "alternative_explains",
    "alternative_excluded",
    "alternative_stronger",
    "withdrawal_improved",
    "rechallenge_recurred",
    "specific_phenomenon",
    "information_obtainable",
]
"""What WHO-UMC asks and records cannot always answer. The three about alternatives are the words of its own rows: could
another cause explain it, is every other cause ruled out, does another cause explain it better."""
QUESTIONS: tuple[Question, ...] = get_args(Question)
ALTERNATIVES: tuple[Question, ...] = ("alternative_excluded", "alternative_explains", "alternative_stronger")
Pair = tuple[str, str]
"""(event_id, exposure_id)"""


@dataclass(frozen=True)
class Told:
    """None is "not answered": the records answer as far as they can. A person's answer stands over them, and the words say so."""

    alternative: Alternative | None = None
    withdrawal: Withdrawal | None = None
    rechallenge: Answer | None = None
    specific: Answer | None = None
    obtainable: bool = True
    """False when what is missing can never be learned."""
    time: Answer | None = None
    given: Mapping[str, PersonAnswer] = field(default_factory=dict)
    """The answers behind these, by question: who and when, for the words."""
    case_recorded_at: datetime | None = None
    """When the version of the case that is judged was recorded: an answer may be older."""

    def words(self, exposure: Exposure, *questions: str) -> Words:
        """Who answered, that it was not the records, and whether these have changed since."""
        mine = [self.given[name] for name in questions if name in self.given]
        if not mine:
            return Words("Answered by a person.", "Do người đánh giá trả lời.")
        last = max(mine, key=lambda one: one.number)
        when = f"{last.answered_at:%Y-%m-%d %H:%M} UTC"
        said = Words(
            f"Answered by a person, {last.answered_by} ({when}), not by the records.",
            f"Do người đánh giá {last.answered_by} trả lời ({when}), không phải từ hồ sơ.",
        )
        if max(exposure.recorded_at, self.case_recorded_at or exposure.recorded_at) > last.answered_at:
            said += Words(
                "The case or the exposure has changed since: is it still so?",
                "Ca hoặc phơi nhiễm đã thay đổi từ đó: câu trả lời còn đúng không?",
            )
        return said


NOBODY = Told()


def standing(answers: Iterable[PersonAnswer]) -> dict[Pair, dict[str, PersonAnswer]]:
    """The last answer to every question, unless it was withdrawn."""
    found: dict[Pair, dict[str, PersonAnswer]] = {}
    for one in sorted(answers, key=lambda one: one.number):
        mine = found.setdefault((one.event_id, one.exposure_id), {})
        mine.pop(one.question, None)
        if one.answer != "withdrawn":
            mine[one.question] = one
    return {pair: mine for pair, mine in found.items() if mine}


def told_by(answers: Iterable[PersonAnswer], case: CaseReport) -> dict[Pair, Told]:
    """What the method takes from the answers that stand."""
    return {pair: _told(given, case.recorded_at) for pair, given in standing(answers).items()}


def _told(given: Mapping[str, PersonAnswer], case_recorded_at: datetime) -> Told:
    said: dict[str, Answer] = {name: cast(Answer, one.answer) for name, one in given.items()}
    return Told(
        alternative=_alternative(said),
        withdrawal=said.get("withdrawal_improved"),
        rechallenge=said.get("rechallenge_recurred"),
        specific=said.get("specific_phenomenon"),
        obtainable=said.get("information_obtainable") != "no",
        time=said.get("time_plausible"),
        given=dict(given),
        case_recorded_at=case_recorded_at,
    )


def _alternative(said: Mapping[str, Answer]) -> Alternative | None:
    """Against the exposure first: a better explanation, then a possible one; a "no" to either clears nothing by itself."""
    if said.get("alternative_stronger") == "yes":
        return "stronger"
    match said.get("alternative_explains"):
        case "yes":
            return "possible"
        case "unknown":
            return "unknown"
    if said.get("alternative_excluded") == "yes":
        return "excluded"
    return "unlikely" if said.get("alternative_explains") == "no" else None


def contradiction(said: Mapping[str, PersonAnswer]) -> Words | None:
    """Answers of one pair that cannot all be meant."""
    yes = {name for name, one in said.items() if one.answer == "yes"}
    no = {name for name, one in said.items() if one.answer == "no"}
    if "alternative_excluded" in yes and yes & {"alternative_explains", "alternative_stronger"}:
        return Words(
            "every other cause is ruled out, and another cause explains it",
            "mọi nguyên nhân khác đã được loại trừ, mà lại có nguyên nhân khác giải thích",
        )
    if "alternative_stronger" in yes and "alternative_explains" in no:
        return Words(
            f"another cause explains it better: {ANSWERS['yes'].en}; another cause could explain it: {ANSWERS['no'].en}",
            f"nguyên nhân khác giải thích tốt hơn: {ANSWERS['yes'].vi}; nguyên nhân khác giải thích được: {ANSWERS['no'].vi}",
        )
    return None
