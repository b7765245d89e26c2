"""The Vietnamese SAE form as data: what it says, in which order, and why a place is empty. Pure; nothing here draws."""

from __future__ import annotations

from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.form import Form, made_of
from services.sae_notifier.forms.sections import (
    action,
    changes,
    child,
    committee,
    concomitant,
    course,
    general,
    opinions,
    product,
    reporter,
)
from services.sae_notifier.forms.words import Words

TITLE = Words(
    "BÁO CÁO BIẾN CỐ BẤT LỢI NGHIÊM TRỌNG (SAE)\nTRONG THỬ NGHIỆM LÂM SÀNG",
    "REPORT OF A SERIOUS ADVERSE EVENT (SAE) IN A CLINICAL TRIAL",
)
_SECTIONS = (general, course, product, action, child, concomitant, opinions, committee, reporter, changes)


def build(facts: Facts) -> Form:
    """The Vietnamese SAE form of these facts."""
    return made_of(facts, "vn_sae_form", TITLE, tuple(module.section(facts) for module in _SECTIONS))
