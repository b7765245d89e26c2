"""SQL that the driver runs as it is written: for the few statements of every report and every event.

An ORM statement costs a tenth of a millisecond of processor time each time it runs, most of it to find out again what it
found out before. These are text, made once: values are named `:like_this`, and never part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_NAME = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")


class Statement:
    """One statement on one `table`; `sqlite` where its text must differ. Rows come back as the driver gives them."""

    __slots__ = ("_text", "names", "table")

    def __init__(self, table: str, text: str, *, sqlite: str | None = None) -> None:
        self.table = table
        self.names = tuple(_NAME.findall(text))
        if sqlite is not None and tuple(_NAME.findall(sqlite)) != self.names:
            raise ValueError("both texts must name the same values in the same order")
        self._text = {"postgresql": _NAME.sub("%s", text), "sqlite": _NAME.sub("?", sqlite or text)}

    def text(self, dialect: str) -> str:
        return self._text[dialect]

    def bound(self, dialect: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the marks. Raises ValueError for a time without a zone."""
        return tuple(
            _time(value, dialect) if isinstance(value, datetime) else value
            for value in map(values.__getitem__, self.names)
        )


def _time(at: datetime, dialect: str) -> datetime | str:
    if at.utcoffset() is None:
        raise ValueError("a stored time needs a zone")
    if dialect == "postgresql":
        return at
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")  # as SQLAlchemy keeps it


_INSERTS: dict[str, Statement] = {}


def insert_of(model: Any) -> Statement:
    """`insert_into` of every column, made once for each model."""
    name = str(model.__tablename__)
    if name not in _INSERTS:
        _INSERTS[name] = insert_into(model)
    return _INSERTS[name]


def insert_into(model: Any, *, without: Collection[str] = (), then: str = "") -> Statement:
    """An insert of every column of a table model but those the database fills in; `then` follows the values."""
    columns = [name for name in model.__table__.columns.keys() if name not in without]
    names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    text = f"INSERT INTO {model.__tablename__} ({names}) VALUES ({marks}) {then}"  # noqa: S608  our own names
    return Statement(str(model.__tablename__), text)


def update_of(model: Any, key: str) -> Statement:
    """An update of every other column of the row with that key."""
    changes = ", ".join(f"{name} = :{name}" for name in model.__table__.columns.keys() if name != key)
    text = f"UPDATE {model.__tablename__} SET {changes} WHERE {key} = :{key}"  # noqa: S608  our own names
    return Statement(str(model.__tablename__), text)


@lru_cache(maxsize=256)
def as_one(statements: Sequence[Statement], dialect: str) -> str:
    """Several writes to different tables as one statement (data-modifying WITH); the last one is its own main part."""
    *first, last = [statement.text(dialect) for statement in statements]
    return f"WITH {', '.join(f'w{i} AS ({text})' for i, text in enumerate(first))} {last}"


class Later:
    """Writes that nobody waits for, gathered until somebody reads what they touch or the transaction ends.

    Writes to one table keep their order; another kind of write to a table that has one waiting must not be gathered.
    """

    def __init__(self) -> None:
        self._waiting: dict[Statement, list[tuple[Any, ...]]] = {}
        self._tables: dict[str, Statement] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def touches(self, table: str) -> bool:
        return table in self._tables

    def takes(self, statement: Statement) -> bool:
        """Whether this write can join those that wait."""
        return self._tables.get(statement.table, statement) is statement

    def add(self, statement: Statement, bound: tuple[Any, ...]) -> None:
        self._tables[statement.table] = statement
        self._waiting.setdefault(statement, []).append(bound)

    def take(self) -> list[tuple[Statement, list[tuple[Any, ...]]]]:
        """Everything that waits, by statement; nothing waits any more."""
        taken = list(self._waiting.items())
        self._waiting, self._tables = {}, {}
        return taken


def flattened(bounds: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(value for bound in bounds for value in bound)
