"""A duty as it should stand now: who must be told about a case, by when, why, and whether it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from services.sae_notifier.rules.candidate import Candidate
from services.sae_notifier.rules.significant import Statable
from services.sae_notifier.rules.words import Why, Words
from shared.case import DutyCause, DutyFactor

_NAMESPACE = UUID("6f1f2c0a-5c0b-5d54-9a53-0f4f3a5e7c11")


def obligation_id(case_id: str, group: str, recipient_id: str, generation: int) -> str:
    """The same duty has the same id whenever and wherever it is computed, so a replay cannot double it."""
    return str(uuid5(_NAMESPACE, "\n".join((case_id, group, recipient_id, str(generation)))))


@dataclass(frozen=True)
class Duty:
    """One wanted duty. `due_strict_at <= due_at`; both are UTC; `due_on` is the date of `due_at` in `zone`.

    `aware_at` and `day_0` are those of `rule_id`; after an upgrade the due date may still be that of an earlier class.
    `settled`: the recipient has received it (sending is not enough), so nothing is owed but the update that
    `follow_up_owed` names: the case versions the recipient does not hold.
    `ended` says why nothing is owed any more. `due_at` of an ended duty is what it was.
    """

    obligation_id: str
    group: str
    generation: int
    rule_id: str
    title: Words
    format: str
    recipient_id: str
    zone: str
    aware_at: datetime
    day_0: date | None
    due_at: datetime
    due_on: date
    due_strict_at: datetime
    due_strict_on: date
    questions: tuple[Why, ...]
    causes: tuple[DutyCause, ...]
    ended: Why | None
    settled: bool
    follow_up_owed: tuple[int, ...]
    rule_sha256: str
    calendar_sha256: str
    """Empty for clocks that need no calendar."""
    factors: tuple[DutyFactor, ...] = ()
    """What the rule asked, with each answer."""
    runs: tuple[Candidate, ...] = ()
    """Every run of every rule that gave it a date, for what follows the report."""
    statable: Statable | None = None
    """What a person may sign to close it without another report."""

    @property
    def provisional(self) -> bool:
        return bool(self.questions)

    @property
    def provisional_why(self) -> tuple[str, ...]:
        return tuple(question.code for question in self.questions)
