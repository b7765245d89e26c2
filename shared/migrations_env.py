"""What every service's Alembic `env.py` does: run on the connection it is given, compare only the service's own tables."""

from __future__ import annotations

from collections.abc import Iterable

from alembic import context
from sqlmodel import SQLModel

COMMON = (
    "streams",
    "audit",
    "audit_seals",
    "audit_sealed",
    "outbox",
    "cursors",
    "received",
    "parked",
    "idempotency",
    "holds",
    "redactions",
)
"""The tables of the plumbing, which every service has."""


def run(own: Iterable[str]) -> None:
    names = set(own) | set(COMMON)
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        include_name=lambda name, kind, _: kind != "table" or name in names,
        include_object=lambda thing, name, kind, *_: kind != "table" or name in names,
        render_as_batch=False,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
