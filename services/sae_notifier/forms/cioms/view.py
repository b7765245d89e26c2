"""The CIOMS I form as data: the boxes 1 to 26 in four sections, each with its answer or why there is none. Pure."""

from __future__ import annotations

from services.sae_notifier.forms.cioms import history, maker, reaction, suspect
from services.sae_notifier.forms.cioms.drugs import sort
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.form import Form, made_of
from services.sae_notifier.forms.words import Words

TITLE = Words("BÁO CÁO PHẢN ỨNG CÓ HẠI NGHI NGỜ", "SUSPECT ADVERSE REACTION REPORT")


def build(facts: Facts) -> Form:
    """The CIOMS I form of these facts."""
    drugs = sort(facts)
    sections = (
        reaction.section(facts, drugs),
        suspect.section(facts, drugs),
        history.section(facts, drugs),
        maker.section(facts, drugs),
    )
    return made_of(facts, "cioms_i", TITLE, sections)
