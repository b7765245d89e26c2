"""A failing event is parked alone, with its bytes and the reason; later ones of the same child proceed.

A parked event is replayed or discarded with a reason by a named person, or replayed by the retry loop when its failure
may pass by itself (backoff). Nothing is dropped.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, Text, func, insert, select
from sqlmodel import Field, col

from shared.audit import Audited
from shared.bus.port import Delivery
from shared.db import Tx
from shared.errors import NotFound
from shared.ids import new_id

_BACKOFF = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


class ParkedRow(Audited, table=True):
    """`value` and `headers` are the record as it came, base64; `retry` says whether the retry loop may try it."""

    __tablename__: ClassVar[str] = "parked"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("(state = 'parked') = (closed_by IS NULL)", name="parked_closed_by_somebody"),)
    audit_key: ClassVar[tuple[str, ...]] = ("parked_id",)

    parked_id: str = Field(primary_key=True)
    topic: str
    partition: int
    place: int = Field(sa_column=Column(BigInteger, nullable=False))
    key: str
    event_id: str | None = None
    type: str | None = None
    aggregate: str | None = None
    serious: bool = False
    headers: str = Field(sa_column=Column(Text, nullable=False))
    value: str = Field(sa_column=Column(Text, nullable=False))
    reason: str
    """A code: undecodable, unknown_type, wrong_source, wrong_key, conflict, damaged, handler_failed."""
    detail: str = Field(sa_column=Column(Text, nullable=False))
    retry: bool = False
    attempts: int = 0
    next_attempt_at: datetime | None = None
    parked_at: datetime
    state: str = "parked"
    """parked, replayed or discarded."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_reason: str | None = None

    def delivery(self) -> Delivery:
        pairs = json.loads(self.headers)
        return Delivery(
            self.topic,
            self.partition,
            self.place,
            self.key,
            base64.b64decode(self.value),
            tuple((name, base64.b64decode(data)) for name, data in pairs),
        )


def park(tx: Tx, delivery: Delivery, *, reason: str, detail: str, retry: bool, now: datetime) -> ParkedRow:
    """Keep one event aside. `detail` names the failure without any value from the event."""
    row = ParkedRow(
        parked_id=new_id(),
        topic=delivery.topic,
        partition=delivery.partition,
        place=delivery.offset,
        key=delivery.key,
        event_id=delivery.header("ce_id"),
        type=delivery.header("ce_type"),
        aggregate=delivery.header("ce_subject"),
        serious=delivery.header("ce_serious") == "true",
        headers=json.dumps([[name, base64.b64encode(data).decode()] for name, data in delivery.headers]),
        value=base64.b64encode(delivery.value).decode(),
        reason=reason,
        detail=detail[:2000],
        retry=retry,
        attempts=1,
        next_attempt_at=now + _BACKOFF[0] if retry else None,
        parked_at=now,
    )
    tx.execute(insert(ParkedRow).values(row.model_dump()))
    return row


class NotOpen(NotFound):
    """No parked event by that id waits for anybody."""


def take(tx: Tx, parked_id: str) -> ParkedRow:
    """One open parked event, locked; NotOpen when it is closed or unknown."""
    statement = select(ParkedRow).where(col(ParkedRow.parked_id) == parked_id, col(ParkedRow.state) == "parked")
    row = tx.session.execute(statement.with_for_update()).scalar()
    if row is None:
        raise NotOpen("no parked event by that id is open; it may have been replayed or discarded already")
    return row


def due(tx: Tx, now: datetime) -> list[str]:
    statement = (
        select(col(ParkedRow.parked_id))
        .where(col(ParkedRow.state) == "parked", col(ParkedRow.retry), col(ParkedRow.next_attempt_at) <= now)
        .order_by(col(ParkedRow.next_attempt_at))
        .limit(20)
    )
    return [row[0] for row in tx.execute(statement)]


def postpone(row: ParkedRow, *, detail: str, now: datetime) -> None:
    row.attempts += 1
    row.detail = detail[:2000]
    row.next_attempt_at = now + _BACKOFF[min(row.attempts - 1, len(_BACKOFF) - 1)]


def open_rows(tx: Tx) -> list[ParkedRow]:
    statement = select(ParkedRow).where(col(ParkedRow.state) == "parked").order_by(col(ParkedRow.parked_at))
    return list(tx.session.execute(statement).scalars())


def count_open(tx: Tx) -> tuple[int, int]:
    """(open, open and serious)."""
    is_open = col(ParkedRow.state) == "parked"
    total = tx.scalar(select(func.count()).select_from(ParkedRow).where(is_open))
    serious = tx.scalar(select(func.count()).select_from(ParkedRow).where(is_open, col(ParkedRow.serious)))
    return total, serious
