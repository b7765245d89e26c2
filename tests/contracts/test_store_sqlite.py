"""The store contract on SQLite: one file, one writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from shared.db import Database, DatabaseAway
from tests.contracts.store import StoreContract, outbox_of
from tests.support.stores import Store, child, migrated, say


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with migrated(f"sqlite:///{tmp_path_factory.mktemp('store') / 'service.db'}") as made:
        yield made


class TestSqliteStore(StoreContract):
    def unreachable(self, store: Store) -> str:
        return "sqlite:////proc"

    def test_a_transaction_inside_a_transaction_raises_instead_of_waiting_for_itself(self, store: Store) -> None:
        with pytest.raises(RuntimeError, match="inside a transaction"):
            store.db.transact(lambda tx: store.db.transact(lambda inner: None))
        store.db.transact(lambda tx: None)

    def test_it_keeps_what_a_power_cut_would_take(self, store: Store) -> None:
        with store.db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1

    def test_a_lock_not_had_in_time_is_a_database_away_and_nothing_is_done(self, store: Store) -> None:
        code = child()
        impatient = Database(store.url, "sae_notifier")

        @event.listens_for(impatient.engine, "connect")
        def _impatient(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA busy_timeout=50")

        holder = sqlite3.connect(Path(store.url.removeprefix("sqlite:///")), isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseAway):
                impatient.transact(lambda tx: say(store, tx, code, 1))
            assert not outbox_of(store.db, code)
            holder.execute("ROLLBACK")
            impatient.transact(lambda tx: say(store, tx, code, 1))
        finally:
            holder.close()
            impatient.close()
        assert len(outbox_of(store.db, code)) == 1
