"""The whole draft of one report, in the order the sections need each other."""

from __future__ import annotations

from dataclasses import dataclass

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.draft.drugs import chosen, drugs
from services.sae_notifier.e2b.draft.header import batch, first_received, header
from services.sae_notifier.e2b.draft.measured import measured
from services.sae_notifier.e2b.draft.narrative import narrative
from services.sae_notifier.e2b.draft.patient import patient
from services.sae_notifier.e2b.draft.people import sender, source, study
from services.sae_notifier.e2b.draft.reactions import reactions
from services.sae_notifier.e2b.draft.relatedness import relatedness
from services.sae_notifier.e2b.facts import Facts
from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.message import Message
from services.sae_notifier.e2b.table import REPORT, Profile
from shared.case import CaseReport, Moment


@dataclass(frozen=True)
class Draft:
    """The content to be written, and what could not be carried as it stands."""

    batch: Block
    notices: tuple[Finding, ...]
    first_received: Moment
    """C.1.4: to be kept, and given again with every later message of this case."""


def draft(case: CaseReport, facts: Facts, profile: Profile, message: Message, doubts: Doubts | None = None) -> Draft:
    """One batch with one report."""
    desk = Desk(case, facts, profile, message, doubts or Doubts())
    whole = batch(desk)
    report = whole.add(REPORT)
    header(desk, report)
    source(desk, report)
    sender(desk, report)
    study(desk, report)
    patient(desk, report)
    reactions(desk, report)
    measured(desk, report)
    found = chosen(desk)
    drugs(desk, report, found)
    relatedness(desk, report, found)
    narrative(desk, report)
    return Draft(whole, tuple(desk.notices), first_received(desk))
