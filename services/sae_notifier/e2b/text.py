"""Words and numbers as XML and the element's length can carry them."""

from __future__ import annotations

import re
from decimal import Decimal

from services.sae_notifier.e2b.ucum import is_unit
from shared.case import FreeText, Moment

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile(r"^-?\d+(\.\d+)?$", re.ASCII)
_TO_639_2 = {
    "ar": "ara", "bg": "bul", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "et": "est",
    "fi": "fin", "fr": "fra", "ga": "gle", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "id": "ind", "it": "ita",
    "ja": "jpn", "km": "khm", "ko": "kor", "lo": "lao", "lt": "lit", "lv": "lav", "ms": "msa", "mt": "mlt", "my": "mya",
    "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sv": "swe",
    "th": "tha", "tl": "tgl", "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip
UNDETERMINED = "und"
WITHHELD = "[withheld]"
"""Stands where words were taken back; their hash is nothing for a recipient."""


def clean(text: str) -> str:
    """What XML cannot hold becomes U+FFFD."""
    return _UNWRITABLE.sub("\ufffd", text)


def said(text: FreeText | None) -> str:
    """Somebody's words; empty when there are none or they were taken back."""
    return "" if text is None or text.redacted or not text.text.strip() else text.text


def when(moment: Moment | None) -> str:
    """A time as it was told, in words."""
    return f"{moment.value} ({moment.zone})" if moment else "not known"


def language(text: FreeText) -> str:
    """ISO 639-2 of a BCP 47 tag; `und` where it is not given or not in our list."""
    primary = (text.language or "").split("-")[0].lower()
    return primary if primary in _TO_639_2.values() else _TO_639_2.get(primary, UNDETERMINED)


def number(text: str) -> str | None:
    """A decimal with a point and no exponent, as written where it can be; None when it has no such form."""
    if _PLAIN.match(text):
        return text
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 50:
        return None
    return f"{value:f}"


def unit(text: str | None) -> str | None:
    """A unit of UCUM; None for any other, which then stands in words beside its number."""
    return text if text and is_unit(text) else None
