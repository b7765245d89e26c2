"""A schema put back from its dump: as a whole or not at all, and what stood there is kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.dev.postgres import DevPostgres
from shared import copies
from shared.copies import CannotComeBack
from shared.db import Database


@pytest.fixture(autouse=True)
def _programs(postgres_server: DevPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, of the version of the server."""
    monkeypatch.setenv("PATH", str(postgres_server.programs), prepend=":")


def rows(url: str, schema: str) -> list[str]:
    with closing(Database(url, "dsmb")) as db:
        return list(db.read(lambda tx: tx.execute(text(f"SELECT what FROM {schema}.kept ORDER BY what")).scalars()))


def write(url: str, *statements: str) -> None:
    with closing(Database(url, "dsmb")) as db, db.engine.begin() as connection:
        for one in statements:
            connection.exec_driver_sql(one)


def test_a_broken_dump_costs_nothing_and_a_good_one_keeps_what_it_replaces(postgres_url: str, tmp_path: Path) -> None:
    dump = tmp_path / "dsmb.dump"
    write(
        postgres_url, "CREATE SCHEMA dsmb", "CREATE TABLE dsmb.kept (what TEXT)", "INSERT INTO dsmb.kept VALUES ('a')"
    )
    copies.dump(postgres_url, "dsmb", dump)
    write(postgres_url, "INSERT INTO dsmb.kept VALUES ('never on the log')")

    whole = dump.read_bytes()
    dump.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CannotComeBack, match="pg_restore failed"):
        copies.put_back(postgres_url, "dsmb", dump)
    assert rows(postgres_url, "dsmb") == ["a", "never on the log"]

    dump.write_bytes(whole)
    kept = [copies.put_back(postgres_url, "dsmb", dump) for _ in range(2)]
    assert kept == ["dsmb_before_restore_1", "dsmb_before_restore_2"]
    assert rows(postgres_url, "dsmb") == ["a"]
    assert rows(postgres_url, "dsmb_before_restore_1") == ["a", "never on the log"]
