"""Every version this service has received: the inbox (nothing acts twice) and the history (duties look back) in one table."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, Text, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Field, col

from shared.audit import Audited
from shared.db import Tx
from shared.events.envelope import Event
from shared.statement import Statement, insert_into


class ReceivedRow(Audited, table=True):
    """`(aggregate, version)` is unique. `body` is what stood on the log."""

    __tablename__: ClassVar[str] = "received"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("version >= 1", name="received_version"),)
    audit_key: ClassVar[tuple[str, ...]] = ("aggregate", "version")
    audit_content: ClassVar[tuple[str, ...]] = ("event_id", "type", "sha256", "body")

    aggregate: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    subject_id: str = Field(index=True)
    event_id: str
    type: str
    sha256: str
    serious: bool
    body: str = Field(sa_column=Column(Text, nullable=False))
    topic: str
    partition: int
    place: int = Field(sa_column=Column(BigInteger, nullable=False))
    traceparent: str | None = None
    received_at: datetime

    def data(self) -> dict[str, Any]:
        return json.loads(self.body)


class Fate(Enum):
    """What a delivered version is to this service."""

    NEWER = "newer"
    GAP = "gap"
    """Newer, but versions between are missing: applied at once (events are whole), and the gap alarms."""
    OLDER = "older"
    """Folded into history; duties are evaluated again over all of it."""
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """The same version with other bytes: alarmed and parked."""


_NEWEST = Statement("received", "SELECT max(version) FROM received WHERE aggregate = :aggregate")
_ADD = insert_into(ReceivedRow, then="ON CONFLICT (aggregate, version) DO NOTHING RETURNING version")
_KNOWN = Statement("received", "SELECT sha256 FROM received WHERE aggregate = :aggregate AND version = :version")


def receive(
    tx: Tx, event: Event, *, key: str, topic: str, partition: int, offset: int, now: datetime
) -> tuple[Fate, ReceivedRow]:
    """Store one version if it is not there yet and say what it is."""
    digest = sha256(event.body).hexdigest()
    row = ReceivedRow(
        aggregate=event.aggregate,
        version=event.version,
        subject_id=key,
        event_id=event.id,
        type=event.type,
        sha256=digest,
        serious=event.serious,
        body=event.body.decode(),
        topic=topic,
        partition=partition,
        place=offset,
        traceparent=event.traceparent,
        received_at=now,
    )
    ((newest,),) = tx.rows(_NEWEST, {"aggregate": event.aggregate})
    newest = newest or 0
    if not tx.rows(_ADD, row.model_dump()):
        ((known,),) = tx.rows(_KNOWN, {"aggregate": event.aggregate, "version": event.version})
        return (Fate.DUPLICATE if known == digest else Fate.CONFLICT), row
    if event.version == newest + 1:
        return Fate.NEWER, row
    return (Fate.GAP if event.version > newest else Fate.OLDER), row


def latest_of_child(tx: Tx, subject_id: str, prefix: str = "") -> list[ReceivedRow]:
    """The newest version of every aggregate of one child, in aggregate order."""
    other = aliased(ReceivedRow)
    newest = (
        select(func.max(col(other.version))).where(col(other.aggregate) == col(ReceivedRow.aggregate)).scalar_subquery()
    )
    statement = (
        select(ReceivedRow)
        .where(col(ReceivedRow.subject_id) == subject_id, col(ReceivedRow.version) == newest)
        .order_by(col(ReceivedRow.aggregate))
    )
    if prefix:
        statement = statement.where(col(ReceivedRow.aggregate).startswith(prefix))
    return list(tx.session.execute(statement).scalars())


def history(tx: Tx, aggregate: str) -> list[ReceivedRow]:
    """Every received version of one aggregate, oldest first."""
    statement = select(ReceivedRow).where(col(ReceivedRow.aggregate) == aggregate).order_by(col(ReceivedRow.version))
    return list(tx.session.execute(statement).scalars())
