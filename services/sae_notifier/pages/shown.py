"""What the templates read: alerts, calls, duties and filings as a person sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from services.sae_notifier.handlers import Notifier
from services.sae_notifier.pages.law import ended_words, question_words
from services.sae_notifier.rules.ending import COMPLETE_AS_SENT, NOT_SIGNIFICANT
from services.sae_notifier.store import AlertRow, CallRow, FilingRow, ReceiptRow
from shared.case import CaseRedacted, Obligation
from shared.trial import Trial
from shared.trial.base import Bilingual

OWED = ("open", "filed", "rejected")
SIGNED_AWAY = {
    COMPLETE_AS_SENT.code: Bilingual(en="met by the report that was sent", vi="báo cáo đã gửi đã đáp ứng"),
    NOT_SIGNIFICANT.code: Bilingual(en="no significant news", vi="không có tin mới quan trọng"),
}
"""Why a duty ended -> the ledger's few words, before the name of who signed."""


@dataclass(frozen=True)
class CallShown:
    """One message to one person; `state` is waiting, retrying, sent, failed or dropped; `at` is when it was or will be."""

    person: Bilingual
    channel: str
    state: str
    at: datetime
    round: int
    attempts: int
    error: str


@dataclass(frozen=True)
class AlertShown:
    alert_id: str
    kind: str
    case_id: str | None
    case_number: str
    obligation_id: str | None
    rule_id: str
    threshold: str
    opened_at: datetime
    open: bool
    round: int
    exhausted_at: datetime | None
    confirmed_by: str
    confirmed_at: datetime | None
    note: str
    calls: tuple[CallShown, ...]

    @property
    def reached(self) -> tuple[CallShown, ...]:
        """Calls handed over to a channel; that a person has read them only a confirmation says."""
        return tuple(call for call in self.calls if call.state == "sent")

    @property
    def troubled(self) -> tuple[CallShown, ...]:
        return tuple(call for call in self.calls if call.state in ("failed", "retrying"))

    @property
    def next_call(self) -> CallShown | None:
        waiting = [call for call in self.calls if call.state in ("waiting", "retrying")]
        return min(waiting, key=lambda call: call.at, default=None)


@dataclass(frozen=True)
class CauseShown:
    at: datetime
    version: int
    aggregate: str
    why: Bilingual


@dataclass(frozen=True)
class DutyShown:
    """One version of one duty. `strict_at` is never later than `due_at`; `late` while owed after the legal date."""

    obligation_id: str
    version: int
    case_id: str
    case_number: str
    rule_id: str
    title: Bilingual
    recipient_id: str
    recipient: Bilingual
    zone: str
    state: str
    owed: bool
    late: bool
    questions: tuple[Bilingual, ...]
    day_0: date | None
    aware_at: datetime
    due_at: datetime
    strict_at: datetime
    due_on: date
    causes: tuple[CauseShown, ...]
    filed_at: datetime | None
    received_at: datetime | None
    ended: Bilingual | None
    recorded_at: datetime
    signed_away: Bilingual | None = None
    """Whose signature closed it without a report of its own, and why."""

    @property
    def two_readings(self) -> bool:
        return self.strict_at != self.due_at


@dataclass(frozen=True)
class ReceiptShown:
    receipt_id: str
    verdict: str
    kind: str
    at: datetime
    reference: str
    reasons: str
    proof_name: str
    sha256: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True)
class FilingShown:
    filing_id: str
    obligation_id: str
    case_id: str
    case_number: str
    case_version: int
    recipient: Bilingual
    zone: str
    document_id: str
    method: str
    state: str
    number: str
    address: str
    filed_by: str
    filed_at: datetime
    sent_at: datetime | None
    reference: str
    attempts: int
    next_attempt_at: datetime | None
    error: str
    receipts: tuple[ReceiptShown, ...] = ()
    acceptance: str = ""
    """What the recipient's computer said: accepted, rejected or nothing yet."""
    answer_due_at: datetime | None = None
    waits_for: tuple[str, ...] = ()
    """Numbers that must leave before it."""
    complaints: tuple[Any, ...] = ()

    @property
    def file_type(self) -> str:
        return "XML" if self.method == "gateway" else "PDF"


@dataclass(frozen=True)
class DocumentShown:
    document_id: str
    kind: str
    recipient: Bilingual
    case_version: int
    follow_up: int
    sha256: str
    made_by: str
    made_at: datetime
    withdrawn_at: datetime | None = None
    """It leaves no more: words were taken back."""
    taken_back: CaseRedacted | None = None
    """It was sent, and holds words that were taken back later."""
    gone: bool = False
    """It was never sent, and its bytes went with the words."""


@dataclass(frozen=True)
class DutyGroup:
    """Duties of one case under one rule with one pair of dates: one line of the desk, each recipient named in it."""

    first: DutyShown
    duties: list[DutyShown] = field(default_factory=list)

    @property
    def causes(self) -> tuple[CauseShown, ...]:
        """Why they are owed, each reason once, oldest first."""
        found = {(cause.at, cause.why.en): cause for duty in self.duties for cause in duty.causes}
        return tuple(sorted(found.values(), key=lambda cause: cause.at))


def alert(
    trial: Trial, row: AlertRow, calls: Iterable[CallRow], rules: Mapping[str, str] = MappingProxyType({})
) -> AlertShown:
    """`rules` maps obligation ids to their rule, so that two alarms of one case can be told apart."""
    mine = tuple(call(trial, one) for one in calls if one.alert_id == row.alert_id)
    return AlertShown(
        alert_id=row.alert_id,
        kind=row.kind,
        case_id=row.case_id,
        case_number=row.case_number or "",
        obligation_id=row.obligation_id,
        rule_id=rules.get(row.obligation_id or "", ""),
        threshold=row.threshold or "",
        opened_at=row.opened_at,
        open=row.state == "open",
        round=row.round,
        exhausted_at=row.exhausted_at,
        confirmed_by=row.confirmed_by or "",
        confirmed_at=row.confirmed_at,
        note=row.note or "",
        calls=mine,
    )


