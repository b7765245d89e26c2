"""Causes other than what was given: the disease itself and the illnesses of the age."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from services.causality.knowledge.tables import rows
from services.causality.words import Words


@dataclass(frozen=True)
class OtherCause:
    """One common explanation; it could explain the event, nobody has said that it does."""

    id: str
    cause: Literal["disease", "illness"]
    codes: frozenset[str]
    words: Words
    doubt: bool


@cache
def _table() -> tuple[OtherCause, ...]:
    return tuple(
        OtherCause(
            id=row["id"],
            cause=cast(Literal["disease", "illness"], row["cause"]),
            codes=frozenset(row["terms"].split()),
            words=Words(row["cause_en"], row["cause_vi"]),
            doubt=row["evidence"] == "memory",
        )
        for row in rows("background.csv")
    )


def other_causes(code: str) -> tuple[OtherCause, ...]:
    """The common explanations of an event of this term in this population."""
    return tuple(cause for cause in _table() if code in cause.codes)
