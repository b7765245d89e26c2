"""Boxes 22 and 23: what else was given, and what is known of the child's history."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.cioms.drugs import Drugs, told
from services.sae_notifier.forms.cioms.lines import labelled
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.fields import Prose, Section, absent, given
from services.sae_notifier.forms.words import Words


def section(facts: Facts, drugs: Drugs) -> Section:
    concomitant = tuple(told(facts, one) for one in drugs.concomitant)
    gmfcs = facts.subject.gmfcs_level if facts.subject else "unknown"
    level = absent(reasons.NOT_ASKED if facts.subject else reasons.NO_SUBJECT) if gmfcs == "unknown" else given(gmfcs)
    return Section(
        3,
        Words("THUỐC DÙNG ĐỒNG THỜI VÀ TIỀN SỬ", "CONCOMITANT DRUG(S) AND HISTORY"),
        (
            Prose(
                "22",
                Words("Thuốc dùng đồng thời và ngày dùng", "CONCOMITANT DRUG(S) AND DATES OF ADMINISTRATION"),
                concomitant or (absent(reasons.NONE_RECORDED),),
            ),
            Prose(
                "23",
                Words("Tiền sử liên quan khác", "OTHER RELEVANT HISTORY"),
                (
                    labelled("Mức GMFCS", "GMFCS level", (level,)),
                    *(told(facts, one) for one in drugs.history),
                    labelled("Tiền sử bệnh", "Medical history", (absent(reasons.NOT_COLLECTED),)),
                ),
            ),
        ),
    )
