"""The rule behind a duty in words, as its file stood when the duty was decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.sae_notifier import store
from services.sae_notifier.handlers import Notifier
from services.sae_notifier.handlers.law import Law
from services.sae_notifier.rules import FileRefused, Rule, Why, Words, awareness, case_clock, ending, load_rules
from shared.case import Obligation
from shared.db import Tx
from shared.trial.base import Bilingual

_QUESTIONS: dict[str, Why] = {
    why.code: why for module in (awareness, case_clock) for why in vars(module).values() if isinstance(why, Why)
}
_ENDINGS: dict[str, Why] = {why.code: why for why in vars(ending).values() if isinstance(why, Why)}


@dataclass(frozen=True)
class Doubt:
    """`why` is empty when only the number is known: it is then a matter for the register of doubts."""

    number: str
    why: Bilingual | None
    chosen: str


@dataclass(frozen=True)
class RuleShown:
    """`kept` is false when the file it was decided with is not here any more and today's text stands in."""

    rule_id: str
    title: Bilingual
    deadline: Bilingual
    basis: Bilingual
    follow_up: Bilingual
    source: str
    confidence: str
    supersedes: str
    doubts: tuple[Doubt, ...]
    file_sha256: str
    calendar_sha256: str
    kept: bool
    at_once: bool


def question_words(codes: Iterable[str]) -> tuple[Bilingual, ...]:
    """The questions that make a clock provisional; an unknown code is shown as it is."""
    return tuple(_words(_QUESTIONS[code]) if code in _QUESTIONS else Bilingual(en=code, vi=code) for code in codes)


def ended_words(code: str | None) -> Bilingual | None:
    if code is None:
        return None
    return _words(_ENDINGS[code]) if code in _ENDINGS else Bilingual(en=code, vi=code)


def rule_of(notifier: Notifier, tx: Tx, duty: Obligation) -> RuleShown | None:
    """The entry in force on the day of awareness, from the file with the hash that the duty names."""
    law = notifier.laws.active(tx).law
    found = _entry([one for one in law.rulebook.rules if one.sha256 == duty.rule_sha256], duty)
    row = store.rule_file(tx, duty.rule_sha256) if found is None else None
    if row is not None:
        try:
            found = _entry(load_rules(row.body, row.name).rules, duty)
        except FileRefused:  # written for an older reader: today's text stands in, and says so
            found = None
    kept = found is not None
    found = found or _entry(law.rulebook.rules, duty)
    return _shown(law, found, duty, kept) if found else None


def _entry(rules: Iterable[Rule], duty: Obligation) -> Rule | None:
    mine = [rule for rule in rules if rule.rule_id == duty.rule_id]
    for rule in mine:
        zone = duty.recipient_zone if rule.zone == "recipient" else rule.zone
        if rule.in_force(_local(duty.aware_at, zone).date()):
            return rule
    return mine[-1] if mine else None


def _shown(law: Law, rule: Rule, duty: Obligation, kept: bool) -> RuleShown:
    return RuleShown(
        rule_id=rule.rule_id,
        title=_words(rule.title),
        deadline=_words(rule.deadline.words()),
        basis=_words(rule.basis),
        follow_up=_words(rule.follow_up.words),
        source=rule.source,
        confidence=rule.confidence,
        supersedes=rule.supersedes,
        doubts=tuple(_doubt(law, number) for number in rule.doubts),
        file_sha256=duty.rule_sha256,
        calendar_sha256=duty.calendar_sha256,
        kept=kept,
        at_once=rule.deadline.unit == "at_once",
    )


def _doubt(law: Law, number: str) -> Doubt:
    """Its words stand with the setting that answers it for this trial."""
    settings = dict(law.rulebook.settings)
    for calendar in law.calendars.values():
        settings |= calendar.settings
    mine = [one for one in settings.values() if one.doubt == number]
    chosen = ", ".join(f"{one.name} = {law.trial.settings.get(one.name, one.default)}" for one in mine)
    words = [_words(one.why) for one in mine]
    if not words:
        return Doubt(number, None, "")
    return Doubt(number, Bilingual(en=" ".join(w.en for w in words), vi=" ".join(w.vi for w in words)), chosen)


def _words(words: Words | Why) -> Bilingual:
    return Bilingual(en=words.en, vi=words.vi)


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))
