"""What every noun needs: a row added, and whether the desk has news."""

from __future__ import annotations

from sqlalchemy import (
    select,
)
from sqlmodel import col

from shared.audit import SEALS_STREAM, Audited, AuditRow
from shared.db import Tx
from shared.statement import insert_of


def add_row(tx: Tx, row: Audited) -> None:
    tx.write(insert_of(type(row)), row.model_dump())


def desk_version(tx: Tx) -> str:
    """Differs as soon as anything on the desk has changed: every change here writes to the trail, seals aside."""
    statement = select(col(AuditRow.id)).where(col(AuditRow.stream) != SEALS_STREAM)
    return str(tx.scalar(statement.order_by(col(AuditRow.id).desc()).limit(1)) or 0)
