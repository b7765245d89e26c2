"""What stands on the disk is its owner's alone; a copy put back never writes over what stood there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import coming_back
from services.cli import app
from shared.copies import CannotComeBack
from shared.db import Database
from shared.settings import Settings


def others_may(path: Path) -> int:
    return path.stat().st_mode & 0o077


@pytest.fixture
def loose() -> Iterator[None]:
    """A umask that lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def instance(var: Path) -> Settings:
    """A folder with the users' database and one service's, each with a table."""
    settings = Settings.load({"TOCSIN_VAR": str(var)})
    for name in ("dsmb", "auth"):
        db = Database(settings.database_url_of(name), name)
        with db.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept (what TEXT)")
        db.close()
    return settings


def write(settings: Settings, name: str, what: str) -> None:
    with closing(sqlite3.connect(settings.var / f"{name}.db")) as connection, connection:
        connection.execute("INSERT INTO kept VALUES (?)", (what,))


def read(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT what FROM kept ORDER BY rowid")]


@pytest.mark.usefixtures("loose")
def test_databases_and_copies_are_closed_to_everybody_else(tmp_path: Path) -> None:
    settings = instance(tmp_path / "var")
    assert not others_may(settings.var)
    made = list(coming_back.backup(settings, tmp_path / "copies"))
    assert [file.name for file in made] == ["auth.db", "dsmb.db"]
    for file in (*made, *settings.var.iterdir()):
        assert not others_may(file), file
    (settings.var / "dsmb.db").chmod(0o644)  # as an earlier version left it
    Database(settings.database_url_of("dsmb"), "dsmb").close()
    assert not others_may(settings.var / "dsmb.db")


def test_what_stood_there_is_kept_each_time_with_its_journal(tmp_path: Path) -> None:
    settings = instance(tmp_path / "var")
    write(settings, "dsmb", "copied")
    copies = tmp_path / "copies"
    list(coming_back.backup(settings, copies))
    write(settings, "dsmb", "never on the log")
    (settings.var / "dsmb.db-wal").write_bytes(b"")
    kept = [Path(coming_back.put_copy_back(settings, "dsmb", copies)) for _ in range(2)]
    assert kept[0] != kept[1]
    assert (kept[0] / "dsmb.db-wal").exists(), "SQLite looks for it under this name"
    assert read(kept[0] / "dsmb.db") == ["copied", "never on the log"]
    assert read(settings.var / "dsmb.db") == ["copied"]
    assert not others_may(kept[0])


def told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    monkeypatch.setenv("TOCSIN_VAR", str(settings.var))

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(words))
        return done.exit_code, done.output

    return run


def test_the_users_come_back_from_their_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = instance(tmp_path / "var")
    run = told(settings, monkeypatch)
    write(settings, "auth", "copied")
    list(coming_back.backup(settings, tmp_path / "copies"))
    write(settings, "auth", "added since")
    code, said = run("restore", "auth")
    assert code == 2 and "--from" in said
    code, said = run("restore", "auth", "--from", str(tmp_path / "copies"))
    assert code == 0 and "added since" in said and "kept" in said
    assert read(settings.var / "auth.db") == ["copied"]
    code, said = run("restore", "nobody")
    assert code == 2 and "sae_notifier" in said


def test_a_backup_of_nothing_leaves_no_folder_behind(tmp_path: Path) -> None:
    settings = Settings.load({"TOCSIN_VAR": str(tmp_path / "var")})
    with pytest.raises(CannotComeBack, match="TOCSIN_VAR"):
        list(coming_back.backup(settings, tmp_path / "copies"))
    assert not (tmp_path / "copies").exists()
    (tmp_path / "a file").write_text("")
    instance(tmp_path / "var")
    with pytest.raises(CannotComeBack, match="may write"):
        list(coming_back.backup(settings, tmp_path / "a file" / "copies"))
