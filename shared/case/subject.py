"""A child in the trial, by code only: names and initials are never stored."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published
from shared.case.moment import Moment
from shared.case.text import Typed


class Subject(Published):
    """An unknown code makes a provisional subject, never a refusal; the arm is not here (it travels on tocsin.allocation)."""

    subject_id: str
    version: int
    trial_id: str
    site_id: str | None = None
    provisional: bool = False
    birth: Moment | None = None
    """Year and month are enough, and all that should be typed."""
    sex: Literal["female", "male", "unknown"] = "unknown"
    enrolled: Moment | None = None
    gmfcs_level: Literal["I", "II", "III", "IV", "V", "unknown"] = "unknown"
    left: Moment | None = None
    voided: bool = False
    void_reason: Typed | None = None
    recorded_at: datetime
