"""A migrated database of the notifier (it has every kind of table), as one behaviour class asks for it on either dialect."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Barrier
from typing import TypeVar
from uuid import uuid4

import psycopg
import pytest

from shared import migrate
from shared.audit import Audit, AuditKeys, Written
from shared.audit_verify import Verified, verify
from shared.bus.outbox import OutboxRow, emit
from shared.case import Subject
from shared.db import Database, Tx
from tests.support.servers import POSTGRES_ENV

T = TypeVar("T")
NOW = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
TRIAL = "vinmec-cp-bmmnc"
KEYS = AuditKeys(b"k" * 32)


@dataclass
class Store:
    """`open()` is another instance of the service on the same database."""

    url: str
    audit: Audit = field(default_factory=lambda: Audit("ae_intake", KEYS))
    opened: list[Database] = field(default_factory=list)

    def open(self) -> Database:
        self.opened.append(Database(self.url, "sae_notifier"))
        return self.opened[-1]

    @property
    def db(self) -> Database:
        return self.opened[0]

    def close(self) -> None:
        for one in self.opened:
            one.close()

    def verify(self) -> Verified:
        """The trail and the outbox; the other tables hold what tests put there by hand."""
        return self.db.read(lambda tx: verify(tx, self.audit, (OutboxRow,), reads_log=False))


@contextmanager
def migrated(url: str) -> Iterator[Store]:
    store = Store(url)
    try:
        migrate.upgrade(store.open(), "sae_notifier")
        yield store
    finally:
        store.close()


def child() -> str:
    """A code nobody has used: tests share a database and never a child."""
    return f"VN01-{uuid4().hex[:12]}"


def subject(code: str, version: int) -> Subject:
    return Subject(subject_id=code, version=version, trial_id=TRIAL, recorded_at=NOW)


def say(store: Store, tx: Tx, code: str, version: int) -> Written:
    """Publish one version of a child, with its audit entry; the child's stream is locked here."""
    store.audit.lock(tx, code)
    row = emit(
        tx,
        "tocsin.subject.recorded.v1",
        subject(code, version),
        aggregate=f"subject/{code}",
        version=version,
        trial_id=TRIAL,
        now=NOW,
        key=code,
    )
    store.audit.record(tx, stream=code, actor="tester", action="said something", at=NOW, rows=[row])
    return row


def together(count: int, work: Callable[[int], T]) -> list[T]:
    """Run `work(0..count-1)` in threads that start at the same moment."""
    barrier = Barrier(count)

    def one(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture(scope="module")
def module_postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The SQLAlchemy URL of one PostgreSQL database for a whole module."""
    name = f"m_{uuid4().hex}"
    given = os.environ.get(POSTGRES_ENV)
    if given:
        with psycopg.connect(given, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
            yield given.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        return
    server = request.getfixturevalue("postgres_server")
    yield server.create_database(name)
    server.drop_database(name)
