"""UCUM codes as people write them: `10*6/kg` is ×10⁶/kg, `Cel` is °C. For pages alone: data, forms and logs keep the code."""

from __future__ import annotations

import re

_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_WORDS = {
    "Cel": "°C",
    "ug": "µg",
    "uL": "µL",
    "umol": "µmol",
    "[iU]": "IU",
    "[IU]": "IU",
    "mm[Hg]": "mmHg",
    "cm[H2O]": "cmH₂O",
}
_POWER = re.compile(r"(?<![\w.])10[*^]([+-]?\d+)")
_WORD = re.compile(r"(?<![\w\[])(?:Cel|ug|uL|umol|mm\[Hg\]|cm\[H2O\]|\[iU\]|\[IU\])(?![\w\[])")


def written(code: str) -> str:
    """One unit: `10*9/L` → `×10⁹/L`; a code without a better spelling stays as it is."""
    return _WORD.sub(
        lambda found: _WORDS[found[0]], _POWER.sub(lambda found: "×10" + found[1].translate(_RAISED), code)
    )


_AFTER_NUMBER = re.compile(r"(?<=\d )(?:Cel\b|10[*^][+-]?\d+(?:/\w+)?)")


def in_text(text: str) -> str:
    """A sentence in which a number is followed by a code: `40.2 Cel` → `40.2 °C`. Other words are left alone."""
    return _AFTER_NUMBER.sub(lambda found: written(found[0]), text)
