"""The local log's file: a SQLite database that only grows. Plain synchronous calls; `local.LocalBus` runs them in threads.

One writer connection and one reader connection, each used from its own thread only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.bus.holding import Place, Seen
from shared.bus.outcomes import HELD_BACK, too_large
from shared.bus.partition import partition_for
from shared.bus.port import PARTITIONS, BusMisconfigured, Delivery, Placed, Position, PublishOutcome, Record
from shared.private import own_file

RUN_BYTES = 16_000_000
"""One read stops after the record that passes this, so that a backlog of large documents does not fill the memory."""
BUSY_MS = 3_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, partitions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    topic TEXT NOT NULL REFERENCES topics (name),
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    event_id TEXT,
    "key" TEXT NOT NULL,
    headers TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (topic, partition, "offset"),
    UNIQUE (topic, event_id)
);
CREATE TRIGGER IF NOT EXISTS records_stay BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
"""


def connect(path: str) -> sqlite3.Connection:
    """Autocommit is the driver's; transactions are opened here, as BEGIN IMMEDIATE."""
    if path != ":memory:":
        own_file(Path(path))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def prepare(connection: sqlite3.Connection, topics: Sequence[str]) -> None:
    """Make the tables and topics that are missing; raises BusMisconfigured for a topic with other partitions."""
    connection.executescript(_SCHEMA)
    for topic in topics:
        connection.execute("INSERT OR IGNORE INTO topics VALUES (?, ?)", (topic, PARTITIONS))
    for name, count in connection.execute("SELECT name, partitions FROM topics"):
        if name in topics and count != PARTITIONS:
            raise BusMisconfigured(f"{name} has {count} partitions and needs {PARTITIONS}: republish into a new file")


def append(connection: sqlite3.Connection, records: Sequence[Record], limit: int) -> list[PublishOutcome]:
    """Place what can be placed, in one durable transaction; nothing is placed when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = {name for (name,) in connection.execute("SELECT name FROM topics")}
        failed: set[tuple[str, str]] = set()
        outcomes: list[PublishOutcome] = []
        for record in records:
            key = (record.topic, record.key)
            if key in failed:
                outcome = PublishOutcome(error=HELD_BACK)
            elif record.topic not in known:
                outcome = PublishOutcome(error=f"unknown topic {record.topic}: the log was not opened with it")
            else:
                outcome = too_large(record, limit) or _place(connection, record)
            if outcome.placed is None:
                failed.add(key)
            outcomes.append(outcome)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return outcomes


def _place(connection: sqlite3.Connection, record: Record) -> PublishOutcome:
    headers = json.dumps([(name, value.decode("latin-1")) for name, value in record.headers])
    event_id = record.event_id
    if event_id is not None:
        there = connection.execute(
            'SELECT partition, "offset", "key", headers, value FROM records WHERE topic = ? AND event_id = ?',
            (record.topic, event_id),
        ).fetchone()
        if there is not None:
            if there[2:] != (record.key, headers, record.value):
                return PublishOutcome(error=f"event {event_id} is on the log with other bytes; it is never replaced")
            return PublishOutcome(placed=Placed(record.topic, there[0], there[1]))
    partition = partition_for(record.key)
    offset = _end(connection, record.topic, partition)
    connection.execute(
        'INSERT INTO records (topic, partition, "offset", event_id, "key", headers, value) VALUES (?, ?, ?, ?, ?, ?, ?)',
        (record.topic, partition, offset, event_id, record.key, headers, record.value),
    )
    return PublishOutcome(placed=Placed(record.topic, partition, offset))


def _end(connection: sqlite3.Connection, topic: str, partition: int) -> int:
    query = 'SELECT MAX("offset") FROM records WHERE topic = ? AND partition = ?'
    (last,) = connection.execute(query, (topic, partition)).fetchone()
    return 0 if last is None else last + 1


def ends(connection: sqlite3.Connection, topic: str) -> dict[int, int]:
    return {partition: _end(connection, topic, partition) for partition in range(PARTITIONS)}


def at(connection: sqlite3.Connection, topic: str, partition: int, offset: int) -> Delivery | None:
    found = _run(connection, topic, partition, offset, 1)
    return found[0] if found and found[0].offset == offset else None


def read(connection: sqlite3.Connection, topic: str, partition: int, offset: int, most: int) -> list[Delivery] | None:
    """What stands from that offset on; None when the log begins later or ends earlier."""
    found = _run(connection, topic, partition, offset, most)
    if (found and found[0].offset != offset) or (not found and offset != _end(connection, topic, partition)):
        return None
    return found


def look(connection: sqlite3.Connection, positions: Mapping[Place, Position]) -> dict[Place, Seen]:
    """What stands around each of these positions."""
    seen: dict[Place, Seen] = {}
    for (topic, partition), position in positions.items():
        query = 'SELECT MIN("offset") FROM records WHERE topic = ? AND partition = ?'
        (first,) = connection.execute(query, (topic, partition)).fetchone()
        query = 'SELECT event_id FROM records WHERE topic = ? AND partition = ? AND "offset" = ?'
        before = connection.execute(query, (topic, partition, position.next_offset - 1)).fetchone()
        seen[topic, partition] = Seen(first or 0, _end(connection, topic, partition), before[0] if before else None)
    return seen


def runs(connection: sqlite3.Connection, places: Mapping[Place, int], most: int) -> list[list[Delivery]]:
    """From each of these offsets on, in the order given, what is there: at most `most` records in all."""
    found: list[list[Delivery]] = []
    size = 0
    for (topic, partition), offset in places.items():
        if most <= 0 or size > RUN_BYTES:
            break
        run = _run(connection, topic, partition, offset, most)
        if run:
            found.append(run)
            most -= len(run)
            size += sum(len(delivery.value) for delivery in run)
    return found


def _run(connection: sqlite3.Connection, topic: str, partition: int, offset: int, most: int) -> list[Delivery]:
    rows = connection.execute(
        'SELECT "offset", "key", headers, value FROM records '
        'WHERE topic = ? AND partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?',
        (topic, partition, offset, most),
    )
    run: list[Delivery] = []
    size = 0
    for at_offset, key, headers, value in rows:
        named = tuple((name, text.encode("latin-1")) for name, text in json.loads(headers))
        run.append(Delivery(topic, partition, at_offset, key, value, named))
        size += len(value)
        if size > RUN_BYTES:
            break
    return run
