"""The form in which a person answers what the records cannot, and the answers given so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from starlette.datastructures import FormData

from services.causality.domain import Question, standing
from services.causality.handlers import Given, Said
from shared.bus.idempotency import KEY_PATTERN
from shared.case import Assessment, FreeText, PersonAnswer
from shared.errors import FieldProblem

ANSWERS: tuple[Given, ...] = get_args(Given)
MOST_TEXT = 5_000


@dataclass(frozen=True)
class AnswerShown:
    """`stands` is false for one that a later answer replaced or withdrew."""

    number: int
    key: str
    question: str
    answer: str
    reason: str
    redacted: bool
    answered_by: str
    answered_at: datetime
    stands: bool


@dataclass(frozen=True)
class AnswerTyped:
    """What was put into the form, kept through every refusal. `pair` is `event/exposure`."""

    version: int
    pair: str
    question: str
    answer: str
    reason: str
    key: str | None

    def said(self) -> tuple[Said | None, list[FieldProblem]]:
        """The answer, or what is missing; each problem is named by its field and a word of the catalogue."""
        problems = []
        event_id, slash, exposure_id = self.pair.partition("/")
        if not slash:
            problems.append(FieldProblem("/pair", "pair"))
        if self.question not in get_args(Question):
            problems.append(FieldProblem("/question", "question"))
        if self.answer not in ANSWERS:
            problems.append(FieldProblem("/answer", "answer"))
        if len(self.reason) < 3:
            problems.append(FieldProblem("/reason", "reason"))
        if problems:
            return None, problems
        answer, reason = cast(Given, self.answer), FreeText(text=self.reason)
        return Said(event_id, exposure_id, cast(Question, self.question), answer, reason), []


def typed_answer(form: FormData) -> AnswerTyped:
    version, key = _text(form, "version", 8), _text(form, "key", 200)
    return AnswerTyped(
        version=int(version) if version.isdecimal() else 0,
        pair=_text(form, "pair", 200),
        question=_text(form, "question", 40),
        answer=_text(form, "answer", 40),
        reason=_text(form, "reason", MOST_TEXT),
        key=key if re.fullmatch(KEY_PATTERN, key) else None,
    )


def _text(form: FormData, name: str, most: int) -> str:
    value = form.get(name)
    return value.replace("\x00", "").strip()[:most] if isinstance(value, str) else ""


def answers_shown(one: Assessment) -> tuple[AnswerShown, ...]:
    """The newest first."""
    held = {given.number for mine in standing(one.answers).values() for given in mine.values()}
    return tuple(_shown(given, given.number in held) for given in sorted(one.answers, key=lambda a: -a.number))


def _shown(one: PersonAnswer, stands: bool) -> AnswerShown:
    return AnswerShown(
        number=one.number,
        key=f"{one.event_id}/{one.exposure_id}",
        question=one.question,
        answer=one.answer,
        reason=one.reason.text,
        redacted=one.reason.redacted,
        answered_by=one.answered_by,
        answered_at=one.answered_at,
        stands=stands,
    )


def rests_on(answers: Sequence[AnswerShown]) -> frozenset[str]:
    """The pairs whose proposal rests on what a person answered."""
    return frozenset(one.key for one in answers if one.stands)
