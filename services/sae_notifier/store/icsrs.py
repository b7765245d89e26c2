"""The numbers and findings of electronic reports, and the files that came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, LargeBinary, Text, UniqueConstraint, func, or_, select
from sqlmodel import Field, col

from services.sae_notifier.store.filings import FilingRow
from shared.audit import Audited
from shared.db import Tx


class IcsrRow(Audited, table=True):
    """What tells one message from another; its file is the document of the same id. Immutable."""

    __tablename__: ClassVar[str] = "icsrs"  # type: ignore[misc]
    __table_args__ = (UniqueConstraint("batch_number"),)
    audit_key: ClassVar[tuple[str, ...]] = ("document_id",)

    document_id: str = Field(primary_key=True)
    batch_number: str
    """N.1.2."""
    obligation_id: str
    """The duty it is made for: one recipient owed twice is told twice, under two numbers."""
    case_id: str = Field(index=True)
    case_number: str
    """C.1.1, which is N.2.r.1 too."""
    recipient_id: str
    created_at: datetime
    """C.1.2, N.2.r.4 and N.1.5, to the second."""
    first_received: str
    """C.1.4 as it was first sent, JSON of a moment."""
    profile: str
    initial: bool
    may_be_sent: bool
    findings: str = Field(sa_column=Column(Text, nullable=False))


class AckRow(Audited, table=True):
    """One file that came back. Used for a telling, parked for a person, or closed by one."""

    __tablename__: ClassVar[str] = "acknowledgements"  # type: ignore[misc]
    __table_args__ = (
        UniqueConstraint("sha256"),
        CheckConstraint("state IN ('used', 'parked', 'closed')", name="acknowledgements_state"),
        CheckConstraint("(state = 'closed') = (closed_by IS NOT NULL)", name="acknowledgements_closed_by_somebody"),
        CheckConstraint("state <> 'used' OR filing_id IS NOT NULL", name="acknowledgements_used_for"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("ack_id",)

    ack_id: str = Field(primary_key=True)
    version: int = 0
    """Of its event."""
    subject_id: str | None = None
    via: str
    name: str
    sha256: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    arrived_at: datetime
    brought_by: str
    state: str
    why: str = ""
    """Why it is parked: unreadable, unmatched, ambiguous, contradicts, partly, doubled."""
    message_code: str = ""
    decision: str
    batch_number: str = ""
    filing_id: str | None = Field(default=None, index=True)
    closed_by: str | None = None
    closed_at: datetime | None = None
    closed_reason: str | None = None


def icsr(tx: Tx, document_id: str) -> IcsrRow | None:
    return tx.session.get(IcsrRow, document_id)


def icsrs_of(tx: Tx, case_id: str) -> list[IcsrRow]:
    """The oldest first."""
    statement = select(IcsrRow).where(col(IcsrRow.case_id) == case_id)
    return list(tx.session.execute(statement.order_by(col(IcsrRow.created_at), col(IcsrRow.batch_number))).scalars())


def icsr_numbered(tx: Tx, batch_number: str) -> IcsrRow | None:
    return tx.session.execute(select(IcsrRow).where(col(IcsrRow.batch_number) == batch_number)).scalar()


def tellings_answered_by(
    tx: Tx, batch_number: str, numbers: Sequence[str], recipients: Sequence[str]
) -> list[tuple[FilingRow, IcsrRow]]:
    """Tellings by computer that an answer from these recipients can mean: of that batch, or of a case or batch named."""
    statement = (
        select(FilingRow, IcsrRow)
        .join(IcsrRow, col(IcsrRow.document_id) == col(FilingRow.document_id))
        .where(
            col(FilingRow.method) == "gateway",
            col(FilingRow.recipient_id).in_(recipients),
            or_(col(IcsrRow.batch_number).in_((batch_number, *numbers)), col(IcsrRow.case_number).in_(numbers)),
        )
        .order_by(col(FilingRow.filed_at), col(FilingRow.filing_id))
    )
    return [(one[0], one[1]) for one in tx.execute(statement)]


def ack(tx: Tx, ack_id: str, *, lock: bool = False) -> AckRow | None:
    statement = select(AckRow).where(col(AckRow.ack_id) == ack_id)
    return tx.session.execute(statement.with_for_update() if lock else statement).scalar()


def ack_saying(tx: Tx, digest: str) -> AckRow | None:
    """The very same file, when it came before."""
    return tx.session.execute(select(AckRow).where(col(AckRow.sha256) == digest)).scalar()


def acks(tx: Tx, *, state: str | None = None, limit: int = 200) -> list[AckRow]:
    """Newest first."""
    statement = select(AckRow).order_by(col(AckRow.arrived_at).desc(), col(AckRow.ack_id)).limit(limit)
    return list(tx.session.execute(statement.where(col(AckRow.state) == state) if state else statement).scalars())


def acks_about(tx: Tx, subject_id: str) -> list[AckRow]:
    return list(tx.session.execute(select(AckRow).where(col(AckRow.subject_id) == subject_id)).scalars())


def count_parked_acks(tx: Tx) -> int:
    return tx.scalar(select(func.count()).select_from(AckRow).where(col(AckRow.state) == "parked")) or 0
