"""The limit: the rows that one report writes, inserted again under other keys by nothing but the database driver.

The tables are copies of ours (same columns, indexes and checks, same sizes), every transaction is one durable commit
(PostgreSQL with fsync and synchronous_commit, SQLite with WAL and synchronous=FULL), and nothing is computed.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

TABLES = ("idempotency", "streams", "cases", "documents", "outbox", "audit")
"""What a report about a known child writes, in the order of the transaction; `streams` is an update of the child's row."""
_SERIAL = {"outbox": "position", "audit": "id"}
_FRESH = {
    "idempotency": ("key",),
    "audit": ("stream",),
    "cases": ("case_id", "case_number", "sequence"),
    "documents": ("aggregate",),
    "outbox": ("event_id",),
}
"""Columns that must differ from row to row: every unique key needs one of them, or the row's own number."""
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Shape:
    """One table: its columns without the numbered one, and a real row of them."""

    table: str
    columns: tuple[str, ...]
    row: tuple[object, ...]


def shapes(dsn: str, schema: str = "ae_intake") -> list[Shape]:
    """The newest real row of every table that a report writes."""
    found = []
    with psycopg.connect(dsn) as connection:
        for table in TABLES:
            cursor = connection.execute(f"SELECT * FROM {schema}.{table} {_NEWEST[table]}".encode())
            row = cursor.fetchone()
            assert row is not None and cursor.description is not None
            names = [column.name for column in cursor.description]
            kept = [i for i, name in enumerate(names) if name != _SERIAL.get(table)]
            found.append(Shape(table, tuple(names[i] for i in kept), tuple(row[i] for i in kept)))
    return found


_NEWEST = {
    "idempotency": "WHERE route = 'POST /api/v1/cases' ORDER BY at DESC LIMIT 1",
    "streams": "WHERE stream LIKE 'VN01-%' AND seq > 1 LIMIT 1",
    "cases": "ORDER BY recorded_at DESC LIMIT 1",
    "documents": "WHERE kind = 'case' ORDER BY recorded_at DESC LIMIT 1",
    "outbox": "WHERE type = 'tocsin.case.reported.v1' ORDER BY position DESC LIMIT 1",
    "audit": "WHERE entry LIKE '%reported a case%' ORDER BY id DESC LIMIT 1",
}


def postgres(dsn: str, rows: Sequence[Shape], connections: int, seconds: float) -> float:
    """Transactions per second."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS bare CASCADE")
        admin.execute("CREATE SCHEMA bare")
        for shape in rows:
            admin.execute(
                sql.SQL("CREATE TABLE bare.{0} (LIKE ae_intake.{0} INCLUDING ALL)").format(sql.Identifier(shape.table))
            )
    statements = [(shape, _insert(shape, "bare.", "%s")) for shape in rows if shape.table != "streams"]
    upsert = _upsert(next(shape for shape in rows if shape.table == "streams"), "bare.", "%s")

    def client(index: int, stop: Callable[[], bool]) -> int:
        done = 0
        with psycopg.connect(dsn, prepare_threshold=2) as connection:
            while not stop():
                with connection.transaction():
                    connection.execute(upsert[0].encode(), upsert[1](f"VN01-{index:03d}-{done % 40:03d}"))
                    for shape, statement in statements:
                        connection.execute(statement.encode(), _values(shape))
                done += 1
        return done

    return _run(client, connections, seconds)


def sqlite(path: Path, rows: Sequence[Shape], connections: int, seconds: float) -> float:
    """Transactions per second; writers queue, as SQLite has one at a time."""
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    with _open(path) as admin:
        for shape in rows:
            key = _FRESH.get(shape.table, ("stream",) if shape.table == "streams" else ())
            columns = ", ".join(f'"{name}"' for name in shape.columns)
            serial = f'"{_SERIAL[shape.table]}" INTEGER PRIMARY KEY, ' if shape.table in _SERIAL else ""
            unique = "".join(f', UNIQUE ("{name}")' for name in key)
            admin.execute(f'CREATE TABLE "{shape.table}" ({serial}{columns}{unique})')
    statements = [(shape, _insert(shape, "", "?")) for shape in rows if shape.table != "streams"]
    upsert = _upsert(next(shape for shape in rows if shape.table == "streams"), "", "?")

    def client(index: int, stop: Callable[[], bool]) -> int:
        done = 0
        connection = _open(path)
        while not stop():
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(upsert[0], upsert[1](f"VN01-{index:03d}-{done % 40:03d}"))
            for shape, statement in statements:
                connection.execute(statement, [_plain(value) for value in _values(shape)])
            connection.execute("COMMIT")
            done += 1
        connection.close()
        return done

    return _run(client, connections, seconds)


def _run(client: Callable[[int, Callable[[], bool]], int], connections: int, seconds: float) -> float:
    until = time.perf_counter() + seconds
    done = [0] * connections
    failed: list[BaseException] = []

    def one(index: int) -> None:
        try:
            done[index] = client(index, lambda: time.perf_counter() > until)
        except BaseException as error:
            failed.append(error)

    begun = time.perf_counter()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sum(done) / (time.perf_counter() - begun)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _insert(shape: Shape, schema: str, mark: str) -> str:
    columns = ", ".join(f'"{name}"' for name in shape.columns)
    return f"INSERT INTO {schema}{shape.table} ({columns}) VALUES ({', '.join([mark] * len(shape.columns))})"


def _upsert(shape: Shape, schema: str, mark: str) -> tuple[str, Callable[[str], list[object]]]:
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in shape.columns if name != "stream")
    statement = f"{_insert(shape, schema, mark)} ON CONFLICT (stream) DO UPDATE SET {changed}"
    place = shape.columns.index("stream")
    return statement, lambda stream: [stream if i == place else value for i, value in enumerate(shape.row)]


def _values(shape: Shape) -> list[object]:
    fresh = _FRESH.get(shape.table, ())
    return [_another(value) if name in fresh else value for name, value in zip(shape.columns, shape.row, strict=True)]


def _another(value: object) -> object:
    return next(_NUMBERS) if isinstance(value, int) else str(uuid4())


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bytes) or value is None else str(value)
