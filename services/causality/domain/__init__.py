"""Proposals: everything known of one child turned into an assessment that a person may sign. Pure; takes `now`."""

from services.causality.domain.expectedness import Expectedness, ListedTerm, RsiVersion, expectedness
from services.causality.domain.proposal import Proposal, propose
from services.causality.domain.related import INVESTIGATIONAL, related
from services.causality.domain.stale import Stale, is_stale, judged
from services.causality.domain.temporal import Interval, Temporal, temporal
from services.causality.domain.told import Told

__all__ = [
    "INVESTIGATIONAL",
    "Expectedness",
    "Interval",
    "ListedTerm",
    "Proposal",
    "RsiVersion",
    "Stale",
    "Temporal",
    "Told",
    "expectedness",
    "is_stale",
    "judged",
    "propose",
    "related",
    "temporal",
]
