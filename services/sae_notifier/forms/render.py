"""From the form to its PDF: the same form makes the same bytes, on every machine, with no clock and no network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typst

from services.sae_notifier.forms.coverage import FONTS
from services.sae_notifier.forms.form import Form, Kind
from services.sae_notifier.forms.payload import Json, cautious, payload

_TEMPLATES = Path(__file__).parent


@dataclass(frozen=True)
class Rendered:
    """A PDF/A-2b and its SHA-256, as it is stored and sent."""

    pdf: bytes
    sha256: str


def render(form: Form) -> Rendered:
    """Typeset the form. Text reaches the template as data only, so `#import` in a narrative is just words.

    A report must go out whatever somebody typed: when the fonts refuse a text after all, it is set once more with every
    character beyond Latin letters spelled out.
    """
    data = payload(form)
    try:
        pdf = _typeset(form.kind, data, form.prepared_at)
    except typst.TypstError as refusal:
        if "could not be displayed" not in str(refusal):
            raise
        pdf = _typeset(form.kind, cautious(data), form.prepared_at)
    return Rendered(pdf, hashlib.sha256(pdf).hexdigest())


def _typeset(kind: Kind, data: Json, at: datetime) -> bytes:
    return typst.compile(
        _TEMPLATES / f"{kind}.typ",
        root=_TEMPLATES,
        format="pdf",
        sys_inputs={"form": json.dumps(data, ensure_ascii=False), "fonts": json.dumps(FONTS)},
        pdf_standards=["a-2b"],
        ignore_system_fonts=True,
        timestamp=at.astimezone(UTC).replace(microsecond=0),
    )
