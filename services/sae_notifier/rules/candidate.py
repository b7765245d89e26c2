"""When one rule asked for a report, over the whole history: each unbroken run of steps gives one date.

A run is a row of steps in which the trigger is yes or not answered. In the strict reading every run counts for ever.
In the legal reading a run counts when the trigger was ever answered yes in it (suspected, unexpected and exposed taken as
yes where nobody has answered), when it lasts until today, or when the answer that broke it is not documented: so an
assumption lapses once a clinician or a signature answers it, and a stated fact never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.awareness import FirstAwareness
from services.sae_notifier.rules.calendar import Calendar
from services.sae_notifier.rules.deadline import Due, legal_due, strict_due
from services.sae_notifier.rules.predicate import Truth
from services.sae_notifier.rules.rule import Awareness, Rule
from services.sae_notifier.rules.step import Step
from services.sae_notifier.rules.words import Why


@dataclass(frozen=True)
class Place:
    """Where and by whose days one rule is counted for one recipient."""

    awareness: Awareness
    desk_zone: str
    site_zone: str
    zone: str
    calendar: Calendar | None


@dataclass(frozen=True)
class Candidate:
    """One run of one rule; `counts` is false once the legal reading has let go of it. A date is null while the rule is not in force."""

    rule: Rule
    begins: int
    counts: bool
    legal: Due | None
    strict: Due | None
    questions: tuple[Why, ...]


def truths_of(rule: Rule, steps: Sequence[Step]) -> tuple[Truth, ...]:
    return tuple(step.truth(rule.trigger) for step in steps)


def candidates_of(
    rule: Rule, steps: Sequence[Step], begin: int, end: int, first: FirstAwareness, place: Place
) -> tuple[Candidate, ...]:
    """The runs of `rule` within steps `begin` to `end` (inclusive); step 0 is known since the case's first awareness."""
    truths = truths_of(rule, steps)
    found: list[Candidate] = []
    index = begin
    while index <= end:
        if truths[index] is False:
            index += 1
            continue
        stop = index
        while stop < end and truths[stop + 1] is not False:
            stop += 1
        # A death stays stated while relatedness is unanswered: only what the report itself left open was assumed.
        affirmed = any(step.reported(rule.trigger) is True for step in steps[index : stop + 1])
        counts = affirmed or stop == end or not steps[stop + 1].documented
        found.append(_candidate(rule, steps[index : stop + 1], index, counts, first, place))
        index = stop + 1
    return tuple(one for one in found if one.strict or one.legal)


def _candidate(
    rule: Rule, run: Sequence[Step], begins: int, counts: bool, first: FirstAwareness, place: Place
) -> Candidate:
    known = first.legal(place.awareness) if begins == 0 else run[0].known
    # News of a later version that was known earlier says that the run may have begun then.
    strict_at = min(first.strict(), known.at) if begins == 0 else min(min(s.known.at, s.recorded_at) for s in run)
    zones = {place.desk_zone, place.site_zone, place.zone}
    legal = legal_due(known.at, rule.deadline, place.desk_zone, place.zone, place.calendar)
    strict = strict_due(strict_at, rule.deadline, zones, place.zone, place.calendar)
    in_force = rule.in_force(_day_in(known.at, place.zone))
    strictly_in_force = rule.in_force(_day_in(strict_at, place.zone))
    return Candidate(
        rule=rule,
        begins=begins,
        counts=counts and in_force,
        legal=legal if in_force else None,
        strict=strict if strictly_in_force else None,
        questions=known.for_unit(rule.deadline.unit),
    )


def _day_in(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
