"""Every version this service has received: the inbox (nothing acts twice) and the history (duties look back) in one table."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar, TypeVar, cast

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text, select, text
from sqlmodel import Field, col

from shared.audit import Audited
from shared.bus import redacted
from shared.case.base import Published
from shared.db import Tx
from shared.events.envelope import Event
from shared.statement import Statement, insert_into

P = TypeVar("P", bound=Published)

_VOID = text("type = 'tocsin.case.nullified.v1'")


class ReceivedRow(Audited, table=True):
    """`(aggregate, version)` is unique. `body` is what stood on the log, without words that were taken back."""

    __tablename__: ClassVar[str] = "received"  # type: ignore[misc]
    __table_args__ = (
        CheckConstraint("version >= 1", name="received_version"),
        # Few among many, and asked for with every report: which void cases name this one as their replacement.
        Index("received_void", "received_at", postgresql_where=_VOID, sqlite_where=_VOID),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("aggregate", "version")

    aggregate: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    subject_id: str = Field(index=True)
    event_id: str
    type: str
    sha256: str
    serious: bool
    body: str = Field(sa_column=Column(Text, nullable=False))
    former_sha256: str | None = None
    """SHA-256 of what stood there before words were taken back, oldest first, by spaces."""
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


_NEWEST = Statement(
    "received",
    "SELECT max(version), (SELECT count(*) FROM redactions WHERE subject_id = :subject_id) FROM received "
    "WHERE aggregate = :aggregate",
)
_ADD = insert_into(ReceivedRow, then="ON CONFLICT (aggregate, version) DO NOTHING RETURNING version")
_KNOWN = Statement("received", "SELECT sha256, body FROM received WHERE aggregate = :aggregate AND version = :version")


def receive(
    tx: Tx, event: Event, *, key: str, topic: str, partition: int, offset: int, now: datetime
) -> tuple[Fate, ReceivedRow]:
    """Store one version if it is not there yet, without words that were taken back, and say what it is."""
    ((newest, redactions),) = tx.rows(_NEWEST, {"aggregate": event.aggregate, "subject_id": key})
    newest = newest or 0
    came = sha256(event.body).hexdigest()
    if redactions:
        event = redacted.cleaned(tx, event, key)
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
        former_sha256=came if came != digest else None,
        topic=topic,
        partition=partition,
        place=offset,
        traceparent=event.traceparent,
        received_at=now,
    )
    if not tx.rows(_ADD, row.model_dump()):
        ((known, body),) = tx.rows(_KNOWN, {"aggregate": event.aggregate, "version": event.version})
        same = known == digest or redacted.same_but_for_redaction(event.type, body, event.body)
        return (Fate.DUPLICATE if same else Fate.CONFLICT), row
    if event.version == newest + 1:
        return Fate.NEWER, row
    return (Fate.GAP if event.version > newest else Fate.OLDER), row


def as_kept(event: Event, row: ReceivedRow) -> Event:
    """The event as it was stored: a handler never sees words that were taken back."""
    body = row.body.encode()
    return event if body == event.body else replace(event, body=body, data=json.loads(body))


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest received version of one aggregate."""

    aggregate: str
    version: int
    body: str


_LATEST_OF_CHILD = Statement(
    "received",
    "SELECT aggregate, version, body FROM received AS r WHERE subject_id = :subject_id "
    "AND substr(aggregate, 1, :letters) = :prefix "
    "AND version = (SELECT max(version) FROM received AS o WHERE o.aggregate = r.aggregate) ORDER BY aggregate",
)
_VERSIONS_OF_CHILD = Statement(
    "received", "SELECT aggregate, max(version) FROM received WHERE subject_id = :subject_id GROUP BY aggregate"
)


def latest_of_child(tx: Tx, subject_id: str, prefix: str = "") -> list[Newest]:
    """The newest version of every aggregate of one child, in aggregate order."""
    values = {"subject_id": subject_id, "letters": len(prefix), "prefix": prefix}
    return [Newest(*row) for row in tx.rows(_LATEST_OF_CHILD, values)]


def versions_of_child(tx: Tx, subject_id: str) -> dict[str, int]:
    """The newest version of every aggregate of one child, by name."""
    return dict(tx.rows(_VERSIONS_OF_CHILD, {"subject_id": subject_id}))


@lru_cache(maxsize=2048)
def _read(model: type[Published], body: str) -> Published:
    return model.model_validate_json(body, extra="ignore")


def forget_read() -> None:
    """What was parsed before words were taken back must not be shown again."""
    _read.cache_clear()


def read_as(model: type[P], body: str) -> P:
    """What a body says, parsed once: with every event a child's other documents are looked at again, and all are frozen."""
    return cast(P, _read(model, body))


def history(tx: Tx, aggregate: str) -> list[ReceivedRow]:
    """Every received version of one aggregate, oldest first."""
    statement = select(ReceivedRow).where(col(ReceivedRow.aggregate) == aggregate).order_by(col(ReceivedRow.version))
    return list(tx.session.execute(statement).scalars())
