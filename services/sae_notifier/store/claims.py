"""A claim: one instance holds a row while it does what cannot be undone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_

from shared.audit import Audit, Proven
from shared.db import Tx

_NO_CLAIM_SO_LONG = timedelta(minutes=15)


class Claimable(Proven):
    """Columns of a row that is claimed; they move without an entry in the trail."""

    claimed_until: datetime | None = None
    proof: str | None = None


def unclaimed(claimed_until: Any, now: datetime) -> Any:
    """A claim that reaches further than any of ours was not ours: it must not keep a call from being made."""
    return or_(claimed_until.is_(None), claimed_until <= now, claimed_until > now + _NO_CLAIM_SO_LONG)


def claim(tx: Tx, audit: Audit, rows: Iterable[Claimable], until: datetime) -> None:
    for row in rows:
        row.claimed_until = until
        row.proof = audit.prove(type(row), row.model_dump())
        tx.session.add(row)


def release(row: Claimable) -> None:
    """Its holder is done with it."""
    row.claimed_until = row.proof = None
