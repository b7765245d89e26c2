"""The questions a rule asked about a case, one by one: answered how, by whom, or taken as yes because nobody has."""

from __future__ import annotations

from services.sae_notifier.rules.facts import OF_THE_EVENT, OF_THE_SUSPECT, Facts, Judged
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.step import Step
from services.sae_notifier.rules.vocabulary import QUESTIONS, describe
from shared.case import Answer, DutyFactor

_SAID: dict[bool | None, Answer] = {True: "yes", False: "no", None: "unknown"}
_OF_THE_ASSESSMENT = frozenset({"unexp"})


def factors_of(rule: Rule, step: Step) -> tuple[DutyFactor, ...]:
    """Of every event and suspect for which the rule holds or may hold; where it holds for none, of all of them."""
    pairs = list(zip(step.facts, step.judged, strict=False))
    held = [one for one in pairs if rule.trigger.truth(one[0]) is not False]
    found: dict[tuple[str, str, str], DutyFactor] = {}
    for facts, judged in held or pairs:
        for name in rule.trigger.names():
            if name in QUESTIONS:
                one = _factor(name, facts, judged)
                found.setdefault((one.event_id, one.suspect, one.code), one)
    return tuple(sorted(found.values(), key=lambda one: (one.event_id, one.suspect)))


def _factor(name: str, facts: Facts, judged: Judged) -> DutyFactor:
    value = facts.get(name)
    truth = value if isinstance(value, bool) else None
    source = judged.sources.get(name)
    words = describe(name, truth)
    about_event = name in OF_THE_EVENT | OF_THE_SUSPECT | _OF_THE_ASSESSMENT
    return DutyFactor(
        code=name,
        event_id=judged.event_id if about_event else "",
        suspect=judged.suspect.name if judged.suspect and name in OF_THE_SUSPECT else "",
        answer=_SAID[truth],
        taken_as_yes=truth is None,
        answered_by=source.by if source else "",
        aggregate=source.aggregate if source else "",
        version=source.version if source else None,
        why_en=words.en,
        why_vi=words.vi,
    )
