"""A number as text: only what every reader reads alike."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.case import Quantity


@pytest.mark.parametrize("text", ["7.20", "0", "-5", "+3.5", "100000", "0.000001"])
def test_a_plain_decimal_is_kept_as_written(text: str) -> None:
    assert Quantity(value=text).value == text


@pytest.mark.parametrize(
    "text", ["1e2", "1e999999999", "1_000", "٧", " 5 ", "7,20", "5\n", ".5", "5.", "NaN", "Infinity", "", "9" * 16]
)
def test_what_others_would_read_otherwise_or_not_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="write it like"):
        Quantity(value=text)
