"""The sponsor's one answer for an event: reasonable possibility over all investigational causes."""

from __future__ import annotations

from collections.abc import Iterable

from services.causality.methods.who_umc import reasonable_possibility
from shared.case import Answer, ExposureKind, Relatedness

INVESTIGATIONAL: frozenset[ExposureKind] = frozenset(
    {"bm_mnc_infusion", "lumbar_puncture", "bone_marrow_harvest", "sedation", "anaesthetic_agent"}
)
"""The cells and what is done only to give them."""


def related(relatedness: Iterable[Relatedness]) -> Answer:
    """From the accepted category where there is one, else the proposed; unknown when nothing investigational is judged."""
    answers = [
        reasonable_possibility(category)
        for one in relatedness
        if one.exposure_kind in INVESTIGATIONAL and (category := one.accepted or one.proposed) is not None
    ]
    if not answers:
        return "unknown"
    return "yes" if "yes" in answers else "no"
