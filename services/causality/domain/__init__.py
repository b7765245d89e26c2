"""Proposals: everything known of one child turned into an assessment that a person may sign. Pure; takes `now`."""

from services.causality.domain.answering import problems_with
from services.causality.domain.expectedness import Expectedness, ListedTerm, RsiVersion, expectedness
from services.causality.domain.proposal import Proposal, propose
from services.causality.domain.related import INVESTIGATIONAL, related
from services.causality.domain.stale import Stale, answers_version, is_stale, judged
from services.causality.domain.temporal import Interval, Temporal, temporal
from services.causality.domain.told import QUESTIONS, Question, Told, standing

__all__ = [
    "INVESTIGATIONAL",
    "QUESTIONS",
    "Expectedness",
    "Interval",
    "ListedTerm",
    "Proposal",
    "Question",
    "RsiVersion",
    "Stale",
    "Temporal",
    "Told",
    "answers_version",
    "expectedness",
    "is_stale",
    "judged",
    "problems_with",
    "propose",
    "related",
    "standing",
    "temporal",
]
