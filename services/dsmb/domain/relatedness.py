"""Whether an event counts as related to an infusion. What nobody answered counts as related: silence relaxes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.dsmb.domain.child import Child
from services.dsmb.domain.plan import Plan
from shared.case import AdverseEvent, Answer, CaseReport


@dataclass(frozen=True)
class Opinions:
    """Each "yes", "no" or "unknown": the investigator's in the case, the sponsor's in a signed assessment."""

    investigator: Answer
    sponsor: Answer

    def related(self, plan: Plan) -> bool:
        said = {self.investigator, self.sponsor}
        if "yes" in said:
            return True
        return said != {"no"} if plan.not_related_needs == "both" else "no" not in said


def opinions(child: Child, case: CaseReport, event: AdverseEvent, plan: Plan) -> Opinions:
    """What both said of this event and an infusion (or what the infusion is given with, by the plan)."""
    return Opinions(_investigator(child, event, plan), _sponsor(child, case, event, plan))


def _investigator(child: Child, event: AdverseEvent, plan: Plan) -> Answer:
    kinds = {one.exposure_id: one.kind for one in child.exposures if not one.voided}
    about: list[Answer] = [
        one.related
        for one in event.opinions
        if (kinds.get(one.exposure_id) if one.exposure_id is not None else one.kind) in plan.related_kinds
    ]
    return together(about)


def _sponsor(child: Child, case: CaseReport, event: AdverseEvent, plan: Plan) -> Answer:
    assessment = child.assessments.get(case.case_id)
    if assessment is None or assessment.signature is None:
        return "unknown"
    judged = next((one for one in assessment.events if one.event_id == event.event_id), None)
    if judged is None:
        return "unknown"
    said = together(
        [one.reasonable_possibility for one in judged.relatedness if one.exposure_kind in plan.related_kinds]
    )
    # A signature on what has changed since may still add; it may not relax.
    return "unknown" if said == "no" and not child.fresh(assessment) else said


def together(said: Sequence[Answer]) -> Answer:
    """One "yes" is enough; "no" only where nobody said anything else."""
    if "yes" in said:
        return "yes"
    return "no" if said and set(said) == {"no"} else "unknown"
