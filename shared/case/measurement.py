"""A laboratory value, a vital sign or a score of one child, with the limits of the laboratory that made it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from shared.case.base import Published
from shared.case.moment import Moment
from shared.case.quantity import DecimalText
from shared.case.text import Judged, Typed


class Measurement(Published):
    """`test` is the code of what was measured (`body_temperature`, `haemoglobin`, `platelets`, `neutrophils`, `alt`, `ast`, `gmfm88`, ...)."""

    measurement_id: str
    version: int
    trial_id: str
    subject_id: str
    test: str
    instrument: Judged | None = None
    """For a score: which instrument (`MACS` or `Mini-MACS`, by age)."""
    value: DecimalText
    unit: str | None = None
    """UCUM (`Cel`, `g/L`, `10*9/L`, `U/L`); null when it was not given."""
    lower_limit: DecimalText | None = None
    upper_limit: DecimalText | None = None
    body_site: Judged | None = None
    """For a temperature: where it was taken; it is never converted."""
    lasted_hours: DecimalText | None = None
    """For a temperature: how long it stayed above; null when unknown."""
    baseline: bool = False
    taken: Moment | None = None
    voided: bool = False
    void_reason: Typed | None = None
    recorded_at: datetime

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.value)
