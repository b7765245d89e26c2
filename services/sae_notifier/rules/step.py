"""The history of a case as a row of steps: what was known after each version and each assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.sae_notifier.rules.awareness import Known, news_of
from services.sae_notifier.rules.facts import ASSUMED, CLOSING_ROLES, Facts, Judged, judged_of
from services.sae_notifier.rules.history import AssessmentView, History
from services.sae_notifier.rules.predicate import Predicate, Truth, any_of
from services.sae_notifier.rules.trial_facts import TrialFacts
from shared.case import CaseReport


@dataclass(frozen=True)
class Step:
    """`documented`: its answers may close an open question. `signed`: a fresh signature stands on what was known then."""

    aggregate: str
    version: int
    case_version: int
    recorded_at: datetime
    known: Known
    facts: tuple[Facts, ...]
    documented: bool
    signed: bool
    judged: tuple[Judged, ...] = ()
    """The same facts with the event, the suspect and the source of each answer."""

    def truth(self, trigger: Predicate) -> Truth:
        """A trigger holds for the case when it holds for one event and one suspect (all its facts about the same two)."""
        return any_of([trigger.truth(facts) for facts in self.facts])

    def reported(self, trigger: Predicate) -> Truth:
        """The same as a report tells it: suspected, unexpected and exposed unless somebody said no."""
        return any_of(list(self.reported_of(trigger).values()))

    def reported_of(self, trigger: Predicate) -> Mapping[str, Truth]:
        """The same for each event apart, by its id (empty where the facts are of no event)."""
        events = [one.event_id for one in self.judged] or [""] * len(self.facts)
        found: dict[str, list[Truth]] = {}
        for event_id, facts in zip(events, self.facts, strict=True):
            told = {**facts} | {name: True for name in ASSUMED if facts.get(name) is None}
            found.setdefault(event_id, []).append(trigger.truth(told))
        return {event_id: any_of(truths) for event_id, truths in found.items()}


def steps_of(history: History, trial: TrialFacts, settings: Mapping[str, str | None]) -> tuple[Step, ...]:
    """Case versions in order, each followed by the assessments made of it; never depends on the order of arrival."""
    views = history.judged()
    cases = history.ordered()
    numbers = [case.version for case in cases]

    def place(view: AssessmentView) -> int:
        return max((number for number in numbers if number <= view.assessment.case_version), default=numbers[0])

    steps: list[Step] = []
    for index, case in enumerate(cases):
        so_far = cases[: index + 1]
        before = [view for view in views if place(view) < case.version]
        steps.append(_case_step(so_far, before, history, trial, settings))
        for view in (view for view in views if place(view) == case.version):
            before = [*before, view]
            steps.append(_assessment_step(view, so_far, before, history, trial, settings))
    return tuple(steps)


def _case_step(
    versions: Sequence[CaseReport],
    views: list[AssessmentView],
    history: History,
    trial: TrialFacts,
    settings: Mapping[str, str | None],
) -> Step:
    case, judged = versions[-1], judged_of(versions, history.exposures, views, trial, settings)
    return Step(
        aggregate=f"case/{case.case_id}",
        version=case.version,
        case_version=case.version,
        recorded_at=case.recorded_at,
        known=news_of(case),
        facts=tuple(one.facts for one in judged),
        judged=judged,
        documented=bool((case.change_reason or "").strip()) and case.reporter_role in CLOSING_ROLES,
        signed=False,
    )


def _assessment_step(
    view: AssessmentView,
    versions: Sequence[CaseReport],
    views: list[AssessmentView],
    history: History,
    trial: TrialFacts,
    settings: Mapping[str, str | None],
) -> Step:
    assessment, case = view.assessment, versions[-1]
    judged = judged_of(versions, history.exposures, views, trial, settings)
    return Step(
        aggregate=f"assessment/{case.case_id}",
        version=assessment.version,
        case_version=case.version,
        recorded_at=assessment.recorded_at,
        known=Known(assessment.signature.signed_at if assessment.signature else assessment.recorded_at),
        facts=tuple(one.facts for one in judged),
        judged=judged,
        documented=view.may_relax,
        signed=view.may_relax,
    )
