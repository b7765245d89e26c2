"""Every kind of PDF we make, in every way that is known to try it. A new kind of PDF belongs in `papers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from services.dsmb.domain import Document
from services.dsmb.print import LANGUAGES, typeset
from services.sae_notifier.forms.form import KINDS, Kind
from services.sae_notifier.forms.render import render
from services.sae_notifier.handlers.documents import BUILDERS
from shared.case import FreeText, Nullification
from tests.unit.dsmb import build, waitlist
from tests.unit.dsmb.test_open import people
from tests.unit.sae_notifier.forms.samples import CASE, EMPTY, EVENT, EXPOSURES, MENINGITIS, SIGNED, Inputs

ODD = (
    "👩\u200d⚕️ sốt नमस्ते 한국어 שלום \u202eمرحبا\u202c ไทย e"
    + "\u0301" * 20
    + "\x00\x07\ufffe ﬁ ✓ #import *b* $x$ \\ <l> `r`"
)
LONG = "Trẻ sốt cao, được truyền dịch và kháng sinh; "


def told(text: str, **more: Any) -> Inputs:
    """The whole case with these words wherever somebody may type."""
    words = FreeText(text=text)
    event = EVENT.model_copy(update={"verbatim": words, "description": words})
    exposures = tuple(
        one.model_copy(update={"name": text[:200], "route": text[:200], "indication": text[:500], "note": words})
        for one in EXPOSURES
    )
    case = CASE.model_copy(update={"events": (event,), "change_reason": text[:500], **more})
    return replace(MENINGITIS, case=case, exposures=exposures)


CASES: Mapping[str, Inputs] = {
    "plain": MENINGITIS,
    "nothing known": EMPTY,
    "signed": replace(MENINGITIS, assessment=SIGNED),
    "odd characters": told(ODD),
    "long": told(LONG * 300),
    "one endless word": told("W" * 5_000),
    "nullified": told("sốt", nullified=Nullification(reason=LONG * 20, replaced_by="case-2")),
}


CUTS: Mapping[str, Sequence[Document]] = {
    "plain": waitlist.documents(),
    "everybody": tuple(people("AB" * 12)),
    "nobody": (),
}


def papers() -> dict[str, Callable[[], bytes]]:
    """By name, what makes the PDF."""
    return {
        **{f"{kind}: {name}": partial(_form, kind, inputs) for kind in KINDS for name, inputs in CASES.items()},
        **{
            f"{kind} report ({language}): {name}": partial(_report, kind, language, documents)
            for kind in ("closed", "open")
            for language in LANGUAGES
            for name, documents in CUTS.items()
        },
    }


def _form(kind: Kind, inputs: Inputs) -> bytes:
    return render(BUILDERS[kind](inputs.facts())).pdf


def _report(kind: str, language: str, documents: Sequence[Document]) -> bytes:
    made = build.reports(documents)
    return typeset(made.closed if kind == "closed" else made.open, language)
