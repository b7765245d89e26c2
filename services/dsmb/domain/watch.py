"""What one child contributes to a stopping rule: whether it had the event, and from when it counts without it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.dsmb.domain.child import Child
from services.dsmb.domain.follow_up import follow_up
from services.dsmb.domain.occurrence import Episode, certainly_after, certainly_before, episodes
from services.dsmb.domain.plan import Plan, Rule
from shared.case.periods import Edge, add_months


@dataclass(frozen=True)
class Watched:
    """`evaluable_at` is when the window ends without the event; None for a child that left before, or has not been dated."""

    with_event: bool
    evaluable_at: datetime | None


def watch(child: Child, rule: Rule, plan: Plan, at: datetime) -> Watched | None:
    """Serious and related to an infusion, from the first infusion until the window ends; None for a child not infused.

    An event counts at once. A child still inside its window, or lost before its end, counts neither way.
    """
    if child.subject is not None and child.subject.voided:
        return None
    time = follow_up(child, plan, at)
    if time.first is None:
        return None
    ends = _window(time.first, rule, plan)
    hit = any(_counts(one, time.first, ends, plan) for one in episodes(child, plan))
    closes = ends.latest
    if closes is not None and child.subject is not None and child.subject.left is not None:
        left = child.subject.left.latest().astimezone(ZoneInfo(plan.zone)).date()
        closes = closes if left >= closes.astimezone(ZoneInfo(plan.zone)).date() else None
    return Watched(hit, closes)


def _window(first: Edge, rule: Rule, plan: Plan) -> Edge:
    earliest = add_months(first.earliest, rule.window_months, plan.zone) if first.earliest else None
    latest = add_months(first.latest, rule.window_months, plan.zone) if first.latest else None
    return Edge(earliest, latest)


def _counts(episode: Episode, first: Edge, ends: Edge, plan: Plan) -> bool:
    """What may lie inside the window lies inside."""
    return (
        episode.serious
        and episode.opinions.related(plan)
        and any(
            not certainly_before(one, first, plan) and not certainly_after(one, ends, plan)
            for one in episode.emergences
        )
    )
