"""The migrations make exactly what the models say, on both databases, and the hot questions find their indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import ValidationError
from sqlalchemy import CheckConstraint, Inspector, inspect, text
from sqlmodel import SQLModel

from services.ae_intake import store as intake_store
from services.causality import store as causality_store
from services.dsmb import store as dsmb_store
from services.sae_notifier import store as notifier_store
from shared import migrate
from shared.audit import Audit, AuditKeys
from shared.bus import cursor, idempotency, outbox, received
from shared.bus.port import SAFETY_TOPIC, TOPICS
from shared.bus.received import receive
from shared.db import Database, Tx
from shared.migrations_env import COMMON
from tests.contracts.store import event
from tests.support.stores import NOW, module_postgres_url, together  # noqa: F401

OWN = {
    "ae_intake": {table.audit_name() for table in intake_store.AUDITED},
    "causality": {table.audit_name() for table in causality_store.AUDITED},
    "sae_notifier": {table.audit_name() for table in notifier_store.AUDITED},
    "dsmb": {table.audit_name() for table in dsmb_store.AUDITED},
}
SERVICES = sorted(OWN)


@contextmanager
def at_head(url: str, service: str) -> Iterator[Database]:
    db = Database(url, service)
    try:
        migrate.upgrade(db, service)
        yield db
    finally:
        db.close()


def differences(db: Database, service: str) -> list[Any]:
    """What Alembic would add to the migrations, and check constraints, which it does not look at."""
    names = OWN[service] | set(COMMON)

    def ours(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
        return kind != "table" or name in names

    with db.engine.connect() as connection:
        options = {"include_object": ours, "compare_type": True}
        found: list[Any] = list(
            compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata)
        )
        inspector = inspect(connection)
        found += [one for name in sorted(names) if (one := _checks(inspector, name))]
        extra = set(inspector.get_table_names()) - names - {"alembic_version"}
        found += [("unknown tables", extra)] if extra else []
    return found


def _checks(inspector: Inspector, table: str) -> tuple[str, set[str | None]] | None:
    there = {one["name"] for one in inspector.get_check_constraints(table)}
    wanted = {
        str(one.name)
        for one in SQLModel.metadata.tables[table].constraints
        if isinstance(one, CheckConstraint) and one.name is not None
    }
    return (f"check constraints of {table}", there ^ wanted) if there != wanted else None


@pytest.mark.parametrize("service", SERVICES)
def test_on_sqlite_migrations_and_models_are_one(service: str, tmp_path: Path) -> None:
    with at_head(f"sqlite:///{tmp_path / 'service.db'}", service) as db:
        assert differences(db, service) == []
        assert migrate.pending(db, service) == []
        migrate.upgrade(db, service)  # a second time changes nothing
        positions = db.read(cursor.all_positions)
        topics = TOPICS if service == "dsmb" else (SAFETY_TOPIC,)
        assert len(positions) == 12 * len(topics) and {one.next_offset for one in positions.values()} == {0}


@pytest.mark.parametrize("service", SERVICES)
def test_on_postgres_migrations_and_models_are_one(service: str, module_postgres_url: str) -> None:  # noqa: F811
    with at_head(module_postgres_url, service) as db:
        assert differences(db, service) == []
        assert migrate.pending(db, service) == []


def test_a_database_that_is_behind_says_so(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'new.db'}", "causality")
    try:
        assert migrate.pending(db, "causality") != []
    finally:
        db.close()


def test_two_processes_migrating_at_once_do_it_once(postgres_url: str) -> None:
    def start(_: int) -> list[str]:
        with at_head(postgres_url, "causality") as db:
            return migrate.pending(db, "causality")

    assert together(2, start) == [[], []]


# Indexes --------------------------------------------------------------------------------------------------------------

MANY = 4_000


@pytest.fixture(scope="module")
def filled(module_postgres_url: str) -> Iterator[Database]:  # noqa: F811
    """A notifier after some years: nearly everything is published, called and settled."""
    with at_head(module_postgres_url, "sae_notifier") as db:
        db.transact(_fill)
        with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("ANALYZE"))
        yield db


FILL = """
INSERT INTO outbox (event_id, type, topic, key, aggregate, version, serious, headers, body, created_at, published_at)
SELECT 'e' || n, 't', 'tocsin.safety', 'c' || n % 60, 'case/' || n, 1, n % 5 = 0, '[]', '{}', now(),
    CASE WHEN n > :many - 20 THEN NULL ELSE now() END FROM generate_series(1, :many) n;
