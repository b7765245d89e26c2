"""Units as UCUM spells them: what medicine writes is known, and what people write instead is not taken for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sae_notifier.e2b.text import unit
from services.sae_notifier.e2b.ucum import is_unit
from tests.support.e2b import REFERENCE


@pytest.mark.parametrize(
    "text",
    [
        "kg",
        "cm",
        "Cel",
        "g/L",
        "U/L",
        "mmol/L",
        "umol/L",
        "10*9/L",
        "10*6",
        "10*6/kg",
        "10^12/L",
        "mg",
        "mg/kg/d",
        "ug/kg",
        "mL",
        "mL/min/{1.73_m2}",
        "%",
        "mm[Hg]",
        "cm[H2O]",
        "[iU]",
        "[IU]/kg",
        "[degF]",
        "/min",
        "/uL",
        "{score}",
        "{puffs}",
        "ng/mL",
        "mg/dL",
        "pg",
        "mol/kg",
        "h",
        "d",
        "wk",
        "mo",
        "a",
        "min",
        "s",
        "mL/(kg.h)",
        "kcal",
        "mosm/kg",
        "meq/L",
        "dL",
        "1",
        "m2",
        "kPa",
        "kU/L",
        "{DF}",
        "g/24.h",
        "kg/m2",
        "u[IU]/mL",
    ],
)
def test_it_is_a_unit(text: str) -> None:
    assert is_unit(text)
    assert unit(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "mmHg", "IU", "cells", "cells/kg", "x10^9/L", "µg", "mcg", "tablet", "mg per day", "mg//kg", "mg/", "(mg", "mg)",
     "°C", "10**9/L", "{a b}", "kg.", "bpm", "mg/kg/day", "years", "m" * 51],
)  # fmt: skip
def test_it_is_none_and_stands_in_words(text: str) -> None:
    assert not is_unit(text)
    assert unit(text) is None


@given(st.text(max_size=60))
def test_whatever_is_written_is_judged(text: str) -> None:
    assert not is_unit(text) or (text.isascii() and " " not in text)


@pytest.mark.live
@pytest.mark.schemas
def test_the_published_codes_of_medicine_are_known() -> None:
    """Atoms of trade and physics may be missing; of all published ones most are known, with any prefix that fits."""
    codes = json.loads((REFERENCE / "e2b" / "codelists" / "ucum-codes.json").read_text(encoding="utf-8"))["entries"]
    atoms = [one["code"] for one in codes if "unit" in one["scopes"]]
    unknown = [one for one in atoms if not is_unit(one)]
    assert len(unknown) < len(atoms) / 4, unknown
