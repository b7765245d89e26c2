"""A number with its unit. Decimals travel as strings: 7.20 is not 7.2."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator

from shared.case.base import Published


def _decimal_text(text: str) -> str:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is not a decimal number; write it like 7.20") from None
    if not value.is_finite():
        raise ValueError("the number must be finite")
    return text


DecimalText = Annotated[str, AfterValidator(_decimal_text)]


class Quantity(Published):
    """`value` as written, `unit` in UCUM (`mg`, `10*6/kg`) or null when it was not given."""

    value: DecimalText
    unit: str | None = None

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.value)
