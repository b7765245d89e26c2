"""Held: this service's own log knows more than its database, so it writes and sends nothing until a person releases it.

The row is what every instance goes by. `children` are those whose documents came back and who are judged anew, one by
one, once the hold has been released.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Text, select, text
from sqlmodel import Field, col

from shared.audit import SERVICE_STREAM, Audit, Audited
from shared.db import Tx
from shared.errors import Conflict, NotFound
from shared.ids import new_id

_OPEN = text("state <> 'released'")


class HoldRow(Audited, table=True):
    """One time of being held: why, what was brought back, and who let it go on."""

    __tablename__: ClassVar[str] = "holds"  # type: ignore[misc]
    __table_args__ = (
        CheckConstraint("(state = 'released') = (released_by IS NOT NULL)", name="holds_released_by_somebody"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("hold_id",)

    hold_id: str = Field(primary_key=True)
    reason: str
    """log_ahead (found at the start or after another database answered) or republish (asked for)."""
    missing: int
    """Own events that stood on the log and not in the database."""
    held_at: datetime
    state: str = "held"
    """held, restored or released."""
    restored_at: datetime | None = None
    restored: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    """What `restore` brought back, counted by event type, as JSON."""
    children: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    released_at: datetime | None = None
    released_by: str | None = None
    released_reason: str | None = None

    def waiting(self) -> list[str]:
        """Children still to be judged anew."""
        return json.loads(self.children)


def current(tx: Tx, *, lock: bool = False) -> HoldRow | None:
    """The hold that stands, if any."""
    statement = select(HoldRow).where(_OPEN)
    return tx.session.execute(statement.with_for_update() if lock else statement).scalar()


def unfinished(tx: Tx, *, lock: bool = False) -> HoldRow | None:
    """A released hold whose children are not all judged anew yet."""
    statement = select(HoldRow).where(col(HoldRow.state) == "released", col(HoldRow.children) != "[]").limit(1)
    return tx.session.execute(statement.with_for_update() if lock else statement).scalar()


def begin(tx: Tx, audit: Audit, *, reason: str, missing: int, now: datetime) -> HoldRow:
    """Hold the service; the hold that stands already stays."""
    audit.lock(tx, SERVICE_STREAM)
    row = current(tx)
    if row is None:
        row = HoldRow(hold_id=new_id(), reason=reason, missing=missing, held_at=now)
        tx.session.add(row)
        _record(tx, audit, row, "system", "held the service", now, reason)
    return row


def mark_restored(tx: Tx, audit: Audit, *, counts: dict[str, int], children: set[str], now: datetime) -> None:
    audit.lock(tx, SERVICE_STREAM)
    row = current(tx, lock=True)
    if row is None:
        raise Conflict("the service is not held any more")
    before = json.loads(row.restored)
    row.restored = json.dumps({name: before.get(name, 0) + counts.get(name, 0) for name in sorted(before | counts)})
    row.children = json.dumps(sorted({*row.waiting(), *children}))
    row.state, row.restored_at = "restored", now
    tx.session.add(row)
    _record(tx, audit, row, "system", "restored the service from the log", now, None)


def release(tx: Tx, audit: Audit, *, by: str, reason: str, now: datetime) -> HoldRow:
    """Let it go on. Raises NotFound when it is not held, Conflict when it was not restored before."""
    audit.lock(tx, SERVICE_STREAM)
    row = current(tx, lock=True)
    if row is None:
        raise NotFound("the service is not held")
    if row.state != "restored":
        raise Conflict(f"it was not restored yet: run `tocsin restore {audit.service}` first")
    row.state, row.released_at, row.released_by, row.released_reason = "released", now, by, reason
    tx.session.add(row)
    _record(tx, audit, row, by, "released the service", now, reason)
    return row


def done_with(tx: Tx, audit: Audit, child: str, now: datetime) -> None:
    """A child was judged anew; its own lock is held by the caller."""
    audit.lock(tx, SERVICE_STREAM)
    row = unfinished(tx, lock=True)
    if row is None or child not in row.waiting():
        return
    row.children = json.dumps([one for one in row.waiting() if one != child])
    tx.session.add(row)
    _record(tx, audit, row, "system", "judged a child anew after a restore", now, None)


def _record(tx: Tx, audit: Audit, row: HoldRow, actor: str, action: str, now: datetime, reason: str | None) -> None:
    tx.session.flush()
    audit.record(tx, stream=SERVICE_STREAM, actor=actor, action=action, at=now, reason=reason, rows=[row])
