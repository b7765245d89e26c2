"""G.k.9.i.4: whether the reaction came back when the drug was given again. Nobody is asked, so only its absence is told."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.forms.reading import given_again
from shared.case import AdverseEvent, Exposure

NOT_GIVEN_AGAIN = "4"
"""CL16: no rechallenge was done."""


def rechallenge(desk: Desk, drug: Block, exposure: Exposure, event: AdverseEvent) -> None:
    if given_again(desk.case.events, desk.facts.given(), exposure) is False:
        made = drug.add("G.k.9.i.4")
        made.put("G.k.9.i.4.reaction", desk.reference("reaction", event.event_id))
        made.put("G.k.9.i.4", NOT_GIVEN_AGAIN)
