"""The outbox: what this service made known, written in the transaction that made it true, in final bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, Text, func, select, text
from sqlmodel import Field, col

from shared.audit import BIG, Audited, Proven, Written
from shared.bus.port import ALLOCATION_TOPIC, SAFETY_TOPIC, Record
from shared.canonical import canonical
from shared.case.base import Published
from shared.db import Tx
from shared.errors import FieldProblem, TooLarge
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import headers_of
from shared.ids import new_id
from shared.statement import insert_into
from shared.telemetry import current_traceparent

MAX_BODY_BYTES = 1_000_000
"""Refused before commit: what the log cannot carry must not be acknowledged."""


class OutboxRow(Audited, Proven, table=True):
    """One event. `published_at`, `partition` and `place` are the relay's, proven by it; everything else is final."""

    __tablename__: ClassVar[str] = "outbox"  # type: ignore[misc]
    __table_args__ = (
        Index(
            "outbox_unpublished",
            "position",
            postgresql_where=text("published_at IS NULL"),
            sqlite_where=text("published_at IS NULL"),
        ),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("event_id",)
    audit_apart: ClassVar[tuple[str, ...]] = ("position", "published_at", "partition", "place", "proof")
    proven: ClassVar[tuple[str, ...]] = ("position", "published_at", "partition", "place")
    unproven: ClassVar[Mapping[str, Any] | None] = {"published_at": None, "partition": None, "place": None}

    position: int | None = Field(default=None, sa_column=Column(BIG, primary_key=True, autoincrement=True))
    event_id: str = Field(unique=True)
    type: str
    topic: str
    key: str
    aggregate: str
    version: int
    serious: bool
    headers: str = Field(sa_column=Column(Text, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime
    published_at: datetime | None = None
    partition: int | None = None
    place: int | None = Field(default=None, sa_column=Column(BIG, nullable=True))
    proof: str | None = None

    def record(self) -> Record:
        pairs: list[list[str]] = json.loads(self.headers)
        return Record(self.topic, self.key, self.body.encode(), tuple((name, value.encode()) for name, value in pairs))


_ADD = insert_into(OutboxRow, without=("position", "published_at", "partition", "place", "proof"))


def emit(
    tx: Tx,
    type_name: str,
    document: Published,
    *,
    aggregate: str,
    version: int,
    trial_id: str,
    now: datetime,
    key: str | None = None,
    serious: bool = False,
    body: bytes | None = None,
) -> Written:
    """Add one event; the stream of its key must be locked first, so that positions of one child are in commit order.

    `key` is the child's code, or None for an event about no child (keyed by the trial). `body` is the document's
    canonical form where the caller has it already. Raises TooLarge. Returns the row, for the trail.
    """
    event = CATALOGUE[type_name]
    if type(document) is not event.model:
        raise TypeError(f"{type_name} carries {event.model.__name__}, not {type(document).__name__}")
    partition_key = key if key is not None else trial_id
    if key is not None and key not in tx.locked:
        raise RuntimeError(f"event {type_name} for a child without its stream lock")
    if body is None:
        body = canonical(document)
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(
            f"the document has {len(body):,} bytes; the log carries {MAX_BODY_BYTES:,}",
            problems=[FieldProblem("", "too large", "shorten the free texts or send them as an attachment")],
        )
    event_id = new_id()
    headers = headers_of(
        id=event_id,
        source=event.source,
        type=type_name,
        aggregate=aggregate,
        version=version,
        trial_id=trial_id,
        partition_key=partition_key,
        serious=serious,
        time=now,
        traceparent=current_traceparent(),
    )
    values = {
        "event_id": event_id,
        "type": type_name,
        "topic": ALLOCATION_TOPIC if event.allocation else SAFETY_TOPIC,
        "key": partition_key,
        "aggregate": aggregate,
        "version": version,
        "serious": serious,
        "headers": json.dumps([[name, value.decode()] for name, value in headers], separators=(",", ":")),
        "body": body.decode(),
        "created_at": now,
    }
    tx.write(_ADD, values)
    return Written(OutboxRow, values)


def of_aggregate(tx: Tx, aggregate: str) -> list[OutboxRow]:
    """What was said of one aggregate, oldest first."""
    statement = select(OutboxRow).where(col(OutboxRow.aggregate) == aggregate).order_by(col(OutboxRow.position))
    return list(tx.session.execute(statement).scalars())


def unpublished(tx: Tx, limit: int) -> list[OutboxRow]:
    """The oldest unpublished rows in position order: by flag, never by a sequence cursor, which would skip a late commit."""
    statement = (
        select(OutboxRow).where(col(OutboxRow.published_at).is_(None)).order_by(col(OutboxRow.position)).limit(limit)
    )
    return list(tx.session.execute(statement).scalars())


def backlog(tx: Tx) -> tuple[int, datetime | None, datetime | None]:
    """(unpublished rows, creation of the oldest, creation of the oldest serious one)."""
    waiting = col(OutboxRow.published_at).is_(None)
    count, oldest = tx.execute(select(func.count(), func.min(col(OutboxRow.created_at))).where(waiting)).one()
    serious = tx.scalar(select(func.min(col(OutboxRow.created_at))).where(waiting, col(OutboxRow.serious)))
    return count, oldest, serious
