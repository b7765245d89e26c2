"""A duty to tell one recipient about one case under one rule, with every version of its due date and why it moved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from shared.case.base import Answer, Published

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


class DutyFactor(Published):
    """One question that the rule asks, as it stands: of one event, and of one suspect where it is about a product.

    `answer` unknown means nobody has answered: it was then taken the safe way, as a yes (`taken_as_yes`).
    """

    code: str
    """For example `rel_inv`, `unexp`, `exposed`."""
    event_id: str = ""
    suspect: str = ""
    """The exposure's id, or `reported:` and its kind where none is recorded; empty for questions about the event or the trial."""
    answer: Answer
    taken_as_yes: bool
    answered_by: str = ""
    """The user id; empty where a record or the trial file answers, or nobody has."""
    aggregate: str = ""
    version: int | None = None
    """Of the document that answers (`case/…`, `assessment/…`, `exposure/…`)."""
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
    factors: tuple[DutyFactor, ...] = ()
    """What the rule asked, and the answers it has: those that keep the duty open, or, of a duty that ended, all of them."""
    filed_at: datetime | None = None
    received_at: datetime | None = None
    ended_why: str | None = None
    recorded_at: datetime
