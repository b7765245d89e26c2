"""Where the events of one child fall: an episode counts once in each period in which it began or became worse.

An onset that is not exactly known counts before an infusion only when all of it lies before: the doubt is the product's. A
fever that began under control and rose to a higher grade after an infusion is an event of both periods, each with its grade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.dsmb.domain.child import Child
from services.dsmb.domain.follow_up import Days, FollowUp, Span, local_day
from services.dsmb.domain.plan import Plan
from services.dsmb.domain.relatedness import Opinions, opinions, together
from shared.case import AdverseEvent, CaseReport, Moment
from shared.case.periods import Edge
from shared.case.seriousness import of_event

UNCODED = ""


@dataclass(frozen=True)
class Emergence:
    """A beginning or a worsening: between these two instants (`earliest` None when nothing is known)."""

    earliest: datetime | None
    latest: datetime
    first_day: int | None
    last_day: int
    grade: int | None


@dataclass(frozen=True)
class Episode:
    """One episode: its emergences in order, and what was said about it."""

    key: str
    term_code: str
    term: str
    serious: bool
    serious_reasons: tuple[str, ...]
    opinions: Opinions
    emergences: tuple[Emergence, ...]


@dataclass(frozen=True)
class Occurrence:
    """One episode in one period. `day` is when the time at risk ends, or None where there is no person-time to end."""

    episode: Episode
    span: Span
    day: int | None
    grade: int | None
    related: bool
    imputed: bool
    """The onset did not say which side of an infusion it lies on, or which day it was."""


def episodes(child: Child, plan: Plan) -> tuple[Episode, ...]:
    """Every episode of the child's cases that are not void; events that share an episode are one."""
    found: dict[str, list[tuple[CaseReport, AdverseEvent]]] = {}
    for case in child.cases:
        if case.nullified is None:
            for event in case.events:
                found.setdefault(event.episode_id, []).append((case, event))
    return tuple(_episode(child, key, told, plan) for key, told in sorted(found.items()))


def _episode(child: Child, key: str, told: list[tuple[CaseReport, AdverseEvent]], plan: Plan) -> Episode:
    coded = next((event.term for _, event in told if event.term is not None), None)
    judged = [of_event(event) for _, event in told]
    each = [opinions(child, case, event, plan) for case, event in told]
    return Episode(
        key=key,
        term_code=coded.code if coded else UNCODED,
        term=coded.term if coded else "",
        serious=any(one.serious for one in judged),
        serious_reasons=tuple(dict.fromkeys(reason for one in judged for reason in one.reasons)),
        opinions=Opinions(together([one.investigator for one in each]), together([one.sponsor for one in each])),
        emergences=tuple(_emergences([one for case, event in told for one in _graded(case, event)])),
    )


def _graded(case: CaseReport, event: AdverseEvent) -> Iterator[Emergence]:
    for grade, moment in [(one.grade, one.since or event.onset) for one in event.grades] or [(None, event.onset)]:
        yield _emergence(moment, grade, case)


def _emergence(moment: Moment | None, grade: int | None, case: CaseReport) -> Emergence:
    """A missing time, or one typed in the future, lies before the report was recorded: that much is known."""
    if moment is None or moment.is_future(case.recorded_at):
        zone = (case.site_aware or Moment(value="2000", zone="UTC")).zone
        return Emergence(None, case.recorded_at, None, _date(case.recorded_at, zone), grade)
    latest = max(moment.earliest(), min(moment.latest(), case.recorded_at))
    return Emergence(moment.earliest(), latest, local_day(moment), local_day(moment, last=True), grade)


def _date(at: datetime, zone: str) -> int:
    return at.astimezone(ZoneInfo(zone)).date().toordinal()


def _emergences(told: list[Emergence]) -> Iterator[Emergence]:
    """The onset, then every rise above the worst grade before it."""
    worst = -1
    for one in sorted(told, key=lambda each: (each.first_day or 0, each.latest, each.grade or 0)):
        rank = one.grade or 0
        if rank > worst:
            yield one
            worst = rank


def occurrences(episode: Episode, time: FollowUp, plan: Plan) -> Iterator[Occurrence]:
    """Every period that this episode counts in."""
    by_span: dict[Span, list[tuple[Emergence, bool]]] = {}
    for one in episode.emergences:
        spans, sure = _spans(one, time, plan)
        for span in spans:
            by_span.setdefault(span, []).append((one, sure))
    for span, placed in by_span.items():
        grades = [one.grade for one, _ in placed if one.grade is not None]
        first = placed[0][0]
        yield Occurrence(
            episode=episode,
            span=span,
            day=_risk_ends(first, time.days.get(span), time),
            grade=max(grades, default=None),
            related=any(_exposed(one, time, plan) for one, _ in placed) and episode.opinions.related(plan),
            imputed=not placed[0][1] or first.first_day != first.last_day,
        )


def _spans(one: Emergence, time: FollowUp, plan: Plan) -> tuple[list[Span], bool]:
    """The periods of an emergence, and whether there was no doubt about any."""
    whole = time.days.get("whole")
    found: list[Span] = []
    if whole is None or one.last_day >= whole.first:
        found.append("whole")
    else:
        return [], True  # it was there before the child was enrolled
    # After leaving an event counts in either arm, or in none: else the comparison would favour the one that ends by a date.
    compared = time.compared_to is not None and (
        time.controlled or one.first_day is None or one.first_day <= time.compared_to
    )
    sure = True
    if time.first is None or certainly_before(one, time.first, plan):
        found.append(time.waits_as)
        # A child of a control arm: everything until the infusion, the hours before it on its day included.
        if compared:
            found.append("randomised")
        return found, sure
    sure = certainly_after(one, time.first, plan)
    found.append("exposed")
    if compared and not time.controlled:
        found.append("randomised")
    if time.second is not None and not certainly_before(one, time.second, plan):
        found.append("after_second")
        sure = sure and certainly_after(one, time.second, plan)
    else:
        found.append("after_first")
    late = time.nine is not None and certainly_after(one, time.nine, plan)
    found.append("follow_up" if late else "first_9_months")
    return found, sure


def certainly_before(one: Emergence, edge: Edge, plan: Plan) -> bool:
    """By the hour where both hours are known, or by the day, as the charter chose for tables and stopping rules alike."""
    if edge.earliest is None:
        return False
    if plan.onset_clock == "day":
        return one.last_day < _date(edge.earliest, plan.zone)
    return one.latest < edge.earliest


def certainly_after(one: Emergence, edge: Edge, plan: Plan) -> bool:
    """Not before, whatever is unknown of either; see `certainly_before` for the clock."""
    if one.earliest is None or one.first_day is None or edge.latest is None:
        return False
    if plan.onset_clock == "day":
        return one.first_day >= _date(edge.latest, plan.zone)
    return one.earliest >= edge.latest


def _exposed(one: Emergence, time: FollowUp, plan: Plan) -> bool:
    return time.first is not None and not certainly_before(one, time.first, plan)


def _risk_ends(one: Emergence, days: Days | None, time: FollowUp) -> int | None:
    """The day within the period; none when the event came after the child's follow-up had ended."""
    if days is None:
        return None
    day = one.first_day if one.first_day is not None else days.first
    if day > time.end:
        return None
    return min(max(day, days.first), days.last)
