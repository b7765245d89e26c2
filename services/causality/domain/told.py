"""What a named person answered about one event and one exposure, where the records cannot."""

from __future__ import annotations

from dataclasses import dataclass

from services.causality.methods.who_umc import Alternative, Withdrawal
from shared.case import Answer


@dataclass(frozen=True)
class Told:
    """None is "not answered": the records answer as far as they can. A person's answer stands over them, and the words say so."""

    alternative: Alternative | None = None
    withdrawal: Withdrawal | None = None
    rechallenge: Answer | None = None
    specific: Answer | None = None
    obtainable: bool = True
    """False when what is missing can never be learned."""


NOBODY = Told()
