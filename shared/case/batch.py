"""A batch of cells made from one child for that child."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published
from shared.case.moment import Moment
from shared.case.quantity import DecimalText, Quantity
from shared.case.text import Typed


class Batch(Published):
    """Cells counted, viability, sterility and the chain of identity; a positive culture after release is an alarm by itself."""

    batch_id: str
    version: int
    trial_id: str
    subject_id: str
    harvested: Moment | None = None
    released: Moment | None = None
    cells: Quantity | None = None
    viability_percent: DecimalText | None = None
    sterility: Literal["pending", "negative", "positive", "unknown"] = "pending"
    sterility_on: Moment | None = None
    organism: Typed | None = None
    identity_checked: bool | None = None
    voided: bool = False
    void_reason: Typed | None = None
    recorded_at: datetime
