"""A duty to tell one recipient about one case under one rule, with every version of its due date and why it moved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from shared.case.base import Published

ObligationState = Literal["open", "filed", "received", "rejected", "ended"]
"""`filed` = sent, not yet known to have arrived; `rejected` is open again with its original due date."""


class DutyCause(Published):
    """One reason for the present shape of the duty: what became known, in which version, and what it did."""

    at: datetime
    aggregate: str
    version: int
    code: str
    why_en: str
    why_vi: str


class Obligation(Published):
    """One version of one duty (aggregate `obligation/{obligation_id}`).

    `due_at` is the legal reading (UTC instant of the last second of the last day, authority's zone); `due_strict_at` the
    earliest reading of every doubt, which the alarms follow and which is never later than `due_at`.
    """

    obligation_id: str
    version: int
    trial_id: str
    subject_id: str
    case_id: str
    case_number: str
    rule_id: str
    """For example `VN-SAE-7WD`."""
    recipient_id: str
    recipient_zone: str
    state: ObligationState
    provisional: bool = False
    """True when awareness is missing and the clock runs from the server's receipt."""
    provisional_why: tuple[str, ...] = ()
    day_0: date | None = None
    """The day that is not counted, in the safety desk's zone; null for hour clocks."""
    aware_at: datetime
    due_at: datetime
    due_strict_at: datetime
    due_on: date
    """Local date of `due_at` in the recipient's zone."""
    rule_sha256: str
    calendar_sha256: str
    causes: tuple[DutyCause, ...] = ()
    filed_at: datetime | None = None
    received_at: datetime | None = None
    ended_why: str | None = None
    recorded_at: datetime
