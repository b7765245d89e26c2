"""Duties: every version of each, its head for lists and alarms, and the alarms that were raised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Text,
    case,
    func,
    select,
)
from sqlmodel import Field, col

from shared.audit import Audited
from shared.bus import received
from shared.canonical import canonical
from shared.case import Obligation
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


class AlarmRow(Audited, table=True):
    """One row per (duty, threshold, due): made by whichever instance comes first."""

    __tablename__: ClassVar[str] = "alarms"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("obligation_id", "threshold", "due_strict_at")

    obligation_id: str = Field(primary_key=True)
    threshold: str = Field(primary_key=True)
    due_strict_at: datetime = Field(primary_key=True)
    alert_id: str
    raised_at: datetime


_MOVE_DUTY = update_of(DutyRow, "obligation_id")


def _head(duty: Obligation) -> DutyRow:
    return DutyRow(
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
    head = _head(duty)
    if duty.version == 1:
        tx.write(insert_of(DutyRow), head.model_dump())
    else:
        tx.write(_MOVE_DUTY, head.model_dump())
    return row, head


def put_back_obligation(tx: Tx, duty: Obligation) -> list[ObligationRow | DutyRow]:
    """For a restore: one version as it stood, where it is missing; the head follows the newest. Returns what was written."""
    if tx.session.get(ObligationRow, (duty.obligation_id, duty.version)) is not None:
        return []
    row = ObligationRow(
        obligation_id=duty.obligation_id,
        version=duty.version,
        subject_id=duty.subject_id,
        body=canonical(duty).decode(),
        recorded_at=duty.recorded_at,
    )
    tx.session.add(row)
    head = tx.session.get(DutyRow, duty.obligation_id)
    written: list[ObligationRow | DutyRow] = [row]
    if head is None or head.version < duty.version:
        made = _head(duty)
        head = tx.session.merge(made) if head is not None else made
        tx.session.add(head)
        written.append(head)
    tx.session.flush()
    return written


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


def stated_about(tx: Tx, subject_id: str) -> list[ObligationRow]:
    """Every version of a child's duties that holds what a person signed, and so words that a person typed."""
    statement = select(ObligationRow).where(
        col(ObligationRow.subject_id) == subject_id, col(ObligationRow.body).contains('"report_as_of"')
    )
    return list(tx.session.execute(statement).scalars())


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


def cases_with_duties(tx: Tx, case_number: str = "", limit: int = 50) -> list[str]:
    """Case ids, those with something owed first, then the newest number; `case_number` keeps those that contain it."""
    owed = func.max(case((col(DutyRow.state).in_(("open", "filed", "rejected")), 1), else_=0))
    statement = select(col(DutyRow.case_id)).group_by(col(DutyRow.case_id), col(DutyRow.case_number))
    if case_number:
        statement = statement.where(col(DutyRow.case_number).contains(case_number, autoescape=True))
    ordered = statement.order_by(owed.desc(), col(DutyRow.case_number).desc()).limit(limit)
    return [row[0] for row in tx.execute(ordered)]
