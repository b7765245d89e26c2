"""The WHO-UMC categories as a total function over answered questions; every answer is shown beside the result.

Source: Uppsala Monitoring Centre, the use of the WHO-UMC system for standardised case causality assessment. What its text leaves
open is decided here: a single administration has no withdrawal, which is not a negative one; there is no "unrelated", so an event
before the exposure is `unlikely` and flagged as not exposed; missing times give `conditional` while they can still be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.case import Answer
from shared.case.assessment import WhoUmc

Withdrawal = Literal["yes", "no", "unknown", "not_applicable"]
"""Improved after stopping; `not_applicable` for what is given once."""
Alternative = Literal["excluded", "unlikely", "possible", "shared_clock", "stronger", "unknown"]
"""Whether something else explains the event: ruled out, unlikely to, could as well, could as well and was given in the same hours
(so giving it again says nothing apart), explains it better, not judged."""


@dataclass(frozen=True)
class Answers:
    """One event against one exposure, every question of the method."""

    exposed: Answer
    """The exposure preceded onset."""
    time: Answer
    """The delay is plausible; `no` is improbable, `unknown` is not known to anyone or too imprecise (see `sufficient`)."""
    alternative: Alternative
    withdrawal: Withdrawal
    rechallenge: Answer
    """Came back when given again; `no` only when it was given again and did not come back."""
    specific: Answer
    """An objective, specific phenomenon or test points to this exposure."""
    sufficient: bool
    """Nothing needed is missing."""
    consistent: bool
    """Nothing in the report contradicts itself."""
    obtainable: bool
    """What is missing can still be asked for."""


def decide(a: Answers) -> WhoUmc:
    """The category proposed for these answers."""
    if a.exposed == "no":
        return "unlikely"
    if not a.consistent:
        return "unassessable"
    if a.exposed == "unknown" or not a.sufficient:
        return "conditional" if a.obtainable else "unassessable"
    match a.time:
        case "yes":
            return _plausible(a)
        case "no":
            return _improbable(a)
        case _:
            return _untimed(a)


def _plausible(a: Answers) -> WhoUmc:
    if a.alternative == "stronger" or a.rechallenge == "no" or a.withdrawal == "no":
        return "possible"
    relieved = a.withdrawal in ("yes", "not_applicable")
    if a.alternative in ("excluded", "unlikely"):
        if relieved and a.rechallenge == "yes":
            return "certain"
        if relieved and a.specific == "yes" and a.alternative == "excluded":
            return "certain"
        return "probable" if relieved or "yes" in (a.specific, a.rechallenge) else "possible"
    if a.specific == "yes":
        return "probable"
    if a.rechallenge == "yes" and a.alternative != "shared_clock":
        return "probable"
    return "possible"


def _improbable(a: Answers) -> WhoUmc:
    """An improbable delay, unless the phenomenon points here or nothing else is left."""
    if a.alternative == "stronger":
        return "unlikely"
    if "yes" in (a.specific, a.rechallenge) or a.alternative in ("excluded", "unlikely"):
        return "possible"
    return "unlikely"


def _untimed(a: Answers) -> WhoUmc:
    """No onset window is known for this pair: a person must judge the delay."""
    if a.alternative == "stronger":
        return "unlikely"
    if "yes" in (a.specific, a.rechallenge):
        return "possible"
    return "conditional"


def reasonable_possibility(category: WhoUmc) -> Answer:
    """The binary question (E2A): everything but `unlikely` counts as yes for the clock, what is not classified included."""
    return "no" if category == "unlikely" else "yes"
