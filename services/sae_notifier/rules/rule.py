"""One rule of one authority, as its file states it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.sae_notifier.rules.predicate import Predicate
from services.sae_notifier.rules.words import Words

Unit = Literal["calendar_days", "working_days", "hours", "at_once"]
UNITS: tuple[Unit, ...] = ("calendar_days", "working_days", "hours", "at_once")
Awareness = Literal["earliest_of_site_and_desk", "site", "desk", "determined"]
"""Whose knowledge starts the clock; `determined` is when the sponsor determined that the case is reportable."""
AWARENESS: tuple[Awareness, ...] = ("earliest_of_site_and_desk", "site", "desk", "determined")
Reopen = Literal["upgrade", "never"]
Occasion = Literal["sent", "news"]
OCCASIONS: tuple[Occasion, ...] = ("sent", "news")
CountedFrom = Literal["report", "awareness"]
COUNTED_FROM: tuple[CountedFrom, ...] = ("report", "awareness")

_UNIT_WORDS = {
    "calendar_days": Words("calendar days", "ngày theo lịch"),
    "working_days": Words("working days", "ngày làm việc"),
    "hours": Words("elapsed hours", "giờ liên tục"),
}


@dataclass(frozen=True)
class Deadline:
    """`number` of `unit`; for `at_once` the law names no number and `number` is the house's own limit in hours."""

    number: int
    unit: Unit

    def words(self) -> Words:
        if self.unit == "at_once":
            return Words(
                f"at once (no number in the rule; our own limit is {self.number} hours)",
                f"ngay lập tức (quy định không nêu con số; giới hạn của chúng tôi là {self.number} giờ)",
            )
        unit = _UNIT_WORDS[self.unit]
        return Words(f"{self.number} {unit.en}", f"{self.number} {unit.vi}")


@dataclass(frozen=True)
class FollowUp:
    """What later news of a reported case asks for; `reopen` says whether an upgrade after filing is a new duty."""

    reopen: Reopen
    words: Words


@dataclass(frozen=True)
class After:
    """A duty that begins only when another report has been sent: `sent` completes it, `news` is about what came later.

    `rules` are ids of the same file: the report must have been owed under one of them. What completes it is counted from
    the day the report was sent, or from the awareness that the report was counted from. `no_later_than` bounds the strict
    date, in calendar days after day 0 of the report, where the text can be read so. `within` names the rules whose dates it
    never passes: what was owed whole before the event was known to be graver is not owed later because it is.
    """

    rules: tuple[str, ...]
    occasion: Occasion
    counted_from: CountedFrom
    no_later_than: int | None
    within: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """`group` is the duty: rules of one group to one recipient are one duty that moves, and `urgency` 1 is the shortest.

    Several entries may share an `rule_id` when the law changed; their effective ranges do not overlap and are matched
    with the day of awareness in `zone` (an IANA name, or `recipient` for the recipient's own).
    """

    rule_id: str
    authority: str
    group: str
    urgency: int
    title: Words
    basis: Words
    trigger: Predicate
    deadline: Deadline
    aware: Awareness
    aware_setting: str | None
    recipients: tuple[str, ...]
    format: str
    follow_up: FollowUp
    effective_from: date | None
    effective_to: date | None
    supersedes: str
    source: str
    confidence: str
    doubts: tuple[str, ...]
    zone: str
    calendar: str | None
    sha256: str
    line: int
    after: After | None = None

    def in_force(self, on: date) -> bool:
        """Whether this entry holds for awareness on that day."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_to is None or on <= self.effective_to
        )

    def explain(self) -> Words:
        """The rule in one sentence, for the desk and for the record of a decision."""
        deadline = self.deadline.words()
        return Words(
            f"{self.rule_id}: {self.title.en}. Deadline: {deadline.en}. Basis: {self.basis.en}.",
            f"{self.rule_id}: {self.title.vi}. Thời hạn: {deadline.vi}. Căn cứ: {self.basis.vi}.",
        )