INSERT INTO received (aggregate, version, subject_id, event_id, type, sha256, serious, body, topic, partition, place, received_at)
SELECT 'case/' || n / 4, n % 4 + 1, 'c' || n % 60, 'e' || n, 't', '', false, '{}', 't', 0, n, now()
    FROM generate_series(1, :many) n;
INSERT INTO alerts (alert_id, cause, kind, subject_id, opened_at, state, round)
SELECT 'a' || n, 'a' || n, 'sae', 'c', now(), 'open', 1 FROM generate_series(1, :many) n;
INSERT INTO calls (call_id, alert_id, subject_id, round, step, person, user_id, channel, address, message_id, call_at,
    state, attempts, sent_at)
SELECT 'l' || n, 'a' || n, 'c', 1, 0, 'p', 'u', 'mail', 'x', 'm' || n, now(),
    CASE WHEN n % 200 = 0 THEN 'waiting' ELSE 'sent' END, 1, now() FROM generate_series(1, :many) n;
INSERT INTO duties (obligation_id, version, case_id, case_number, subject_id, rule_id, recipient_id, state, provisional,
    due_at, due_strict_at)
SELECT 'o' || n, 1, 'k' || n / 10, 'k', 'c', 'VN-SAE-7WD', 'necbr',
    CASE WHEN n % 200 = 0 THEN 'open' ELSE 'received' END, false, now(), now() FROM generate_series(1, :many) n;
INSERT INTO obligation_versions (obligation_id, version, subject_id, body, recorded_at)
SELECT 'o' || n, 1, 'c', '{}', now() FROM generate_series(1, :many) n;
INSERT INTO idempotency (client, route, key, body_sha256, status, answer, at)
SELECT 'clinician', 'r', 'k' || n, '', 201, '', now() FROM generate_series(1, :many) n;
"""


def _fill(tx: Tx) -> None:
    for statement in FILL.split(";"):
        if statement.strip():
            tx.execute(text(statement.replace(":many", str(MANY))))


AUDIT = Audit("ae_intake", AuditKeys(b"k" * 40))


def claim_key(tx: Tx) -> object:
    return idempotency.claim(tx, AUDIT, client="clinician", route="r", key="k7", body_sha256="", now=NOW)


def duties_of_a_case(tx: Tx) -> object:
    """The rows themselves: the bodies here are no documents."""
    try:
        return notifier_store.obligations_of(tx, ["k7"])
    except ValidationError:
        return None


HOT: list[tuple[str, str, Callable[[Tx], object]]] = [
    ("the relay's batch", "outbox", lambda tx: outbox.unpublished(tx, 200)),
    ("the backlog gauge", "outbox", outbox.backlog),
    (
        "receiving a version",
        "received",
        lambda tx: receive(tx, event("case/7", 9), key="c7", topic="t", partition=0, offset=1, now=NOW),
    ),
    ("a child's documents", "received", lambda tx: received.latest_of_child(tx, "c7", "case/")),
    ("a case's history", "received", lambda tx: received.history(tx, "case/7")),
    ("claiming calls", "calls", lambda tx: notifier_store.claim_calls(tx, AUDIT, NOW + timedelta(days=3650), NOW)),
    ("the calls of an alert", "calls", lambda tx: notifier_store.calls_of(tx, ["a7"])),
    ("an alert by its cause", "alerts", lambda tx: notifier_store.alert_by_cause(tx, "a7")),
    ("duties that come due", "duties", lambda tx: notifier_store.duties_near(tx, NOW - timedelta(days=3650))),
    ("the duties of a case", "duties", duties_of_a_case),
    ("an idempotency key", "idempotency", claim_key),
]


@pytest.mark.parametrize(("what", "table", "ask"), HOT, ids=[one[0] for one in HOT])
def test_hot_questions_read_no_table_from_end_to_end(
    filled: Database, what: str, table: str, ask: Callable[[Tx], object]
) -> None:
    whole, by_index = filled.read(lambda tx: _scans(tx, table, ask))
    assert (whole, by_index > 0) == (0, True), f"{what} reads all of {table}"


def _scans(tx: Tx, table: str, ask: Callable[[Tx], object]) -> tuple[int, int]:
    """How often `ask` read the whole table, and how often it went by an index."""
    counts = text(
        "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE schemaname = 'sae_notifier' AND relname = :t"
    )
    before = tx.execute(counts, {"t": table}).one()
    ask(tx)
    after = tx.execute(counts, {"t": table}).one()
    return after[0] - before[0], after[1] - before[1]


def test_the_count_notices_a_table_read_whole(filled: Database) -> None:
    """The check above can fail."""
    whole = text("SELECT count(*) FROM outbox WHERE body = 'x'")
    assert filled.read(lambda tx: _scans(tx, "outbox", lambda inner: inner.scalar(whole)))[0] == 1
