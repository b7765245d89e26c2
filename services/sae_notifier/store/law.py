"""The files that said what was owed, kept by hash, and which of them a named person made the law."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Text, func, select
from sqlmodel import Field, col

from services.sae_notifier.store.duties import DutyRow
from services.sae_notifier.store.rows import add_row
from shared.audit import Audited
from shared.bus.outbox import OutboxRow
from shared.bus.received import ReceivedRow
from shared.db import Tx
from shared.statement import Statement


class RuleFileRow(Audited, table=True):
    """A rule, calendar or trial file, a table of holidays, or the manifest of a set of them, by hash: "what did we owe on day 3"."""

    __tablename__: ClassVar[str] = "rule_files"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("sha256",)

    sha256: str = Field(primary_key=True)
    name: str
    body: str = Field(sa_column=Column(Text, nullable=False))
    versions: str
    """Versions of the holidays library and of tzdata it was used with."""
    first_used_at: datetime


class ActivationRow(Audited, table=True):
    """One signed decision about which set of files judges from now on; the one with the highest number stands."""

    __tablename__: ClassVar[str] = "activations"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("number >= 1", name="activations_number"),)
    audit_key: ClassVar[tuple[str, ...]] = ("number",)

    number: int = Field(primary_key=True)
    law_sha256: str
    """The hash of the set: of its manifest, which is kept among the files."""
    body: str = Field(sa_column=Column(Text, nullable=False))
    """What was signed, as canonical JSON: the manifest, the reason, and what it would move."""
    sha256: str
    """Of `body`."""
    reason: str = Field(sa_column=Column(Text, nullable=False))
    activated_by: str
    activated_at: datetime


class ReviewRow(Audited, table=True):
    """Every case has been judged by the files of this activation."""

    __tablename__: ClassVar[str] = "law_reviews"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("number",)

    number: int = Field(primary_key=True)
    cases: int
    finished_at: datetime


_ACTIVE = Statement("activations", "SELECT number, law_sha256 FROM activations ORDER BY number DESC LIMIT 1")


def active_law(tx: Tx) -> tuple[int, str] | None:
    """(number, hash of the set) of what judges now; None before the first start."""
    found = tx.rows(_ACTIVE, {})
    return (found[0][0], found[0][1]) if found else None


def activation(tx: Tx, number: int) -> ActivationRow | None:
    return tx.session.get(ActivationRow, number)


def activations(tx: Tx, limit: int = 50) -> list[ActivationRow]:
    """Newest first."""
    statement = select(ActivationRow).order_by(col(ActivationRow.number).desc()).limit(limit)
    return list(tx.session.execute(statement).scalars())


def is_published(tx: Tx, aggregate: str, version: int) -> bool:
    """Whether the outbox holds this event, sent or not."""
    statement = select(col(OutboxRow.event_id)).where(
        col(OutboxRow.aggregate) == aggregate, col(OutboxRow.version) == version
    )
    return tx.execute(statement).first() is not None


def put_back_activation(tx: Tx, number: int, values: dict[str, Any]) -> list[ActivationRow]:
    """The row as the log has it; empty when it stands like that already."""
    row = tx.session.get(ActivationRow, number)
    if row is None:
        row = ActivationRow(number=number, **values)
    elif row.sha256 == values["sha256"]:
        return []
    for name, value in values.items():
        setattr(row, name, value)
    tx.session.add(row)
    tx.session.flush()
    return [row]


def review(tx: Tx, number: int) -> ReviewRow | None:
    return tx.session.get(ReviewRow, number)


def cases_to_judge(tx: Tx) -> list[tuple[str, str]]:
    """(subject_id, case_id) of every case that was received."""
    statement = (
        select(col(ReceivedRow.subject_id), col(ReceivedRow.aggregate))
        .where(col(ReceivedRow.aggregate).startswith("case/"), col(ReceivedRow.version) >= 1)
        .distinct()
        .order_by(col(ReceivedRow.aggregate))
    )
    return [(subject_id, name.removeprefix("case/")) for subject_id, name in tx.execute(statement)]


def count_duties(tx: Tx) -> int:
    return int(tx.scalar(select(func.count()).select_from(DutyRow)))


def keep_rule_file(tx: Tx, row: RuleFileRow) -> bool:
    """True when it was not known yet."""
    if tx.session.get(RuleFileRow, row.sha256) is not None:
        return False
    add_row(tx, row)
    return True


def rule_file(tx: Tx, sha256: str) -> RuleFileRow | None:
    return tx.session.get(RuleFileRow, sha256)
