"""The DSMB charter as data: who looks when, and the stopping rules that raise an alert (and never stop anything by themselves)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, StrictBool, model_validator

from shared.trial.base import Bilingual, DecimalText, Identifier, Spec


class BoundaryStep(Spec):
    """With up to `up_to_n` evaluable children, `events` children with the event cross the boundary."""

    events: int = Field(ge=1)
    up_to_n: int = Field(ge=1)


class StoppingRule(Spec):
    """Beta-binomial (Geller 2003): alert when P(p > p0 | data) > theta under a Beta(`prior_alpha`, `prior_beta`) prior."""

    id: Identifier
    kind: Literal["beta_binomial"]
    event: Literal["serious_related_to_infusion"]
    window_months: int = Field(ge=1)
    """A child is evaluable with the event, or once this many months after the first infusion are over."""
    p0: DecimalText
    prior_alpha: DecimalText
    prior_beta: DecimalText
    theta: DecimalText
    max_n: int = Field(ge=1)
    boundary: tuple[BoundaryStep, ...] = Field(min_length=1)
    illustrative: StrictBool
    label: Bilingual

    @model_validator(mode="after")
    def _sound(self) -> StoppingRule:
        if not 0 < Decimal(self.p0) < 1 or not 0 < Decimal(self.theta) < 1:
            raise ValueError(f"stopping rule {self.id}: p0 and theta must lie between 0 and 1")
        if Decimal(self.prior_alpha) <= 0 or Decimal(self.prior_beta) <= 0:
            raise ValueError(f"stopping rule {self.id}: prior_alpha and prior_beta must be above 0")
        for before, after in zip(self.boundary, self.boundary[1:], strict=False):
            if after.events <= before.events or after.up_to_n <= before.up_to_n:
                raise ValueError(f"stopping rule {self.id}: boundary steps must rise in events and in up_to_n")
        if self.boundary[-1].up_to_n != self.max_n:
            raise ValueError(f"stopping rule {self.id}: the last boundary step must reach max_n ({self.max_n})")
        return self

    def stop_at(self, evaluable: int) -> int | None:
        """How many children with the event cross at this many evaluable children; null beyond `max_n`."""
        return next((step.events for step in self.boundary if evaluable <= step.up_to_n), None)


class DsmbCharter(Spec):
    """`review_every_months` and the rules are ours until the sponsor's charter is known: `illustrative`."""

    version: Identifier
    illustrative: StrictBool
    review_every_months: int = Field(ge=1)
    note: Bilingual
    stopping_rules: tuple[StoppingRule, ...]
