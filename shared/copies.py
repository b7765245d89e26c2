"""Copies of one service's database: a SQLite file as it is now, or PostgreSQL's own dump of one schema."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url, text

from shared.db import Database


class CannotComeBack(Exception):
    """Why the command did nothing, and what to do first."""


def copy_file(source: Path, target: Path) -> None:
    """A whole copy at one moment, also while somebody writes."""
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def dump(url: str, schema: str, target: Path) -> None:
    _tool(url, "pg_dump", "--format=custom", f"--schema={schema}", f"--file={target}")


def put_back(url: str, schema: str, copy: Path) -> None:
    """Drop the schema and make it anew from its dump."""
    _tool(url, "psql", "--quiet", "--command", f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
    _tool(url, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={make_url(url).database}", str(copy))


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
