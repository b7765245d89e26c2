"""The shape of every answer of the JSON routes, for their OpenAPI description; `views` fills them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.sae_notifier.rules.preview import Effect
from shared.case import Obligation
from shared.case.obligation import ObligationState


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Duty(Obligation):
    """The newest version of a duty; `status` is its state, or `overdue` while it is owed and the legal date has passed."""

    recipient: str
    status: ObligationState | Literal["overdue"]
    seconds_left: int | None
    """Until the legal date; negative when it has passed, null when nothing is owed."""
    seconds_left_strict: int | None


class Duties(Answered):
    obligations: list[Duty]
    now: datetime


class DutyVersions(Answered):
    obligation: Duty
    versions: list[Obligation]


class Call(Answered):
    """One message to one person on one channel; `sent` is handed over, never more."""

    person: str
    channel: str
    round: int
    state: Literal["waiting", "sent", "failed", "dropped"]
    call_at: datetime
    sent_at: datetime | None
    attempts: int
    message_id: str
    error: str | None


class Alert(Answered):
    alert_id: str
    kind: str = Field(examples=["sae"])
    case_id: str | None
    case_number: str | None
    obligation_id: str | None
    threshold: str | None = Field(examples=["T-24h"])
    opened_at: datetime
    state: Literal["open", "confirmed"]
    round: int
    confirmed_by: str | None
    confirmed_at: datetime | None
    note: str | None
    calls: list[Call]


class Alerts(Answered):
    alerts: list[Alert]


class TakenBack(Answered):
    at: datetime
    by: str


class Words(Answered):
    vi: str
    en: str


class Found(Answered):
    """One thing found in an electronic report; an `error` keeps it from being sent."""

    layer: str
    rule: str
    element: str
    xpath: str
    severity: Literal["error", "warning"]
    message: Words


class Icsr(Answered):
    """What tells one electronic report from another (`batch_number` is N.1.2), and what was found in it."""

    batch_number: str
    obligation_id: str
    created_at: datetime
    profile: str
    initial: bool
    may_be_sent: bool
    findings: list[Found]


class Document(Answered):
    """A report as it was made: which case version it shows, for whom, and the SHA-256 of its bytes (at `path`)."""

    document_id: str
    kind: str
    media_type: str
    icsr: Icsr | None
    """Null for a form that people read."""
    case_id: str
    case_number: str
    case_version: int
    recipient_id: str | None
    follow_up: int
    sha256: str
    made_by: str
    made_at: datetime
    withdrawn_at: datetime | None
    """It leaves no more: words that it may have held were taken back. Its bytes are gone, unless the recipient may have
    them: then it says so in `taken_back_later`."""
    taken_back_later: TakenBack | None
    """It was sent, or may have been, and holds words that were taken back later: they could not be called back."""
    path: str


class Documents(Answered):
    documents: list[Document]


class Receipt(Answered):
    receipt_id: str
    verdict: Literal["received", "accepted", "rejected"]
    kind: Literal["delivery_notice", "answer", "proof", "acknowledgement"]
    at: datetime
    reference: str
    reasons: str
    proof_name: str | None
    sha256: str | None
    recorded_by: str
    recorded_at: datetime


class Filing(Answered):
    """One telling of one recipient; its `message_number` is derived from case, version and recipient."""

    filing_id: str
    message_number: str
    obligation_id: str
    case_id: str
    case_number: str
    case_version: int
    recipient_id: str
    document_id: str
    method: Literal["gateway", "mail", "post", "portal", "hand"]
    state: Literal["waiting", "sent", "failed", "received", "rejected"]
    acceptance: Literal["accepted", "rejected"] | None
    """What the recipient's computer said, beside the state."""
    answer_due_at: datetime | None
    filed_by: str
    filed_at: datetime
    sent_at: datetime | None
    reference: str | None
    attempts: int
    error: str | None
    receipts: list[Receipt]


class Filings(Answered):
    filings: list[Filing]


class Acknowledgement(Answered):
    """A file that came back; `why` says why it is parked, `filing_id` which telling it is about."""

    ack_id: str
    state: Literal["used", "parked", "closed"]
    why: str
    message_code: str
    decision: Literal["accepted", "rejected", "partly", "unreadable"]
    batch_number: str
    filing_id: str | None
    via: str
    name: str
    sha256: str
    arrived_at: datetime
    brought_by: str
    closed_by: str | None
    closed_at: datetime | None
    closed_reason: str | None


class Acknowledgements(Answered):
    acknowledgements: list[Acknowledgement]


def of_bytes(media_type: str, description: str, *more: str) -> dict[int | str, dict[str, Any]]:
    """A 200 of raw bytes, of this media type or one of `more`."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {one: {"schema": schema} for one in (media_type, *more)}}}


class LawFile(Answered):
    """`change` is against the files in force."""

    kind: Literal["rules", "calendar", "holidays", "trial"]
    name: str
    sha256: str
    change: Literal["same", "changed", "new", "gone"]


class Activation(Answered):
    """One signed decision; `sha256` is that of exactly what was signed."""

    number: int
    law_sha256: str
    activated_by: str
    activated_at: datetime
    reason: str
    sha256: str
    reviewed: bool
    """Every case has been judged by these files."""


class DutyChange(Answered):
    """What would become of one duty; null is not there. Times are UTC."""

    effect: Effect
    relaxes: bool
    obligation_id: str
    case_id: str
    case_number: str
    recipient_id: str
    rule_before: str | None
    rule_after: str | None
    due_before: datetime | None
    due_after: datetime | None
    strict_before: datetime | None
    strict_after: datetime | None


class LawPreview(Answered):
    """Relaxations first. `counts` by effect, with `same` for duties that only get other files; `failed` are case ids."""

    sha256: str
    counts: dict[str, int]
    recipients: list[str]
    relaxations: int
    changes: list[DutyChange]
    failed: list[str]


class RulesInForce(Answered):
    activation: Activation
    tzdata: str
    files: list[LawFile]


class RulesWaiting(Answered):
    sha256: str
    tzdata: str
    files: list[LawFile]
    preview: LawPreview


class Rules(Answered):
    """`waiting` is null while the configured files are those in force."""

    active: RulesInForce
    waiting: RulesWaiting | None
