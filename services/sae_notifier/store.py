"""The tables of sae_notifier and every query on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    case,
    func,
    inspect,
    or_,
    select,
    text,
)
from sqlmodel import Field, col

from shared.audit import SEALS_STREAM, Audit, Audited, AuditRow, Proven
from shared.bus import received
from shared.canonical import canonical
from shared.case import Assessment, Batch, CaseReport, Exposure, Measurement, Obligation, Subject
from shared.db import Tx
from shared.statement import insert_of, update_of


class ObligationRow(Audited, table=True):
    """One version of one duty, as canonical JSON. Versions are only added."""

    __tablename__: ClassVar[str] = "obligation_versions"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("obligation_id", "version")

    obligation_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    subject_id: str
    body: str = Field(sa_column=Column(Text, nullable=False))
    recorded_at: datetime

    def document(self) -> Obligation:
        return received.read_as(Obligation, self.body)


class DutyRow(Audited, table=True):
    """The head of one duty: what lists, alarms and the ledger ask for."""

    __tablename__: ClassVar[str] = "duties"  # type: ignore[misc]
    __table_args__ = (
        Index("duties_open_by_strict", "state", "due_strict_at"),
        CheckConstraint("due_strict_at <= due_at", name="duties_strict_never_later"),
        CheckConstraint("state IN ('open', 'filed', 'received', 'rejected', 'ended')", name="duties_state"),
        CheckConstraint("version >= 1", name="duties_version"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("obligation_id",)

    obligation_id: str = Field(primary_key=True)
    version: int
    case_id: str = Field(index=True)
    case_number: str
    subject_id: str = Field(index=True)
    rule_id: str
    recipient_id: str
    state: str
    provisional: bool
    due_at: datetime
    due_strict_at: datetime


class AlertRow(Audited, table=True):
    """One thing a person must confirm. `cause` is unique: a replay, a second instance or a late version opens nothing twice."""

    __tablename__: ClassVar[str] = "alerts"  # type: ignore[misc]
    __table_args__ = (
        CheckConstraint("(state = 'confirmed') = (confirmed_by IS NOT NULL)", name="alerts_confirmed_by_somebody"),
        CheckConstraint("state IN ('open', 'confirmed')", name="alerts_state"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("alert_id",)

    alert_id: str = Field(primary_key=True)
    cause: str = Field(unique=True)
    kind: str
    """sae, sae_upgraded, sterility, parked, alarm."""
    subject_id: str
    case_id: str | None = Field(default=None, index=True)
    case_number: str | None = None
    obligation_id: str | None = None
    threshold: str | None = None
    opened_at: datetime
    state: str = "open"
    round: int = 1
    exhausted_at: datetime | None = None
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    note: str | None = None
    traceparent: str | None = None


class CallRow(Audited, Proven, table=True):
    """One message to one person on one channel. `sent` means handed over; only a named person's confirmation ends an alert."""

    __tablename__: ClassVar[str] = "calls"  # type: ignore[misc]
    __table_args__ = (
        Index(
            "calls_waiting",
            "call_at",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        CheckConstraint("state IN ('waiting', 'sent', 'failed', 'dropped')", name="calls_state"),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="calls_sent_when"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("call_id",)
    audit_apart: ClassVar[tuple[str, ...]] = ("claimed_until", "proof")
    proven: ClassVar[tuple[str, ...]] = ("claimed_until",)
    unproven: ClassVar[Mapping[str, Any] | None] = {"claimed_until": None}

    call_id: str = Field(primary_key=True)
    alert_id: str = Field(index=True)
    subject_id: str
    round: int
    step: int
    person: str
    user_id: str
    channel: str
    address: str
    message_id: str
    call_at: datetime
    state: str = "waiting"
    """waiting, sent, failed (given up, and the next person called), or dropped (confirmed before its time)."""
    attempts: int = 0
    claimed_until: datetime | None = None
    proof: str | None = None
    sent_at: datetime | None = None
    error: str | None = None


class AlarmRow(Audited, table=True):
    """One row per (duty, threshold, due): made by whichever instance comes first."""

    __tablename__: ClassVar[str] = "alarms"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("obligation_id", "threshold", "due_strict_at")

    obligation_id: str = Field(primary_key=True)
    threshold: str = Field(primary_key=True)
    due_strict_at: datetime = Field(primary_key=True)
    alert_id: str
    raised_at: datetime


class FormRow(Audited, table=True):
    """A rendered document, immutable: its bytes, their SHA-256, and the case version it shows."""

    __tablename__: ClassVar[str] = "forms"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("document_id",)

    document_id: str = Field(primary_key=True)
    kind: str
    case_id: str = Field(index=True)
    case_number: str
    case_version: int
    case_sha256: str
    subject_id: str
    recipient_id: str | None = None
    follow_up: int = 0
    sha256: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_by: str
    made_at: datetime


class FilingRow(Audited, Proven, table=True):
    """One telling of one recipient: bytes and message number are stored before anything is sent."""

    __tablename__: ClassVar[str] = "filings"  # type: ignore[misc]
    __table_args__ = (
        UniqueConstraint("message_number"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed', 'received', 'rejected')", name="filings_state"),
        CheckConstraint("state NOT IN ('sent', 'received') OR sent_at IS NOT NULL", name="filings_sent_when"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("filing_id",)
    audit_apart: ClassVar[tuple[str, ...]] = ("claimed_until", "proof")
    proven: ClassVar[tuple[str, ...]] = ("claimed_until",)
    unproven: ClassVar[Mapping[str, Any] | None] = {"claimed_until": None}

    filing_id: str = Field(primary_key=True)
    message_number: str
    """Derived from case, version and recipient: a repeat after a crash carries the same one."""
    obligation_id: str = Field(index=True)
    case_id: str = Field(index=True)
    case_number: str
    case_version: int
    subject_id: str
    recipient_id: str
    document_id: str
    method: str
    """mail, post, portal or hand."""
    address: str
    state: str
    """waiting (to be sent), sent, failed, received, rejected."""
    filed_by: str
    filed_at: datetime
    sent_at: datetime | None = None
    reference: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    claimed_until: datetime | None = None
    proof: str | None = None
    error: str | None = None


class ReceiptRow(Audited, table=True):
    """Why we say that it arrived, or was turned down: a delivery notice, an answer, or a named person's proof."""

    __tablename__: ClassVar[str] = "receipts"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("receipt_id",)

    receipt_id: str = Field(primary_key=True)
    filing_id: str = Field(index=True)
    verdict: str
    """received or rejected."""
    kind: str
    """delivery_notice, answer or proof."""
    at: datetime
    reference: str
    reasons: str = Field(default="", sa_column=Column(Text, nullable=False))
    proof_name: str | None = None
    proof_type: str | None = None
    sha256: str | None = None
    content: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    recorded_by: str
    recorded_at: datetime


class RuleFileRow(Audited, table=True):
    """A rule, calendar or trial file as it stood when it was first used, by hash: "what did we owe on day 3" needs it."""

    __tablename__: ClassVar[str] = "rule_files"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("sha256",)

    sha256: str = Field(primary_key=True)
    name: str
    body: str = Field(sa_column=Column(Text, nullable=False))
    versions: str
    """Versions of the holidays library and of tzdata it was used with."""
    first_used_at: datetime


AUDITED: tuple[type[Audited], ...] = (
    ObligationRow,
    DutyRow,
    AlertRow,
    CallRow,
    AlarmRow,
    FormRow,
    FilingRow,
    ReceiptRow,
    RuleFileRow,
)


# What was received ----------------------------------------------------------------------------------------------


def case_versions(tx: Tx, case_id: str) -> list[CaseReport]:
    return [received.read_as(CaseReport, row.body) for row in received.history(tx, f"case/{case_id}")]


def cases_of_child(tx: Tx, subject_id: str) -> list[CaseReport]:
    return [received.read_as(CaseReport, row.body) for row in received.latest_of_child(tx, subject_id, "case/")]


def exposures_of_child(tx: Tx, subject_id: str) -> list[Exposure]:
    return [received.read_as(Exposure, row.body) for row in received.latest_of_child(tx, subject_id, "exposure/")]


def measurements_of_child(tx: Tx, subject_id: str) -> list[Measurement]:
    return [received.read_as(Measurement, row.body) for row in received.latest_of_child(tx, subject_id, "measurement/")]


def batches_of_child(tx: Tx, subject_id: str) -> list[Batch]:
    return [received.read_as(Batch, row.body) for row in received.latest_of_child(tx, subject_id, "batch/")]


def subject(tx: Tx, subject_id: str) -> Subject | None:
    rows = received.latest_of_child(tx, subject_id, "subject/")
    return received.read_as(Subject, rows[0].body) if rows else None


def assessments(tx: Tx, case_id: str) -> list[Assessment]:
    return [received.read_as(Assessment, row.body) for row in received.history(tx, f"assessment/{case_id}")]


def current_versions(tx: Tx, subject_id: str) -> dict[str, int]:
    """Newest version of every aggregate of the child, by name: what an assessment must have judged."""
    return received.versions_of_child(tx, subject_id)


def nullified_cases(tx: Tx, since: datetime | None = None, replaced_by: str | None = None) -> list[CaseReport]:
    """Void cases, whoever's child: those received after `since`, those that name `replaced_by` as their replacement."""
    row = received.ReceivedRow
    statement = select(row).where(text("type = 'tocsin.case.nullified.v1'"))  # as its index says it
    if since is not None:
        statement = statement.where(col(row.received_at) >= since)
    if replaced_by is not None:
        statement = statement.where(col(row.body).contains(f'"replaced_by":{json.dumps(replaced_by)}', autoescape=True))
    return [CaseReport.read(one.data()) for one in tx.session.execute(statement).scalars()]


def case_sha256(tx: Tx, case_id: str, version: int) -> str:
    row = tx.session.get(received.ReceivedRow, (f"case/{case_id}", version))
    return row.sha256 if row else ""


# Duties ---------------------------------------------------------------------------------------------------------


_MOVE_DUTY = update_of(DutyRow, "obligation_id")


def add_obligation(tx: Tx, duty: Obligation) -> tuple[ObligationRow, DutyRow]:
    """Add one version and move the head to it; the primary key refuses a version that exists."""
    row = ObligationRow(
        obligation_id=duty.obligation_id,
        version=duty.version,
        subject_id=duty.subject_id,
        body=canonical(duty).decode(),
        recorded_at=duty.recorded_at,
    )
    tx.write(insert_of(ObligationRow), row.model_dump())
    head = DutyRow(
        obligation_id=duty.obligation_id,
        version=duty.version,
        case_id=duty.case_id,
        case_number=duty.case_number,
        subject_id=duty.subject_id,
        rule_id=duty.rule_id,
        recipient_id=duty.recipient_id,
        state=duty.state,
        provisional=duty.provisional,
        due_at=duty.due_at,
        due_strict_at=duty.due_strict_at,
    )
    if duty.version == 1:
        tx.write(insert_of(DutyRow), head.model_dump())
    else:
        tx.write(_MOVE_DUTY, head.model_dump())
    return row, head


def obligation(tx: Tx, obligation_id: str) -> Obligation | None:
    """The newest version."""
    statement = (
        select(ObligationRow)
        .where(col(ObligationRow.obligation_id) == obligation_id)
        .order_by(col(ObligationRow.version).desc())
        .limit(1)
    )
    row = tx.session.execute(statement).scalar()
    return row.document() if row else None


def obligation_history(tx: Tx, obligation_id: str) -> list[Obligation]:
    statement = (
        select(ObligationRow)
        .where(col(ObligationRow.obligation_id) == obligation_id)
        .order_by(col(ObligationRow.version))
    )
    return [row.document() for row in tx.session.execute(statement).scalars()]


def obligations_of(tx: Tx, case_ids: Sequence[str]) -> list[Obligation]:
    statement = (
        select(ObligationRow)
        .join(
            DutyRow,
            (col(DutyRow.obligation_id) == col(ObligationRow.obligation_id))
            & (col(DutyRow.version) == col(ObligationRow.version)),
        )
        .where(col(DutyRow.case_id).in_(case_ids))
        .order_by(col(DutyRow.due_strict_at), col(DutyRow.recipient_id))
    )
    return [row.document() for row in tx.session.execute(statement).scalars()]


def open_obligations(
    tx: Tx, *, states: Sequence[str] = ("open", "filed", "rejected"), limit: int = 500
) -> list[Obligation]:
    """By strict due time, soonest first."""
    statement = (
        select(ObligationRow)
        .join(
            DutyRow,
            (col(DutyRow.obligation_id) == col(ObligationRow.obligation_id))
            & (col(DutyRow.version) == col(ObligationRow.version)),
        )
        .where(col(DutyRow.state).in_(states))
        .order_by(col(DutyRow.due_strict_at), col(DutyRow.obligation_id))
        .limit(limit)
    )
    return [row.document() for row in tx.session.execute(statement).scalars()]


def duties_near(tx: Tx, until: datetime, limit: int = 200) -> list[DutyRow]:
    """Duties not met whose strict due lies before `until`, soonest first."""
    statement = (
        select(DutyRow)
        .where(col(DutyRow.state).in_(("open", "filed", "rejected")), col(DutyRow.due_strict_at) <= until)
        .order_by(col(DutyRow.due_strict_at))
        .limit(limit)
    )
    return list(tx.session.execute(statement).scalars())


def strict_dates_owed(tx: Tx) -> list[datetime]:
    """The strict date of every duty that is not met and has not ended."""
    owed = col(DutyRow.state).in_(("open", "filed", "rejected"))
    return [row[0] for row in tx.execute(select(col(DutyRow.due_strict_at)).where(owed))]


def alarms_raised(tx: Tx, obligation_ids: Sequence[str]) -> set[tuple[str, str, datetime]]:
    statement = select(col(AlarmRow.obligation_id), col(AlarmRow.threshold), col(AlarmRow.due_strict_at)).where(
        col(AlarmRow.obligation_id).in_(obligation_ids)
    )
    return {(a, b, c) for a, b, c in tx.execute(statement)}


# Alerts ---------------------------------------------------------------------------------------------------------


def alert_by_cause(tx: Tx, cause: str) -> AlertRow | None:
    return tx.session.execute(select(AlertRow).where(col(AlertRow.cause) == cause)).scalar()


def alert(tx: Tx, alert_id: str, *, lock: bool = False) -> AlertRow | None:
    statement = select(AlertRow).where(col(AlertRow.alert_id) == alert_id)
    return tx.session.execute(statement.with_for_update() if lock else statement).scalar()


def alerts(tx: Tx, *, state: str | None = None, case_id: str | None = None, limit: int = 200) -> list[AlertRow]:
    """Newest first."""
    statement = select(AlertRow).order_by(col(AlertRow.opened_at).desc(), col(AlertRow.alert_id)).limit(limit)
    if state is not None:
        statement = statement.where(col(AlertRow.state) == state)
    if case_id is not None:
        statement = statement.where(col(AlertRow.case_id) == case_id)
    return list(tx.session.execute(statement).scalars())


def calls_of(tx: Tx, alert_ids: Sequence[str]) -> list[CallRow]:
    statement = (
        select(CallRow)
        .where(col(CallRow.alert_id).in_(alert_ids))
        .order_by(col(CallRow.call_at), col(CallRow.step), col(CallRow.channel))
    )
    return list(tx.session.execute(statement).scalars())


_NO_CLAIM_SO_LONG = timedelta(minutes=15)


def _unclaimed(claimed_until: Any, now: datetime) -> Any:
    """A claim that reaches further than any of ours was not ours: it must not keep a call from being made."""
    return or_(claimed_until.is_(None), claimed_until <= now, claimed_until > now + _NO_CLAIM_SO_LONG)


def _claim(tx: Tx, audit: Audit, rows: Sequence[CallRow] | Sequence[FilingRow], until: datetime) -> None:
    for row in rows:
        row.claimed_until = until
        row.proof = audit.prove(type(row), row.model_dump())
        tx.session.add(row)


def release(row: CallRow | FilingRow) -> None:
    """Its holder is done with it."""
    row.claimed_until = row.proof = None


def claim_calls(tx: Tx, audit: Audit, now: datetime, until: datetime, limit: int = 10) -> list[CallRow]:
    """Take due calls of open alerts that nobody holds; another instance skips what this one locked."""
    statement = (
        select(CallRow)
        .join(AlertRow, col(AlertRow.alert_id) == col(CallRow.alert_id))
        .where(
            col(CallRow.state) == "waiting",
            col(AlertRow.state) == "open",
            col(CallRow.call_at) <= now,
            _unclaimed(col(CallRow.claimed_until), now),
        )
        .order_by(col(CallRow.call_at))
        .limit(limit)
        .with_for_update(skip_locked=True, of=CallRow)
    )
    rows = list(tx.session.execute(statement).scalars())
    _claim(tx, audit, rows, until)
    return rows


def open_alerts_without_waiting_calls(tx: Tx, limit: int = 50) -> list[AlertRow]:
    """Open alerts whose every call has been made: time for another round."""
    waiting = (
        select(col(CallRow.alert_id))
        .where(col(CallRow.alert_id) == col(AlertRow.alert_id), col(CallRow.state) == "waiting")
        .exists()
    )
    statement = select(AlertRow).where(col(AlertRow.state) == "open", ~waiting).limit(limit)
    return list(tx.session.execute(statement).scalars())


def count_open_alerts(tx: Tx) -> int:
    return int(tx.scalar(select(func.count()).select_from(AlertRow).where(col(AlertRow.state) == "open")))


# Forms and filings ----------------------------------------------------------------------------------------------


def add_row(tx: Tx, row: Audited) -> None:
    tx.write(insert_of(type(row)), row.model_dump())


def form(tx: Tx, document_id: str) -> FormRow | None:
    return tx.session.get(FormRow, document_id)


def forms_of(tx: Tx, case_id: str) -> list[dict[str, Any]]:
    """Without their bytes, newest first."""
    columns = [column for column in inspect(FormRow).columns if column.name != "content"]
    statement = select(*columns).where(col(FormRow.case_id) == case_id).order_by(col(FormRow.made_at).desc())
    return [dict(row._mapping) for row in tx.execute(statement)]


def filing(tx: Tx, filing_id: str, *, lock: bool = False) -> FilingRow | None:
    statement = select(FilingRow).where(col(FilingRow.filing_id) == filing_id)
    return tx.session.execute(statement.with_for_update() if lock else statement).scalar()


def filing_by_number(tx: Tx, message_number: str) -> FilingRow | None:
    return tx.session.execute(select(FilingRow).where(col(FilingRow.message_number) == message_number)).scalar()


def filings(
    tx: Tx,
    *,
    case_id: str | None = None,
    obligation_id: str | None = None,
    recipient_id: str | None = None,
    limit: int = 500,
) -> list[FilingRow]:
    """Newest first."""
    statement = select(FilingRow).order_by(col(FilingRow.filed_at).desc(), col(FilingRow.filing_id)).limit(limit)
    if case_id is not None:
        statement = statement.where(col(FilingRow.case_id) == case_id)
    if obligation_id is not None:
        statement = statement.where(col(FilingRow.obligation_id) == obligation_id)
    if recipient_id is not None:
        statement = statement.where(col(FilingRow.recipient_id) == recipient_id)
    return list(tx.session.execute(statement).scalars())


def claim_filings(tx: Tx, audit: Audit, now: datetime, until: datetime, limit: int = 5) -> list[FilingRow]:
    """Take mails to be sent; only the head per (recipient, case), so that a follow-up never overtakes."""
    from sqlalchemy.orm import aliased

    earlier = aliased(FilingRow)
    blocked = (
        select(col(earlier.filing_id))
        .where(
            col(earlier.case_id) == col(FilingRow.case_id),
            col(earlier.recipient_id) == col(FilingRow.recipient_id),
            col(earlier.case_version) < col(FilingRow.case_version),
            col(earlier.state).in_(("waiting", "failed")),
        )
        .exists()
    )
    statement = (
        select(FilingRow)
        .where(
            col(FilingRow.state) == "waiting",
            col(FilingRow.method) == "mail",
            or_(col(FilingRow.next_attempt_at).is_(None), col(FilingRow.next_attempt_at) <= now),
            _unclaimed(col(FilingRow.claimed_until), now),
            ~blocked,
        )
        .order_by(col(FilingRow.filed_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(tx.session.execute(statement).scalars())
    _claim(tx, audit, rows, until)
    return rows


def receipts_of(tx: Tx, filing_ids: Sequence[str]) -> list[ReceiptRow]:
    statement = (
        select(ReceiptRow).where(col(ReceiptRow.filing_id).in_(filing_ids)).order_by(col(ReceiptRow.recorded_at))
    )
    return list(tx.session.execute(statement).scalars())


def receipt(tx: Tx, receipt_id: str) -> ReceiptRow | None:
    return tx.session.get(ReceiptRow, receipt_id)


def last_received_version(tx: Tx, case_id: str, recipient_id: str) -> int | None:
    """The newest case version that this recipient is known to have received."""
    statement = select(func.max(col(FilingRow.case_version))).where(
        col(FilingRow.case_id) == case_id,
        col(FilingRow.recipient_id) == recipient_id,
        col(FilingRow.state) == "received",
    )
    return tx.scalar(statement)


def keep_rule_file(tx: Tx, row: RuleFileRow) -> bool:
    """True when it was not known yet."""
    if tx.session.get(RuleFileRow, row.sha256) is not None:
        return False
    add_row(tx, row)
    return True


def rule_file(tx: Tx, sha256: str) -> RuleFileRow | None:
    return tx.session.get(RuleFileRow, sha256)


# What the pages list ----------------------------------------------------------------------------------------------


def desk_version(tx: Tx) -> str:
    """Differs as soon as anything on the desk has changed: every change here writes to the trail, seals aside."""
    statement = select(col(AuditRow.id)).where(col(AuditRow.stream) != SEALS_STREAM)
    return str(tx.scalar(statement.order_by(col(AuditRow.id).desc()).limit(1)) or 0)


def unsettled_filings(tx: Tx, limit: int = 200) -> list[FilingRow]:
    """Tellings that failed, are still to be sent, or have no receipt yet; the oldest first."""
    statement = (
        select(FilingRow)
        .where(col(FilingRow.state).in_(("failed", "waiting", "sent")))
        .order_by(col(FilingRow.filed_at), col(FilingRow.filing_id))
        .limit(limit)
    )
    return list(tx.session.execute(statement).scalars())


def cases_with_duties(tx: Tx, case_number: str = "", limit: int = 50) -> list[str]:
    """Case ids, those with something owed first, then the newest number; `case_number` keeps those that contain it."""
    owed = func.max(case((col(DutyRow.state).in_(("open", "filed", "rejected")), 1), else_=0))
    statement = select(col(DutyRow.case_id)).group_by(col(DutyRow.case_id), col(DutyRow.case_number))
    if case_number:
        statement = statement.where(col(DutyRow.case_number).contains(case_number, autoescape=True))
    ordered = statement.order_by(owed.desc(), col(DutyRow.case_number).desc()).limit(limit)
    return [row[0] for row in tx.execute(ordered)]
