"""A number with its unit. Decimals travel as strings: 7.20 is not 7.2."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator

from shared.case.base import Published

_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
"""What every reader in every language reads alike: no exponent, no other digits, no more than anybody measures."""


def _decimal_text(text: str) -> str:
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is not a decimal number; write it like 7.20")
    return text


DecimalText = Annotated[str, AfterValidator(_decimal_text)]


class Quantity(Published):
    """`value` as written, `unit` in UCUM (`mg`, `10*6/kg`) or null when it was not given."""

    value: DecimalText
    unit: str | None = None

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.value)
