"""Where one rule stands: the integer table decides, the posterior is shown beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.dsmb.domain.plan import Rule
from services.dsmb.domain.watch import Watched
from shared.trial.beta_binomial import posterior_above


@dataclass(frozen=True)
class State:
    """`posterior` is P(rate > p0 | data) with four decimals; `stop_at` the number of children that crosses."""

    rule_id: str
    evaluable: int
    with_event: int
    waiting: int
    stop_at: int
    posterior: str
    crossed: bool


def state(rule: Rule, watched: Iterable[Watched], at: datetime) -> State:
    """A child with the event is evaluable at once, one without it when its window has ended by `at`."""
    evaluable = with_event = waiting = 0
    for one in watched:
        if one.with_event:
            with_event += 1
            evaluable += 1
        elif one.evaluable_at is not None and one.evaluable_at <= at:
            evaluable += 1
        else:
            waiting += 1
    needed = stop_at(rule, evaluable)
    above = posterior_above(float(rule.p0), float(rule.prior_alpha), float(rule.prior_beta), with_event, evaluable)
    return State(
        rule_id=rule.rule_id,
        evaluable=evaluable,
        with_event=with_event,
        waiting=waiting,
        stop_at=needed,
        posterior=f"{above:.4f}",
        crossed=with_event >= needed,
    )


def stop_at(rule: Rule, evaluable: int) -> int:
    """Beyond the table its last step holds: more children than planned never make a rule silent."""
    return next((events for events, up_to in rule.boundary if evaluable <= up_to), rule.boundary[-1][0])
