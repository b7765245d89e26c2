"""Whether a unit is one of UCUM: `10*9/L`, `mm[Hg]`, `mg/kg/d`, `{puffs}`. A receiver's computer knows no other spelling.

The grammar is whole; of the atoms those that medicine uses are known, and whatever stands in square brackets is believed.
"""

from __future__ import annotations

import re

_PREFIX = "(?:da|[YZEPTGMkhdcmunpfazy])"
_METRIC = (
    "mol|cal|osm|kat|rad|bar|Cel|Ohm|RAD|REM|Hz|Pa|Wb|lm|lx|Bq|Gy|Sv|Ci|eq|cd|sr|eV|St|Np|dyn|erg|g%|"
    r"m\[Hg\]|m\[H2O\]|\[i?U\]|\[IU\]|[msgKCLlNJWAVFSTHUBuPGt]"
)
_OTHER = "mo_j|mo_s|mo_g|a_j|a_t|min|deg|atm|wk|mo|''|['%hdab]"
_SIMPLE = rf"(?:{_PREFIX}?(?:{_METRIC})|{_OTHER}|(?:{_PREFIX})?\[[^\[\]\s]+\])(?:[+-]?\d+)?"
_ANNOTATION = r"\{[!-z|~]*\}"
_COMPONENT = re.compile(
    rf"(?:(?:10[*^](?:[+-]?\d+)?|{_SIMPLE}|\d+)(?:{_ANNOTATION})?|{_ANNOTATION})(?=[./)]|\Z)", re.ASCII
)
MOST = 50


def is_unit(text: str) -> bool:
    """True for a term of UCUM, case sensitive, of at most 50 characters."""
    if not 0 < len(text) <= MOST:
        return False
    end = _term(text, 1 if text[0] == "/" else 0)
    return end == len(text)


def _term(text: str, at: int) -> int:
    """The place after a term that begins here; -1 where none does."""
    while True:
        if text[at : at + 1] == "(":
            at = _term(text, at + 1)
            if at < 0 or text[at : at + 1] != ")":
                return -1
            at += 1
        else:
            found = _COMPONENT.match(text, at)
            if found is None:
                return -1
            at = found.end()
        if text[at : at + 1] not in (".", "/") or at >= len(text):
            return at
        at += 1
