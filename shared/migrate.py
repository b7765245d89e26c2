"""Brings one service's schema to its newest revision: forward only, under a lock, with lock timeouts.

Each service owns a linear history under `services/<service>/migrations/versions`; `env.py` there is three lines.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from shared.db import LOCK_TIMEOUT_MS, Database

ROOT = Path(__file__).resolve().parent.parent
_LOCK = text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


def config(service: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(ROOT / "services" / service / "migrations"))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(db: Database, service: str) -> None:
    """Create the schema when missing and run every revision that is not there yet; two processes may call at once."""
    if db.dialect == "sqlite":
        _run(db, service)
        return
    autocommit = db.engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))  # wait for the other one to finish
        connection.execute(_LOCK, {"name": f"migrate:{db.schema}"})
        try:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{db.schema}"'))
            _run(db, service)
        finally:
            connection.execute(_UNLOCK, {"name": f"migrate:{db.schema}"})
            connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))


def ensure_schema(db: Database) -> None:
    """Make the schema itself; two processes may call at once."""
    if db.dialect == "postgresql":
        with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(_LOCK, {"name": f"migrate:{db.schema}"})
            try:
                connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{db.schema}"'))
            finally:
                connection.execute(_UNLOCK, {"name": f"migrate:{db.schema}"})


def _run(db: Database, service: str) -> None:
    made = config(service)
    with db.engine.begin() as connection:
        made.attributes["connection"] = connection
        command.upgrade(made, "head")


def pending(db: Database, service: str) -> list[str]:
    """Revisions that are not applied yet; empty means the schema is at head."""
    script = ScriptDirectory.from_config(config(service))
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    heads = script.get_heads()
    return [] if current in heads else list(heads)
