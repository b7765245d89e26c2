"""A duty to tell one recipient about one case under one rule, with every version of its due date and why it moved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from shared.case.assessment import Signature
from shared.case.base import Answer, Published
from shared.case.text import Typed

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


Says = Literal["complete", "not_significant"]
"""`complete`: the report that was sent lacked nothing. `not_significant`: what became known since changes nothing for it."""


class DutyStatement(Published):
    """What a named person signed about a duty, of a report that the recipient has received.

    It closes the duty only while everything it rests on stands: the report is received, and nothing that the rules know to
    be significant has changed since `report_as_of`.
    """

    says: Says
    case_version: int
    """The newest version of the case when it was signed; a later one is not covered."""
    report_version: int
    """The case version that the recipient holds."""
    report_number: str
    """Message number of that telling."""
    report_sha256: str
    """Of the document that was told; empty where its bytes are lost."""
    report_as_of: datetime
    """When that document was made: what was signed later does not stand in it."""
    reason: Typed
    signature: Signature
    """Its hash is that of the canonical JSON of the statement without it, with the `obligation_id`."""


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
    statements: tuple[DutyStatement, ...] = ()
    """Every one ever signed, oldest first; `ended_why` says whether one stands."""
    filed_at: datetime | None = None
    received_at: datetime | None = None
    ended_why: str | None = None
    recorded_at: datetime
