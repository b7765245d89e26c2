"""One database per service: SQLite (one file, one writer thread) or PostgreSQL (one schema). The only commit in the code base.

A unit of work is a plain function `fn(tx)`; `Database.transact(fn)` opens the transaction, runs it and commits *before* it
returns, so an answer that depends on it cannot leave early. PostgreSQL runs READ COMMITTED: correctness rests on unique
keys, row locks taken in one order (cursor, idempotency key, streams ascending, rows) and conditional updates.
"""

from __future__ import annotations

import contextvars
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import psycopg
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from shared.errors import Unavailable
from shared.private import own_file
from shared.statement import Later, Statement, as_one, flattened

T = TypeVar("T")
Row = tuple[Any, ...]
Way = Literal["write", "report", "repair"]
"""What a transaction is for: any change, a new report taken in, or the repair of a held service (`shared.bus.guard`)."""

IDLE_IN_TRANSACTION_MS = 10_000
"""A stopped process that holds a transaction froze every other one for as long as it slept (measured); this ends it."""
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000


class Tx:
    """One open transaction. `locked` holds the stream rows this transaction has locked, `unrecorded` rows that its next
    entry in the trail names (see `shared.audit`).

    There are two ways to the database. `session` and `execute` are SQLAlchemy's. `write` and `rows` hand a prepared
    `Statement` to the driver: a write waits until something reads its table, SQLAlchemy is used, or the transaction ends.
    """

    def __init__(self, session: Session, dialect: str, forget: Callable[[], None] | None = None) -> None:
        self._session = session
        self.dialect = dialect
        self.locked: dict[str, Any] = {}
        self.unrecorded: list[Any] = []
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []
        self._later = Later()
        self._foreseen: dict[tuple[Statement, Row], list[Row]] = {}
        self._raw: Any = None
        self._forget = forget

    @property
    def session(self) -> Session:
        """SQLAlchemy's session; what waits is written first, so that it sees it."""
        if self._later:
            self._write_now()
        return self._session

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run one statement; nothing is autoflushed behind it."""
        return self.session.execute(statement, parameters)

    def scalar(self, statement: Any, parameters: Any = None) -> Any:
        return self.session.execute(statement, parameters).scalar()

    def write(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Insert or update, at the latest before the commit; a conflict is raised then."""
        if not self._later.takes(statement):
            self._write_now()
        self._later.add(statement, statement.bound(self.dialect, values))

    def rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        """Run now and give every row."""
        bound = statement.bound(self.dialect, values)
        foreseen = self._foreseen.pop((statement, bound), None)
        if foreseen is not None:
            return foreseen
        if self._later.touches(statement.table):
            self._write_now()
        with self._translated(statement):
            return self._driver().execute(statement.text(self.dialect), bound).fetchall()

    def foresee(self, *questions: tuple[Statement, Mapping[str, Any]]) -> None:
        """Run these now, in this order, in one round trip; `rows` then finds the answers. For the start of a transaction:
        what is written in between makes them stale. Where there is no way to travel (SQLite) nothing happens."""
        if self.dialect != "postgresql" or self._later:
            return
        asked = [(statement, statement.bound(self.dialect, values)) for statement, values in questions]
        raw = self._driver()
        with self._translated(asked[0][0]):
            with raw.pipeline():
                cursors = [raw.execute(statement.text(self.dialect), bound) for statement, bound in asked]
            self._foreseen = {key: cursor.fetchall() for key, cursor in zip(asked, cursors, strict=True)}

    def _write_now(self) -> None:
        taken = self._later.take()
        with self._translated(taken[0][0]):
            raw = self._driver()
            if self.dialect == "postgresql" and len(taken) > 1 and all(len(bounds) == 1 for _, bounds in taken):
                statement = as_one(tuple(statement for statement, _ in taken), self.dialect)
                raw.execute(statement, flattened(bounds[0] for _, bounds in taken))
                return
            for statement, bounds in taken:
                if len(bounds) == 1:
                    raw.execute(statement.text(self.dialect), bounds[0])
                else:
                    raw.cursor().executemany(statement.text(self.dialect), bounds)

    def _driver(self) -> Any:
        """The driver's own connection, inside this transaction."""
        if self._raw is None:
            self._raw = self._session.connection().connection.driver_connection
        return self._raw

    @contextmanager
    def _translated(self, statement: Statement) -> Iterator[None]:
        """The driver's errors as SQLAlchemy's, so that there is one kind; a lost connection takes its pool with it."""
        try:
            yield
        except psycopg.Error as error:
            lost = self._raw is not None and self._raw.closed
            if lost:  # the others of the pool are most likely lost too: each would fail one request
                connection = self._session.connection()
                connection.invalidate(error)
                connection.engine.dispose()
            raise _as_one_kind(statement, error, psycopg.Error, lost=lost) from error
        except sqlite3.Error as error:
            raise _as_one_kind(statement, error, sqlite3.Error) from error

    def read_anew(self) -> None:
        """What was read so far is read again when it is next used: whoever held the lock we waited for may have written.

        Without it even a `SELECT … FOR UPDATE` gives the session's old copy of a row it has read before.
        """
        changed = self._session.dirty
        for row in list(self._session.identity_map.values()):
            if row not in changed:
                self._session.expire(row)

    def before_commit(self, hook: Callable[[], None]) -> None:
        """Run just before the commit, inside the transaction, in the order added."""
        self._before.append(hook)

    def forget(self) -> None:
        """After a commit that took words back: nothing of what was there may linger in the database's journal."""
        if self._forget is not None:
            self._forget()

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run once the commit is durable (to wake a loop, never to do work that matters)."""
        self._after.append(hook)

    def finish(self) -> None:
        """Write everything that still waits; the commit is next."""
        self._session.flush()
        for hook in self._before:
            hook()
        if self._later:
            self._write_now()


def _as_one_kind(statement: Statement, error: Exception, base: type[Exception], *, lost: bool = False) -> BaseException:
    where = f"on {statement.table}"
    return DBAPIError.instance(where, None, error, base, hide_parameters=True, connection_invalidated=lost)


class Database:
    """`url` is `sqlite:///file` or `postgresql+psycopg://…`; on PostgreSQL `schema` is this service's own."""

    def __init__(self, url: str, schema: str, *, pool_size: int = 16) -> None:
        self.url, self.schema = url, schema
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self.gate: Callable[[Way], None] | None = None
        """Asked before every transaction that writes; raises when this service may not write now."""
        self.on_another_server: Callable[[], None] | None = None
        self._server: str | None = None
        self._servers = 0
        if self.dialect == "sqlite":
            path = url.removeprefix("sqlite:///")
            if path and path != ":memory:":
                own_file(Path(path))
            self._writer_engine = _sqlite_engine(url, immediate=True)
            self._reader_engine = (
                self._writer_engine if path in ("", ":memory:") else _sqlite_engine(url, immediate=False)
            )
            self._writer: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix=f"writer-{schema}")
            self._writer_ident = self._writer.submit(threading.get_ident).result()
        else:
            self._writer_engine = self._reader_engine = _postgres_engine(url, schema, pool_size)
            event.listen(self._writer_engine, "connect", self._recognise)
            self._writer = None
            self._writer_ident = 0

    @property
    def engine(self) -> Engine:
        """For migrations and health checks; services never see it."""
        return self._writer_engine

    def _recognise(self, connection: Any, _: Any) -> None:
        """A promoted standby, or a database put back from a copy, may lack what was committed: whoever is told will look."""
        with connection.cursor() as cursor:
            cursor.execute(_WHICH_SERVER)
            server = str(cursor.fetchone())
        connection.rollback()
        before, self._server = self._server, server
        if before is not None and before != server:
            self._servers += 1
            if self.on_another_server is not None:
                self.on_another_server()

    def transact(self, fn: Callable[[Tx], T], *, way: Way = "write") -> T:
        """Run `fn` in one transaction and commit. Any exception rolls everything back.

        Raises Unavailable when the database is away, a lock was not had in time or the session was ended; nothing is
        done then. On SQLite a nested call raises, since it would wait for itself.
        """
        self.admit(way)
        if self._writer is None:
            result, after = self._run(fn, way)
        else:
            if threading.get_ident() == self._writer_ident:
                raise RuntimeError("a transaction was opened inside a transaction of the same database")
            result, after = self._writer.submit(contextvars.copy_context().run, self._run, fn, way).result()
        for hook in after:  # in the caller's thread: a slow hook must not hold the one writer
            hook()
        return result

    def admit(self, way: Way = "write") -> None:
        """Raises Unavailable when this service may not write now."""
        if self.gate is not None:
            self.gate(way)

    def _run(self, fn: Callable[[Tx], T], way: Way) -> tuple[T, list[Callable[[], None]]]:
        servers = self._servers
        with _outages(), Session(self._writer_engine, autoflush=False, expire_on_commit=False) as session:
            tx = Tx(session, self.dialect, self._empty_journal)
            if self.dialect == "sqlite":
                session.connection()  # BEGIN IMMEDIATE now, so that reads inside see what they will overwrite
            result = fn(tx)
            tx.finish()
            if servers != self._servers:  # begun before another server answered: what it read may be of the one before
                session.rollback()
                self.admit(way)
                raise DatabaseAway("another database server answered")
            try:
                session.commit()
            except BaseException:
                # SQLAlchemy puts a connection whose commit failed back as it is: in its transaction, with its locks.
                session.invalidate()
                raise
        return result, tx._after

    def _empty_journal(self) -> None:
        """SQLite's journal holds pages as they were until it is written over; PostgreSQL's own runs on and is not ours."""
        if self._writer is not None:
            self._writer.submit(self._checkpoint).result()

    def _checkpoint(self) -> None:
        with self._writer_engine.connect() as connection:
            raw = connection.connection.driver_connection  # SQLAlchemy would begin a transaction, which forbids it
            assert raw is not None
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def read(self, fn: Callable[[Tx], T], *, snapshot: bool = False) -> T:
        """Run `fn` on a connection of its own; nothing it writes is kept. Raises Unavailable as `transact` does.

        `snapshot` makes all its statements see one moment (SQLite's readers always do).
        """
        with _outages(), Session(self._reader_engine, autoflush=False, expire_on_commit=False) as session:
            if snapshot and self.dialect == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return fn(Tx(session, self.dialect))

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
    """The database, the session or a lock was not to be had: never a fault of the message being handled.

    What the driver said (addresses, statements) is for the log, as the text of the exception; a client gets the title.
    """

    code = "database-away"

    def __init__(self, said: str = "") -> None:
        super().__init__()
        self.said = said

    def __str__(self) -> str:
        return self.said or self.title


@contextmanager
def _outages() -> Iterator[None]:
    """What the driver calls by many names is one thing to us: the database was not to be had."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated or is_away(error):
            raise DatabaseAway(str(error.orig or error).splitlines()[0][:200]) from error
        raise


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
        cursor.execute("PRAGMA secure_delete=ON")  # words taken back are written over, not left in a free page
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


_WHICH_SERVER = """
SELECT pg_postmaster_start_time()::text || ' ' || oid::text FROM pg_database WHERE datname = current_database()
"""


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
