"""Prepared statements on both databases: in order, seen by whoever reads, all or nothing, and one kind of error."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, select

from shared import migrate
from shared.db import Database, Tx
from shared.statement import Statement, insert_into


class Note(SQLModel, table=True):
    __tablename__: ClassVar[str] = "statement_notes"  # type: ignore[misc]
    name: str = Field(primary_key=True)
    said: str = ""
    at: datetime | None = None


class Count(SQLModel, table=True):
    __tablename__: ClassVar[str] = "statement_counts"  # type: ignore[misc]
    number: int | None = Field(default=None, primary_key=True)
    name: str


ADD = insert_into(Note)
SAY = Statement("statement_notes", "UPDATE statement_notes SET said = :said WHERE name = :name")
READ = Statement("statement_notes", "SELECT said FROM statement_notes WHERE name = :name")
COUNT = insert_into(Count, without=("number",))
COUNTED = Statement("statement_counts", "SELECT name FROM statement_counts ORDER BY number")


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'one.db'}", "one")
    else:
        made = Database(request.getfixturevalue("postgres_url"), "one", pool_size=2)
        migrate.ensure_schema(made)
    SQLModel.metadata.create_all(made.engine, tables=[Note.__table__, Count.__table__])  # type: ignore[attr-defined]
    yield made
    made.close()


def note(name: str, said: str = "", at: datetime | None = None) -> dict[str, object]:
    return {"name": name, "said": said, "at": at}


def said(db: Database, name: str) -> list[tuple[object, ...]]:
    return db.read(lambda tx: tx.rows(READ, {"name": name}))


def test_a_write_is_there_after_the_commit(db: Database) -> None:
    db.transact(lambda tx: tx.write(ADD, note("a", "hello")))
    assert said(db, "a") == [("hello",)]


def test_whoever_reads_sees_what_was_written_before_it(db: Database) -> None:
    def unit(tx: Tx) -> None:
        tx.write(ADD, note("a", "first"))
        assert tx.rows(READ, {"name": "a"}) == [("first",)]
        tx.write(SAY, {"name": "a", "said": "second"})
        assert tx.session.execute(select(Note.said)).scalar() == "second"

    db.transact(unit)


def test_writes_to_one_table_keep_their_order(db: Database) -> None:
    def unit(tx: Tx) -> None:
        for name in "abc":
            tx.write(COUNT, {"name": name})
            tx.write(ADD, note(name, "made"))
        tx.write(SAY, {"name": "a", "said": "changed"})
        tx.write(ADD, note("d"))
        tx.write(SAY, {"name": "d", "said": "changed too"})
        tx.write(COUNT, {"name": "d"})

    db.transact(unit)
    assert [name for (name,) in db.read(lambda tx: tx.rows(COUNTED, {}))] == ["a", "b", "c", "d"]
    assert said(db, "a") == [("changed",)]
    assert said(db, "d") == [("changed too",)]


def test_a_write_that_fails_at_the_end_leaves_nothing(db: Database) -> None:
    db.transact(lambda tx: tx.write(ADD, note("a")))

    def unit(tx: Tx) -> None:
        tx.write(COUNT, {"name": "x"})
        tx.write(ADD, note("a"))

    with pytest.raises(IntegrityError):
        db.transact(unit)
    assert db.read(lambda tx: tx.rows(COUNTED, {})) == []


def test_an_exception_leaves_nothing_that_was_waiting(db: Database) -> None:
    def unit(tx: Tx) -> None:
        tx.write(ADD, note("a"))
        raise LookupError

    with pytest.raises(LookupError):
        db.transact(unit)
    assert said(db, "a") == []


def test_a_time_comes_back_as_sqlalchemy_would_keep_it(db: Database) -> None:
    at = datetime(2026, 3, 9, 2, 10, 0, 5, tzinfo=timezone(timedelta(hours=7)))
    db.transact(lambda tx: tx.write(ADD, note("a", at=at)))
    kept = db.read(lambda tx: tx.session.execute(select(Note)).scalar_one().at)
    assert kept == at
    assert kept is not None
    assert kept.tzinfo == UTC


def test_a_time_without_a_zone_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="zone"):
        db.transact(lambda tx: tx.write(ADD, note("a", at=datetime(2026, 3, 9))))


def test_what_was_foreseen_is_asked_in_order_and_used_once(db: Database) -> None:
    db.transact(lambda tx: tx.write(ADD, note("a", "old")))

    def unit(tx: Tx) -> None:
        tx.foresee((READ, {"name": "a"}), (READ, {"name": "b"}))
        assert tx.rows(READ, {"name": "a"}) == [("old",)]
        tx.write(SAY, {"name": "a", "said": "newer"})
        assert tx.rows(READ, {"name": "a"}) == [("newer",)]
        assert tx.rows(READ, {"name": "b"}) == []

    db.transact(unit)
