"""Copies of one service's database: a SQLite file as it is now, or PostgreSQL's own dump of one schema."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from itertools import count
from pathlib import Path

from sqlalchemy import make_url, text

from shared.db import Database
from shared.private import own_file


class CannotComeBack(Exception):
    """Why the command did nothing, and what to do first."""


def copy_file(source: Path, target: Path) -> None:
    """A whole copy at one moment, also while somebody writes."""
    own_file(target)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def dump(url: str, schema: str, target: Path) -> None:
    _tool(url, "pg_dump", "--format=custom", f"--schema={schema}", f"--file={target}")


def put_back(url: str, schema: str, copy: Path) -> str | None:
    """Make the schema anew from its dump, as a whole or not at all; returns what the one that stood there is called now.

    That one may hold what never reached the log, and a dump may turn out to be broken.
    """
    there = _schemas(url, schema)
    kept = next(name for number in count(1) if (name := f"{schema}_before_restore_{number}") not in there)
    if schema in there:
        _rename(url, schema, kept)
    try:
        _tool(url, "pg_restore", "--no-owner", "--single-transaction", f"--dbname={make_url(url).database}", str(copy))
    except CannotComeBack:
        if schema in there:
            _rename(url, kept, schema)
        raise
    return kept if schema in there else None


def _rename(url: str, schema: str, to: str) -> None:
    _tool(url, "psql", "--quiet", "--set=ON_ERROR_STOP=1", "--command", f'ALTER SCHEMA "{schema}" RENAME TO "{to}"')


def _schemas(url: str, schema: str) -> set[str]:
    with closing(Database(url, schema)) as db:
        return db.read(lambda tx: set(tx.execute(text("SELECT nspname FROM pg_namespace")).scalars()))


def sessions(url: str, schema: str) -> int:
    """How many sessions of that service are open, this one apart."""
    with closing(Database(url, schema)) as db:
        asked = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
        return db.read(lambda tx: int(tx.scalar(asked, {"name": f"tocsin-{schema}"}))) - 1


def _tool(url: str, name: str, *words: str) -> None:
    """One of PostgreSQL's own programs; the address goes by its environment, where no list of processes shows a password."""
    program = shutil.which(name)
    if program is None:
        raise CannotComeBack(f"{name} was not found on PATH: install PostgreSQL's client programs")
    where = make_url(url)
    given = {
        "PGHOST": where.query.get("host") or where.host,
        "PGPORT": where.query.get("port") or where.port,
        "PGUSER": where.username,
        "PGPASSWORD": where.password,
        "PGDATABASE": where.database,
    }
    environment = dict(os.environ) | {key: str(value) for key, value in given.items() if value}
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, env=environment)  # noqa: S603  found above
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no word"]
        raise CannotComeBack(f"{name} failed: {lines[-1]}")
