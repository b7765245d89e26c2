"""One database per service: SQLite (one file, one writer thread) or PostgreSQL (one schema). The only commit in the code base.

A unit of work is a plain function `fn(tx)`; `Database.transact(fn)` opens the transaction, runs it and commits *before* it
returns, so an answer that depends on it cannot leave early. PostgreSQL runs READ COMMITTED: correctness rests on unique
keys, row locks taken in one order (cursor, idempotency key, streams ascending, rows) and conditional updates.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from shared.errors import Unavailable

T = TypeVar("T")

IDLE_IN_TRANSACTION_MS = 10_000
"""A stopped process that holds a transaction froze every other one for as long as it slept (measured); this ends it."""
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000


class Tx:
    """One open transaction. `locked` holds the stream rows this transaction has locked (see `shared.audit`)."""

    def __init__(self, session: Session, dialect: str) -> None:
        self.session = session
        self.dialect = dialect
        self.locked: dict[str, Any] = {}
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run one statement; nothing is autoflushed behind it."""
        return self.session.execute(statement, parameters)

    def scalar(self, statement: Any, parameters: Any = None) -> Any:
        return self.session.execute(statement, parameters).scalar()

    def before_commit(self, hook: Callable[[], None]) -> None:
        """Run just before the commit, inside the transaction, in the order added."""
        self._before.append(hook)

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run once the commit is durable (to wake a loop, never to do work that matters)."""
        self._after.append(hook)

    def savepoint(self) -> Any:
        return self.session.begin_nested()


class Database:
    """`url` is `sqlite:///file` or `postgresql+psycopg://…`; on PostgreSQL `schema` is this service's own."""

    def __init__(self, url: str, schema: str, *, pool_size: int = 16) -> None:
        self.url, self.schema = url, schema
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        if self.dialect == "sqlite":
            path = url.removeprefix("sqlite:///")
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._writer_engine = _sqlite_engine(url, immediate=True)
            self._reader_engine = (
                self._writer_engine if path in ("", ":memory:") else _sqlite_engine(url, immediate=False)
            )
            self._writer: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix=f"writer-{schema}")
            self._writer_ident = self._writer.submit(threading.get_ident).result()
        else:
            self._writer_engine = self._reader_engine = _postgres_engine(url, schema, pool_size)
            self._writer = None
            self._writer_ident = 0

    @property
    def engine(self) -> Engine:
        """For migrations and health checks; services never see it."""
        return self._writer_engine

    def transact(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in one transaction and commit. Any exception rolls everything back.

        Raises Unavailable when the database is away, a lock was not had in time or the session was ended; nothing is
        done then. On SQLite a nested call raises, since it would wait for itself.
        """
        if self._writer is None:
            result, after = self._run(fn)
        else:
            if threading.get_ident() == self._writer_ident:
                raise RuntimeError("a transaction was opened inside a transaction of the same database")
            result, after = self._writer.submit(contextvars.copy_context().run, self._run, fn).result()
        for hook in after:  # in the caller's thread: a slow hook must not hold the one writer
            hook()
        return result

    def _run(self, fn: Callable[[Tx], T]) -> tuple[T, list[Callable[[], None]]]:
        try:
            with Session(self._writer_engine, autoflush=False, expire_on_commit=False) as session:
                tx = Tx(session, self.dialect)
                if self.dialect == "sqlite":
                    session.connection()  # BEGIN IMMEDIATE now, so that reads inside see what they will overwrite
                result = fn(tx)
                session.flush()
                for hook in tx._before:
                    hook()
                session.commit()
        except (OperationalError, InterfaceError) as error:
            raise DatabaseAway(str(error.orig or error).splitlines()[0][:200]) from error
        except DBAPIError as error:
            if error.connection_invalidated or is_away(error):
                raise DatabaseAway(str(error.orig or error).splitlines()[0][:200]) from error
            raise
        return result, tx._after

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a connection of its own; nothing it writes is kept."""
        try:
            with Session(self._reader_engine, autoflush=False, expire_on_commit=False) as session:
                return fn(Tx(session, self.dialect))
        except (OperationalError, InterfaceError) as error:
            raise DatabaseAway(str(error.orig or error).splitlines()[0][:200]) from error

    def healthy(self) -> bool:
        try:
            self.read(lambda tx: tx.execute(text("SELECT 1")))
        except Unavailable:
            return False
        return True

    def close(self) -> None:
        if self._writer is not None:
            self._writer.shutdown(wait=True)
        self._writer_engine.dispose()
        if self._reader_engine is not self._writer_engine:
            self._reader_engine.dispose()


class DatabaseAway(Unavailable):
    """The database, the session or a lock was not to be had: never a fault of the message being handled."""

    code = "database-away"


_AWAY_STATES = ("08", "40", "53", "55", "57", "25P03")


def is_away(error: DBAPIError) -> bool:
    """SQLSTATE classes: connection, rollback (deadlock, serialisation), resources, lock not available, operator, idle session."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return any(state.startswith(prefix) for prefix in _AWAY_STATES)


def _sqlite_engine(url: str, *, immediate: bool) -> Engine:
    memory = url in ("sqlite://", "sqlite:///:memory:", "sqlite:///")
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": 5}}
    if memory:
        options["poolclass"] = StaticPool
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin event speaks, not the driver
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose the last commits on power loss, after a 201
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgres_engine(url: str, schema: str, pool_size: int) -> Engine:
    settings = {
        "search_path": schema,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "timezone": "UTC",
        "application_name": f"tocsin-{schema}",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_recycle=1800,
        connect_args={"options": options, "connect_timeout": 5},
    )
