"""Where this consumer goes on: the next offset of every partition, in its own database, moved only by compare-and-set.

The rows are made by a migration, never on the fly: an insert that races would wait behind a stopped process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, insert, select, update
from sqlalchemy.engine import Connection
from sqlmodel import Field, col

from shared.audit import Audit, Proven
from shared.bus.port import PARTITIONS, Position
from shared.db import Tx


class CursorRow(Proven, table=True):
    __tablename__: ClassVar[str] = "cursors"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("topic", "partition")
    proven: ClassVar[tuple[str, ...]] = ("next_offset", "last_event_id")
    unproven: ClassVar[Mapping[str, Any] | None] = {"next_offset": 0, "last_event_id": None}
    __table_args__ = (CheckConstraint("next_offset >= 0", name="cursors_offset"),)
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next_offset: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    last_event_id: str | None = None
    proof: str | None = None


class CursorMoved(Exception):
    """Another instance has handled these records; re-read the position and go there."""


def make_rows(connection: Connection, topics: Iterable[str]) -> None:
    """For migrations: one row per partition, at offset 0."""
    connection.execute(
        insert(CursorRow),
        [{"topic": topic, "partition": p, "next_offset": 0} for topic in topics for p in range(PARTITIONS)],
    )


def read(tx: Tx, topic: str, partition: int) -> Position:
    row = tx.execute(
        select(col(CursorRow.next_offset), col(CursorRow.last_event_id)).where(
            col(CursorRow.topic) == topic, col(CursorRow.partition) == partition
        )
    ).one()
    return Position(row[0], row[1])


def advance(
    tx: Tx, audit: Audit, topic: str, partition: int, *, first: int, next_offset: int, last_event_id: str | None
) -> None:
    """The first statement of an effect's transaction. Raises CursorMoved when the cursor is not at `first`."""
    moving = {"next_offset": next_offset, "last_event_id": last_event_id}
    proof = audit.prove(CursorRow, {"topic": topic, "partition": partition, **moving})
    moved = tx.execute(
        update(CursorRow)
        .where(
            col(CursorRow.topic) == topic, col(CursorRow.partition) == partition, col(CursorRow.next_offset) == first
        )
        .values(**moving, proof=proof)
    )
    if moved.rowcount != 1:
        raise CursorMoved(f"{topic}[{partition}] is not at {first}")


def all_positions(tx: Tx) -> dict[tuple[str, int], Position]:
    rows = tx.session.execute(select(CursorRow)).scalars()
    return {(row.topic, row.partition): Position(row.next_offset, row.last_event_id) for row in rows}
