"""The DSMB charter as data: who looks when, and the stopping rules that raise an alert (and never stop anything by themselves)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, StrictBool, model_validator

from shared.trial.base import Bilingual, DecimalText, Identifier, InDoubt, Spec
from shared.trial.beta_binomial import stop_table

MOST_CHILDREN = 2_000
"""The whole table is worked out whenever the file is read."""
LEAST_PRIOR, MOST_PRIOR = Decimal("0.001"), Decimal(1_000)


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
    max_n: int = Field(ge=1, le=MOST_CHILDREN)
    boundary: tuple[BoundaryStep, ...] = Field(min_length=1)
    illustrative: StrictBool
    label: Bilingual

    @model_validator(mode="after")
    def _sound(self) -> StoppingRule:
        if not 0 < Decimal(self.p0) < 1 or not 0 < Decimal(self.theta) < 1:
            raise ValueError(f"stopping rule {self.id}: p0 and theta must lie between 0 and 1")
        if not all(LEAST_PRIOR <= Decimal(one) <= MOST_PRIOR for one in (self.prior_alpha, self.prior_beta)):
            raise ValueError(
                f"stopping rule {self.id}: prior_alpha and prior_beta must lie between {LEAST_PRIOR} and {MOST_PRIOR}"
            )
        for before, after in zip(self.boundary, self.boundary[1:], strict=False):
            if after.events <= before.events or after.up_to_n <= before.up_to_n:
                raise ValueError(f"stopping rule {self.id}: boundary steps must rise in events and in up_to_n")
        if self.boundary[-1].up_to_n != self.max_n:
            raise ValueError(f"stopping rule {self.id}: the last boundary step must reach max_n ({self.max_n})")
        prior = float(self.prior_alpha), float(self.prior_beta)
        wanted = stop_table(float(self.p0), *prior, float(self.theta), self.max_n)
        for evaluable, events in enumerate(wanted, start=1):
            if self.stop_at(evaluable) != events and not evaluable < events <= (self.stop_at(evaluable) or 0):
                raise ValueError(
                    f"stopping rule {self.id}: the boundary says {self.stop_at(evaluable)} events at {evaluable} children; "
                    f"p0, the prior and theta say {events}"
                )
        return self

    def stop_at(self, evaluable: int) -> int | None:
        """How many children with the event cross at this many evaluable children; null beyond `max_n`."""
        return next((step.events for step in self.boundary if evaluable <= step.up_to_n), None)


OnsetClock = Literal["minute", "day"]
"""Whether an onset on the day of an infusion is held against its time, where both are known, or counts as after it."""
ControlTime = Literal["arms_with_control", "every_arm"]
"""Whose days before the first infusion are control: only arms with a planned control period, or every child's."""
InfusionMeans = Literal["product_and_administration", "product"]
"""What "related to an infusion" is asked of: the product with its puncture, sedation and anaesthesia, or the cells alone."""
NotRelatedNeeds = Literal["both", "either"]
"""Who must have said no before an event counts as not related: investigator and sponsor, or one with the other not saying yes."""


class Analysis(Spec):
    """How the board's tables count. Numbers are rules of the house until a charter settles them; the rest is in doubt."""

    days_per_year: DecimalText
    confidence: DecimalText
    """Of the exact Poisson limits, two-sided."""
    small_cell_below: int = Field(ge=2)
    """Outside the closed report a count of children from 1 to below this is not shown."""
    smallest_arm: int = Field(ge=2)
    """With fewer children in an arm the pooled report would be the other arm's: it is withheld."""
    open_reports_apart_days: int = Field(ge=0)
    """Two open reports closer together than this could be subtracted from each other; the later one is withheld."""
    onset_clock: InDoubt[OnsetClock]
    control_time: InDoubt[ControlTime]
    infusion_means: InDoubt[InfusionMeans]
    not_related_needs: InDoubt[NotRelatedNeeds]

    @model_validator(mode="after")
    def _sound(self) -> Analysis:
        if not 0 < Decimal(self.confidence) < 1:
            raise ValueError("confidence must lie between 0 and 1; write it like 0.95")
        if not 365 <= Decimal(self.days_per_year) <= 366:
            raise ValueError("days_per_year must lie between 365 and 366; write it like 365.25")
        return self


class DsmbCharter(Spec):
    """`review_every_months`, the rules and the analysis are ours until the sponsor's charter is known: `illustrative`."""

    version: Identifier
    illustrative: StrictBool
    review_every_months: int = Field(ge=1)
    note: Bilingual
    stopping_rules: tuple[StoppingRule, ...]
    analysis: Analysis
