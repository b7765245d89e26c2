"""What was told to whom: the document, the telling, and the answers. On the log, so that after a restore nothing is told twice."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published
from shared.case.moment import Moment
from shared.case.text import FileText, Typed

FilingState = Literal["waiting", "sent", "failed", "received", "rejected"]


class IcsrNumbers(Published):
    """What tells one E2B(R3) message from another, kept for ever: a version of a case has no number there."""

    batch_number: str
    """N.1.2; it is the message number of the telling too."""
    obligation_id: str
    created_at: datetime
    """C.1.2 and N.2.r.4."""
    first_received: Moment
    """C.1.4, which never changes."""
    profile: str
    initial: bool
    may_be_sent: bool
    findings: FileText
    """JSON, as `tocsin e2b validate` prints them; what the schema says may quote the file, and goes with its bytes."""


class ReportForm(Published):
    """A rendered document (aggregate `form/{document_id}`, version 1, immutable)."""

    document_id: str
    version: int = 1
    trial_id: str
    kind: str
    case_id: str
    case_number: str
    case_version: int
    case_sha256: str
    subject_id: str
    recipient_id: str | None = None
    follow_up: int = 0
    facts_sha256: str = ""
    """Of everything the document shows; the same facts make no second document."""
    sha256: str
    content_base64: FileText | None = None
    """The file; null when it is larger than the log carries, and then only the database has it; or taken back."""
    made_by: str
    made_at: datetime
    icsr: IcsrNumbers | None = None
    recorded_at: datetime


class FilingReceipt(Published):
    """Why we say that it arrived, or was turned down. A proof's file stays in the database; its SHA-256 is here."""

    receipt_id: str
    verdict: Literal["received", "accepted", "rejected"]
    """Received meets the duty; accepted is another fact, recorded beside it."""
    kind: Literal["delivery_notice", "answer", "proof", "acknowledgement"]
    at: datetime
    reference: Typed
    reasons: Typed = ""
    proof_name: Typed | None = None
    proof_type: str | None = None
    sha256: str | None = None
    recorded_by: str
    recorded_at: datetime


class Filing(Published):
    """One telling of one recipient (aggregate `filing/{filing_id}`); `message_number` is the same in every repeat of it."""

    filing_id: str
    version: int
    trial_id: str
    subject_id: str
    obligation_id: str
    case_id: str
    case_number: str
    case_version: int
    recipient_id: str
    document_id: str
    message_number: str
    method: str
    """gateway, mail, post, portal or hand."""
    address: str
    state: FilingState
    filed_by: str
    filed_at: datetime
    sent_at: datetime | None = None
    reference: Typed | None = None
    attempts: int = 0
    error: str | None = None
    acceptance: Literal["accepted", "rejected"] | None = None
    """What the recipient's computer said; null until it has."""
    answer_due_at: datetime | None = None
    """When an acknowledgement is missed; null where none is expected (any more)."""
    receipts: tuple[FilingReceipt, ...] = ()
    recorded_at: datetime


class Acknowledgement(Published):
    """A file that came back from a recipient (aggregate `acknowledgement/{ack_id}`), whatever it turned out to be."""

    ack_id: str
    version: int
    trial_id: str
    subject_id: str | None = None
    """Null while it belongs to no telling of ours."""
    via: str
    """The endpoint it came through, or `upload`."""
    name: Typed
    sha256: str
    content_base64: FileText | None = None
    """The file; null when it is larger than the log carries. It came from outside: nothing looks inside it."""
    arrived_at: datetime
    brought_by: str
    state: Literal["used", "parked", "closed"]
    why: str = ""
    message_code: str = ""
    decision: str
    batch_number: str = ""
    filing_id: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    closed_reason: Typed | None = None
    recorded_at: datetime
