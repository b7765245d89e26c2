"""UCUM codes as pages write them."""

from __future__ import annotations

import pytest

from shared.case.units import in_text, written


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("10*6", "×10⁶"),
        ("10*6/kg", "×10⁶/kg"),
        ("10*9/L", "×10⁹/L"),
        ("Cel", "°C"),
        ("ug/kg", "µg/kg"),
        ("[iU]/mL", "IU/mL"),
        ("mg/kg/d", "mg/kg/d"),
        ("mL", "mL"),
        ("Celery", "Celery"),
    ],
)
def test_a_code_is_written_as_people_write_it(code: str, shown: str) -> None:
    assert written(code) == shown


def test_in_a_sentence_only_after_a_number() -> None:
    assert in_text("thân nhiệt 40.2 Cel. Trên 40 Cel: 18.2 10*9/L") == "thân nhiệt 40.2 °C. Trên 40 °C: 18.2 ×10⁹/L"
    assert in_text("state one of Cel (UCUM)") == "state one of Cel (UCUM)", "there the code itself is meant"
