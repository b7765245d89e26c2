"""Forms, what was filed with whom, and why we say that it arrived or was turned down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    inspect,
    or_,
    select,
    text,
)
from sqlalchemy.orm import aliased
from sqlmodel import Field, col

from services.sae_notifier.store.claims import Claimable, claim, unclaimed
from shared.audit import Audit, Audited
from shared.db import Tx


class FormRow(Audited, table=True):
    """A rendered document, immutable: its bytes, their SHA-256, and the case version it shows. One that was never sent
    loses its bytes when words it may hold are taken back; what it was (its hash) stays. One that a computer may have
    taken keeps them, as what was sent does, and leaves no more."""

    __tablename__: ClassVar[str] = "forms"  # type: ignore[misc]
    __table_args__ = (
        Index(
            "forms_of_facts",
            "kind",
            "case_id",
            "case_version",
            "recipient_id",
            "facts_sha256",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL"),
        ),
    )
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
    facts_sha256: str
    """Of what it says, apart from the day it was made: made again from the same facts it is the same document."""
    sha256: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_by: str
    made_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    """The redaction since which it may not leave; until `withdrawn_at` is there, somebody was sending it at that moment."""


class FilingRow(Audited, Claimable, table=True):
    """One telling of one recipient: bytes and message number are stored before anything is sent."""

    __tablename__: ClassVar[str] = "filings"  # type: ignore[misc]
    __table_args__ = (
        UniqueConstraint("message_number"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed', 'received', 'rejected')", name="filings_state"),
        CheckConstraint("state NOT IN ('sent', 'received') OR sent_at IS NOT NULL", name="filings_sent_when"),
        CheckConstraint("acceptance IN ('accepted', 'rejected')", name="filings_acceptance"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("filing_id",)
    audit_apart: ClassVar[tuple[str, ...]] = ("claimed_until", "proof")
    proven: ClassVar[tuple[str, ...]] = ("claimed_until",)
    unproven: ClassVar[Mapping[str, Any] | None] = {"claimed_until": None}

    filing_id: str = Field(primary_key=True)
    version: int = 0
    """Of its event; a new one with every change that the log must know."""
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
    """gateway, mail, post, portal or hand."""
    address: str
    state: str
    """waiting (to be sent), sent, failed, received, rejected."""
    filed_by: str
    filed_at: datetime
    sent_at: datetime | None = None
    reference: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    error: str | None = None
    acceptance: str | None = None
    """What the recipient's computer said: accepted or rejected; beside the state, which is about arriving."""
    answer_due_at: datetime | None = None
    """When a missing acknowledgement is alarmed; null where none is expected (any more)."""


class ReceiptRow(Audited, table=True):
    """Why we say that it arrived, or was turned down: a delivery notice, an answer, or a named person's proof."""

    __tablename__: ClassVar[str] = "receipts"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("receipt_id",)

    receipt_id: str = Field(primary_key=True)
    filing_id: str = Field(index=True)
    verdict: str
    """received, accepted or rejected."""
    kind: str
    """delivery_notice, answer, proof or acknowledgement."""
    at: datetime
    reference: str
    reasons: str = Field(default="", sa_column=Column(Text, nullable=False))
    proof_name: str | None = None
    proof_type: str | None = None
    sha256: str | None = None
    content: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    recorded_by: str
    recorded_at: datetime


def form(tx: Tx, document_id: str) -> FormRow | None:
    return tx.session.get(FormRow, document_id)


def form_saying(
    tx: Tx, kind: str, case_id: str, case_version: int, recipient_id: str, facts_sha256: str
) -> FormRow | None:
    """The document that was made from these facts already."""
    statement = select(FormRow).where(
        col(FormRow.kind) == kind,
        col(FormRow.case_id) == case_id,
        col(FormRow.case_version) == case_version,
        col(FormRow.recipient_id) == recipient_id,
        col(FormRow.facts_sha256) == facts_sha256,
        col(FormRow.withdrawn_at).is_(None),
    )
    return tx.session.execute(statement).scalar()


