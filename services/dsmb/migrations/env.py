"""Alembic's entry for dsmb."""

from services.dsmb import store
from shared.bus import cursor, hold, idempotency, outbox, parking, received  # noqa: F401  the plumbing's tables
from shared.migrations_env import run

run(table.audit_name() for table in store.AUDITED)
