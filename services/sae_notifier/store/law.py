"""The files that said what was owed, kept by hash."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    Column,
    Text,
)
from sqlmodel import Field

from services.sae_notifier.store.rows import add_row
from shared.audit import Audited
from shared.db import Tx


class RuleFileRow(Audited, table=True):
    """A rule, calendar or trial file as it stood when it was first used, by hash: "what did we owe on day 3" needs it."""

    __tablename__: ClassVar[str] = "rule_files"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("sha256",)

    sha256: str = Field(primary_key=True)
    name: str
    body: str = Field(sa_column=Column(Text, nullable=False))
    versions: str
    """Versions of the holidays library and of tzdata it was used with."""
    first_used_at: datetime


def keep_rule_file(tx: Tx, row: RuleFileRow) -> bool:
    """True when it was not known yet."""
    if tx.session.get(RuleFileRow, row.sha256) is not None:
        return False
    add_row(tx, row)
    return True


def rule_file(tx: Tx, sha256: str) -> RuleFileRow | None:
    return tx.session.get(RuleFileRow, sha256)
