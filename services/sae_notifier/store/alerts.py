"""Alerts, and the calls that carry each to one person after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Index,
    func,
    select,
    text,
)
from sqlmodel import Field, col

from services.sae_notifier.store.claims import Claimable, claim, unclaimed
from shared.audit import Audit, Audited
from shared.db import Tx


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
    """sae, sae_upgraded, sterility, parked, dsmb_rule, alarm."""
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


class CallRow(Audited, Claimable, table=True):
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
    sent_at: datetime | None = None
    error: str | None = None


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


def claim_calls(tx: Tx, audit: Audit, now: datetime, until: datetime, limit: int = 10) -> list[CallRow]:
    """Take due calls of open alerts that nobody holds; another instance skips what this one locked."""
    statement = (
        select(CallRow)
        .join(AlertRow, col(AlertRow.alert_id) == col(CallRow.alert_id))
        .where(
            col(CallRow.state) == "waiting",
            col(AlertRow.state) == "open",
            col(CallRow.call_at) <= now,
            unclaimed(col(CallRow.claimed_until), now),
        )
        .order_by(col(CallRow.call_at))
        .limit(limit)
        .with_for_update(skip_locked=True, of=CallRow)
    )
    rows = list(tx.session.execute(statement).scalars())
    claim(tx, audit, rows, until)
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