_FIRST = ("sae_upgraded", "sae", "sterility", "parked", "dsmb_rule")
"""Kinds about a child come before those about our own deadlines and post."""


def for_desk(alerts: Iterable[AlertShown]) -> list[AlertShown]:
    """New harm first, then our own deadlines; the order given (newest first) within each."""
    return sorted(alerts, key=lambda one: one.kind not in _FIRST)


def call(trial: Trial, row: CallRow) -> CallShown:
    person = next((one for one in trial.roster.persons if one.id == row.person), None)
    return CallShown(
        person=person.title if person else Bilingual(en=row.person, vi=row.person),
        channel=row.channel,
        state="retrying" if row.state == "waiting" and row.error else row.state,
        at=row.sent_at or row.call_at,
        round=row.round,
        attempts=row.attempts,
        error=row.error or "",
    )


def duty(notifier: Notifier, one: Obligation, now: datetime) -> DutyShown:
    owed = one.state in OWED
    rule = next((rule for rule in notifier.laws.seen.rulebook.rules if rule.rule_id == one.rule_id), None)
    return DutyShown(
        obligation_id=one.obligation_id,
        version=one.version,
        case_id=one.case_id,
        case_number=one.case_number,
        rule_id=one.rule_id,
        title=Bilingual(en=rule.title.en, vi=rule.title.vi) if rule else Bilingual(en=one.rule_id, vi=one.rule_id),
        recipient_id=one.recipient_id,
        recipient=recipient_name(notifier.trial, one.recipient_id),
        zone=one.recipient_zone,
        state=one.state,
        owed=owed,
        late=owed and now > one.due_at,
        questions=question_words(one.provisional_why),
        day_0=one.day_0,
        aware_at=one.aware_at,
        due_at=one.due_at,
        strict_at=one.due_strict_at,
        due_on=one.due_on,
        causes=tuple(
            CauseShown(why.at, why.version, why.aggregate, Bilingual(en=why.why_en, vi=why.why_vi))
            for why in one.causes
        ),
        filed_at=one.filed_at,
        received_at=one.received_at,
        ended=ended_words(one.ended_why),
        recorded_at=one.recorded_at,
        signed_away=_signed_away(one),
    )


def _signed_away(one: Obligation) -> Bilingual | None:
    if one.state != "ended" or not one.statements or one.ended_why not in SIGNED_AWAY:
        return None
    said, by = SIGNED_AWAY[one.ended_why], one.statements[-1].signature.signed_by
    return Bilingual(en=f"{said.en} ({by})", vi=f"{said.vi} ({by})")


def recipient_name(trial: Trial, recipient_id: str) -> Bilingual:
    found = trial.recipient(recipient_id)
    return found.name if found else Bilingual(en=recipient_id, vi=recipient_id)


def grouped(duties: Sequence[DutyShown]) -> list[DutyGroup]:
    """In the order given, which is by strict date."""
    groups: dict[tuple[object, ...], DutyGroup] = {}
    for one in duties:
        key = (one.case_id, one.rule_id, one.strict_at, one.due_at, one.zone, tuple(q.en for q in one.questions))
        groups.setdefault(key, DutyGroup(one)).duties.append(one)
    return list(groups.values())


def filing(trial: Trial, row: FilingRow, receipts: Iterable[ReceiptRow] = ()) -> FilingShown:
    recipient = trial.recipient(row.recipient_id)
    return FilingShown(
        filing_id=row.filing_id,
        obligation_id=row.obligation_id,
        case_id=row.case_id,
        case_number=row.case_number,
        case_version=row.case_version,
        recipient=recipient_name(trial, row.recipient_id),
        zone=recipient.zone if recipient else trial.desk_zone,
        document_id=row.document_id,
        method=row.method,
        state=row.state,
        number=row.message_number,
        address=row.address,
        filed_by=row.filed_by,
        filed_at=row.filed_at,
        sent_at=row.sent_at,
        reference=row.reference or "",
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at if row.state == "waiting" else None,
        error=row.error or "",
        receipts=tuple(receipt(one) for one in receipts if one.filing_id == row.filing_id),
        acceptance=row.acceptance or "",
        answer_due_at=row.answer_due_at,
    )


def with_complaints(one: FilingShown, waits_for: tuple[str, ...], complaints: tuple[Any, ...]) -> FilingShown:
    return replace(one, waits_for=waits_for, complaints=complaints)


def receipt(row: ReceiptRow) -> ReceiptShown:
    return ReceiptShown(
        receipt_id=row.receipt_id,
        verdict=row.verdict,
        kind=row.kind,
        at=row.at,
        reference=row.reference,
        reasons=row.reasons,
        proof_name=row.proof_name or "",
        sha256=row.sha256 or "",
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
    )


def document(
    trial: Trial, row: dict[str, Any], later: Mapping[str, CaseRedacted] = MappingProxyType({})
) -> DocumentShown:
    return DocumentShown(
        document_id=row["document_id"],
        kind=row["kind"],
        recipient=recipient_name(trial, row["recipient_id"]),
        case_version=row["case_version"],
        follow_up=row["follow_up"],
        sha256=row["sha256"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        withdrawn_at=row["withdrawn_at"],
        taken_back=later.get(row["document_id"]),
        gone=not row["there"],
    )