def forms_of(tx: Tx, case_id: str) -> list[dict[str, Any]]:
    """Without their bytes (`there` says whether they still are), newest first."""
    columns = [column for column in inspect(FormRow).columns if column.name != "content"]
    there = (func.length(col(FormRow.content)) > 0).label("there")
    statement = select(*columns, there).where(col(FormRow.case_id) == case_id).order_by(col(FormRow.made_at).desc())
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
    """Take what is to be mailed or sent; only the head per (recipient, case), so that a follow-up never overtakes."""
    blocked = _ahead(FilingRow).exists()
    statement = (
        select(FilingRow)
        .where(
            col(FilingRow.state) == "waiting",
            col(FilingRow.method).in_(("mail", "gateway")),
            or_(col(FilingRow.next_attempt_at).is_(None), col(FilingRow.next_attempt_at) <= now),
            unclaimed(col(FilingRow.claimed_until), now),
            ~blocked,
            ~_withdrawn(col(FormRow.withdrawn_by)),
        )
        .order_by(col(FilingRow.filed_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(tx.session.execute(statement).scalars())
    claim(tx, audit, rows, until)
    return rows


def _withdrawn(column: Any) -> Any:
    """Words were taken back from the filing's document."""
    mine = col(FormRow.document_id) == col(FilingRow.document_id)
    return select(col(FormRow.document_id)).where(mine, column.is_not(None)).exists()


def to_remake(tx: Tx, limit: int = 100) -> list[FilingRow]:
    """What is still to be sent and whose document may not leave, oldest first."""
    statement = select(FilingRow).where(col(FilingRow.state) == "waiting", _withdrawn(col(FormRow.withdrawn_at)))
    return list(tx.session.execute(statement.order_by(col(FilingRow.filed_at)).limit(limit)).scalars())


LEFT_US = ("sent", "received", "rejected")
_LEFT = col(FilingRow.state).in_(LEFT_US)
_MAY_HAVE_LEFT = (col(FilingRow.method) == "gateway") & or_(
    col(FilingRow.attempts) > 0,
    col(FilingRow.claimed_until).is_not(None),  # a crash while it was being handed over leaves its claim behind
    col(FilingRow.version) > 1,  # it failed, or was told again: the attempts were counted anew
)
"""A computer may have taken it and only its answer was lost. (A mail is made again under its own number.)"""


def may_have_left(row: FilingRow) -> bool:
    """As `_MAY_HAVE_LEFT` says."""
    tried = row.attempts > 0 or row.claimed_until is not None or row.version > 1
    return row.state in LEFT_US or (row.method == "gateway" and tried)


def _told(which: Any) -> Any:
    """There is a filing of the form of which this holds."""
    mine = col(FilingRow.document_id) == col(FormRow.document_id)
    return select(col(FilingRow.filing_id)).where(mine, which).exists()


def not_withdrawn(tx: Tx, subject_id: str) -> list[FormRow]:
    """Documents of one child that have not left us for sure; locked."""
    statement = select(FormRow).where(
        col(FormRow.subject_id) == subject_id, col(FormRow.withdrawn_at).is_(None), ~_told(_LEFT)
    )
    return list(tx.session.execute(statement.with_for_update()).scalars())


def on_its_way(tx: Tx, document_id: str, now: datetime) -> bool:
    """Somebody is sending it at this moment."""
    statement = select(col(FilingRow.filing_id)).where(
        col(FilingRow.document_id) == document_id, ~unclaimed(col(FilingRow.claimed_until), now)
    )
    return tx.session.execute(statement).first() is not None


def may_be_outside(tx: Tx, document_id: str) -> bool:
    statement = select(col(FilingRow.filing_id)).where(
        col(FilingRow.document_id) == document_id, or_(_LEFT, _MAY_HAVE_LEFT)
    )
    return tx.session.execute(statement).first() is not None


def sent_forms(tx: Tx, subject_id: str) -> set[str]:
    """Documents of one child that have left us, or may have."""
    statement = select(col(FilingRow.document_id)).where(
        col(FilingRow.subject_id) == subject_id, or_(_LEFT, _MAY_HAVE_LEFT)
    )
    return {row[0] for row in tx.execute(statement)}


def left_to_withdraw(tx: Tx, now: datetime) -> list[tuple[str, str]]:
    """(child, redaction) of documents that were being sent when words were taken back, and were not."""
    claimed = ~unclaimed(col(FilingRow.claimed_until), now)
    statement = (
        select(col(FormRow.subject_id), col(FormRow.withdrawn_by))
        .where(col(FormRow.withdrawn_by).is_not(None), col(FormRow.withdrawn_at).is_(None))
        .where(~_told(or_(_LEFT, claimed)))
        .distinct()
    )
    return [(child, redaction) for child, redaction in tx.execute(statement)]


def typed_about(tx: Tx, subject_id: str) -> tuple[list[FilingRow], list[ReceiptRow]]:
    """Tellings about one child and the answers to them, where people typed references and reasons."""
    told = list(tx.session.execute(select(FilingRow).where(col(FilingRow.subject_id) == subject_id)).scalars())
    return told, receipts_of(tx, [row.filing_id for row in told])


def _ahead(row: Any) -> Any:
    """What must leave before this one: anything older that waits, and what failed and was not told again since, by the same
    version or a later one."""
    earlier, again = aliased(FilingRow), aliased(FilingRow)
    told_again = (
        select(col(again.filing_id))
        .where(
            col(again.obligation_id) == col(earlier.obligation_id),
            col(again.case_version) >= col(earlier.case_version),
            col(again.filed_at) > col(earlier.filed_at),
        )
        .exists()
    )
    older = or_(
        col(earlier.case_version) < row.case_version,
        (col(earlier.case_version) == row.case_version)
        & (col(earlier.state) == "waiting")
        & or_(
            col(earlier.filed_at) < row.filed_at,
            (col(earlier.filed_at) == row.filed_at) & (col(earlier.filing_id) < row.filing_id),
        ),
    )
    return select(col(earlier.filing_id)).where(
        col(earlier.case_id) == row.case_id,
        col(earlier.recipient_id) == row.recipient_id,
        older,
        or_(col(earlier.state) == "waiting", (col(earlier.state) == "failed") & ~told_again),
    )


def waits_for(tx: Tx, row: FilingRow) -> list[str]:
    """Filings that must leave before this one."""
    return [one[0] for one in tx.execute(_ahead(row))]


def unanswered(tx: Tx, now: datetime, limit: int = 200) -> list[FilingRow]:
    """Sent to a computer that should have answered by now, the oldest first."""
    statement = (
        select(FilingRow)
        .where(col(FilingRow.answer_due_at) <= now, col(FilingRow.state).in_(("sent", "received")))
        .order_by(col(FilingRow.answer_due_at))
        .limit(limit)
    )
    return list(tx.session.execute(statement).scalars())


def receipts_of(tx: Tx, filing_ids: Sequence[str]) -> list[ReceiptRow]:
    statement = (
        select(ReceiptRow).where(col(ReceiptRow.filing_id).in_(filing_ids)).order_by(col(ReceiptRow.recorded_at))
    )
    return list(tx.session.execute(statement).scalars())


def receipt(tx: Tx, receipt_id: str) -> ReceiptRow | None:
    return tx.session.get(ReceiptRow, receipt_id)


def last_received_version(tx: Tx, case_id: str, recipient_id: str, *, before: int | None = None) -> int | None:
    """The newest case version (older than `before`) that this recipient is known to have received."""
    statement = select(func.max(col(FilingRow.case_version))).where(
        col(FilingRow.case_id) == case_id,
        col(FilingRow.recipient_id) == recipient_id,
        col(FilingRow.state) == "received",
    )
    if before is not None:
        statement = statement.where(col(FilingRow.case_version) < before)
    return tx.scalar(statement)


def unsettled_filings(tx: Tx, limit: int = 200) -> list[FilingRow]:
    """Tellings that failed, are still to be sent, or have no receipt yet; the oldest first."""
    statement = (
        select(FilingRow)
        .where(col(FilingRow.state).in_(("failed", "waiting", "sent")))
        .order_by(col(FilingRow.filed_at), col(FilingRow.filing_id))
        .limit(limit)
    )
    return list(tx.session.execute(statement).scalars())
