"""Idempotency-Key: the first row of a command's transaction, kept as long as the case.

The same key with the same body answers what was answered; with another body it is a conflict (409).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Column, Text, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col

from shared.db import Tx
from shared.errors import Conflict, FieldProblem


class IdempotencyRow(SQLModel, table=True):
    """`client` is the user id: two clients may use the same key."""

    __tablename__: ClassVar[str] = "idempotency"  # type: ignore[misc]
    client: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_sha256: str
    status: int = 0
    answer: str = Field(default="", sa_column=Column(Text, nullable=False))
    at: datetime


@dataclass(frozen=True)
class Answered:
    """What was answered the first time."""

    status: int
    answer: str


def claim(tx: Tx, *, client: str, route: str, key: str, body_sha256: str, now: datetime) -> Answered | None:
    """Claim the key; None means it is ours to answer. A racing request waits here for the first one's commit."""
    dialect = postgresql if tx.dialect == "postgresql" else sqlite
    values = {
        "client": client,
        "route": route,
        "key": key,
        "body_sha256": body_sha256,
        "status": 0,
        "answer": "",
        "at": now,
    }
    # RETURNING, never rowcount: psycopg gives -1 for an INSERT that SQLAlchemy did not ask to count.
    statement = dialect.insert(IdempotencyRow).values(values).on_conflict_do_nothing()
    if tx.execute(statement.returning(literal_column("1"))).first() is not None:
        return None
    row = tx.execute(
        select(col(IdempotencyRow.body_sha256), col(IdempotencyRow.status), col(IdempotencyRow.answer)).where(
            col(IdempotencyRow.client) == client, col(IdempotencyRow.route) == route, col(IdempotencyRow.key) == key
        )
    ).one()
    if row[0] != body_sha256:
        raise Conflict(
            "this Idempotency-Key was used for another body",
            problems=[FieldProblem("", "Idempotency-Key was used before", "use a new key for a new report")],
        )
    return Answered(row[1], row[2])


def settle(tx: Tx, *, client: str, route: str, key: str, status: int, answer: str) -> None:
    tx.execute(
        update(IdempotencyRow)
        .where(col(IdempotencyRow.client) == client, col(IdempotencyRow.route) == route, col(IdempotencyRow.key) == key)
        .values(status=status, answer=answer)
    )
