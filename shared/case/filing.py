"""What was told to whom: the document, the telling, and the answers. On the log, so that after a restore nothing is told twice."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published
from shared.case.text import FileText, Typed

FilingState = Literal["waiting", "sent", "failed", "received", "rejected"]


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
    recorded_at: datetime


class FilingReceipt(Published):
    """Why we say that it arrived, or was turned down. A proof's file stays in the database; its SHA-256 is here."""

    receipt_id: str
    verdict: Literal["received", "rejected"]
    kind: Literal["delivery_notice", "answer", "proof"]
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
    """mail, post, portal or hand."""
    address: str
    state: FilingState
    filed_by: str
    filed_at: datetime
    sent_at: datetime | None = None
    reference: Typed | None = None
    attempts: int = 0
    error: str | None = None
    receipts: tuple[FilingReceipt, ...] = ()
    recorded_at: datetime
