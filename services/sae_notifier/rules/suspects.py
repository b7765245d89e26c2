"""What an event may be a reaction to: every product and procedure of the trial that is recorded, named, or ought to be known.

A SUSAR is asked of each of them apart: related to *this* one, which was given *before* the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.sae_notifier.rules.predicate import Truth
from services.sae_notifier.rules.trial_facts import TrialFacts
from shared.case import AdverseEvent, CaseReport, Exposure, ExposureKind
from shared.case.report import InvestigatorOpinion

UNRECORDED = "reported:"
"""Before the kind: what is named, or must be asked about, and is not recorded (as in an assessment)."""


@dataclass(frozen=True)
class Suspect:
    """`name` is the exposure's id, or `reported:` and the kind; `kind` is null for an opinion on an exposure nobody knows."""

    name: str
    kind: ExposureKind | None
    exposure: Exposure | None = None

    def is_meant_by(self, opinion: InvestigatorOpinion) -> bool:
        """An opinion that names no exposure and no kind is about all of them."""
        if opinion.exposure_id is not None:
            return opinion.exposure_id == self.name
        return opinion.kind is None or opinion.kind == self.kind


def given_before(event: AdverseEvent, exposure: Exposure) -> Truth:
    """No only when it was surely begun after the last possible onset; an unknown day is not answered."""
    if exposure.start is None or event.onset is None:
        return None
    if exposure.start.latest() <= event.onset.earliest():
        return True
    return False if exposure.start.earliest() > event.onset.latest() else None


def suspects_of(
    case: CaseReport, event: AdverseEvent, exposures: Sequence[Exposure], trial: TrialFacts
) -> tuple[Suspect, ...]:
    """`exposures` are those that stand. Never empty: where no product is recorded, one that may have been given is asked about.

    What the reporter says had been given, or an investigator suspects by its kind, is a suspect of its own while no record
    of that kind may lie before the event: a record of a later one does not answer for it.
    """
    ours = trial.product_kinds | trial.administration_kinds
    known = {one.exposure_id for one in exposures}
    found = {one.exposure_id: Suspect(one.exposure_id, one.kind, one) for one in exposures if one.kind in ours}
    recorded = {one.kind for one in found.values()}
    before = {one.kind for one in exposures if given_before(event, one) is not False}
    named = set(case.given.kinds) if case.given.answer == "yes" else set()
    named |= {one.kind for one in event.opinions if one.related == "yes" and one.exposure_id is None and one.kind}
    for kind in sorted((named & ours) - before):
        found.setdefault(f"{UNRECORDED}{kind}", Suspect(f"{UNRECORDED}{kind}", kind))
    for opinion in event.opinions:
        if opinion.exposure_id is not None:
            if opinion.exposure_id not in known and (opinion.kind is None or opinion.kind in ours):
                found.setdefault(opinion.exposure_id, Suspect(opinion.exposure_id, opinion.kind))
        elif opinion.kind in ours and opinion.kind not in recorded:
            found.setdefault(f"{UNRECORDED}{opinion.kind}", Suspect(f"{UNRECORDED}{opinion.kind}", opinion.kind))
    product = any(one.kind is None or one.kind in trial.product_kinds for one in found.values())
    if not product or _one_is_missing(exposures, trial):
        for kind in sorted(trial.product_kinds):
            found.setdefault(f"{UNRECORDED}{kind}", Suspect(f"{UNRECORDED}{kind}", kind))
    return tuple(found[name] for name in sorted(found))


def _one_is_missing(exposures: Sequence[Exposure], trial: TrialFacts) -> bool:
    """A second infusion is recorded and the first is not: it was given, and may have been before the event."""
    numbers = {one.infusion_number for one in exposures if one.kind in trial.product_kinds and one.infusion_number}
    return bool(numbers) and numbers != set(range(1, max(numbers) + 1))
