"""What this service has heard of a child: read from the versions it received."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import (
    select,
    text,
)
from sqlmodel import col

from shared.bus import received
from shared.case import Assessment, CaseReport
from shared.db import Tx


def assessments(tx: Tx, case_id: str) -> list[Assessment]:
    return [received.read_as(Assessment, row.body) for row in received.history(tx, f"assessment/{case_id}")]


def current_versions(tx: Tx, subject_id: str) -> dict[str, int]:
    """Newest version of every aggregate of the child, by name: what an assessment must have judged."""
    return received.versions_of_child(tx, subject_id)


def nullified_cases(tx: Tx, since: datetime | None = None, replaced_by: str | None = None) -> list[CaseReport]:
    """Void cases, whoever's child: those received after `since`, those that name `replaced_by` as their replacement."""
    row = received.ReceivedRow
    statement = select(row).where(text("type = 'tocsin.case.nullified.v1'"))  # as its index says it
    if since is not None:
        statement = statement.where(col(row.received_at) >= since)
    if replaced_by is not None:
        statement = statement.where(col(row.body).contains(f'"replaced_by":{json.dumps(replaced_by)}', autoescape=True))
    return [CaseReport.read(one.data()) for one in tx.session.execute(statement).scalars()]


def case_sha256(tx: Tx, case_id: str, version: int) -> str:
    row = tx.session.get(received.ReceivedRow, (f"case/{case_id}", version))
    return row.sha256 if row else ""
