"""The embedded log against what was written to it: every hand in it is found and its place named."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.audit_verify import Breach
from shared.bus.local import LocalBus
from shared.bus.local_verify import verify_log, written
from shared.bus.port import BusSettings
from shared.bus.relay import Relay
from shared.clock import ManualClock
from tests.support.stores import NOW, TRIAL, Store, migrated, say

CODE = "VN01-007"


class Logged:
    """Three versions of one child on a log, and its owner's database."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.path, self.store = folder / "bus.db", store
        for version in (1, 2, 3):
            store.db.transact(lambda tx, v=version: say(store, tx, CODE, v))
        asyncio.run(self._relay())
        store.db.transact(lambda tx: say(store, tx, CODE, 4))  # written, not yet on the log

    async def _relay(self) -> None:
        bus = LocalBus(BusSettings(local_path=str(self.path)))
        await bus.start()
        try:
            relay = Relay(self.store.db, bus, self.store.audit, ManualClock(NOW), TRIAL, lambda kind, place: None)
            relay._sealed_at = float("inf")
            assert await relay.once() == 3
        finally:
            await bus.close()

    def by_hand(self, sql: str) -> None:
        connection = sqlite3.connect(self.path)
        connection.execute("DROP TRIGGER records_stay")
        assert connection.execute(sql).rowcount == 1
        connection.commit()
        connection.close()

    def breaches(self) -> tuple[Breach, ...]:
        return verify_log(self.path, lambda: self.store.db.read(written))[1]


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Logged]:
    with migrated(f"sqlite:///{tmp_path / 'sae_notifier.db'}") as store:
        yield Logged(tmp_path, store)


def test_an_untouched_log_agrees(logged: Logged) -> None:
    records, breaches = verify_log(logged.path, lambda: logged.store.db.read(written))
    assert records >= 3
    assert breaches == ()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE records SET value = value || X'20' WHERE rowid = 2", "changed"),
        ("UPDATE records SET headers = '[]' WHERE rowid = 2", "changed"),
        ("UPDATE records SET \"key\" = 'other' WHERE rowid = 2", "changed"),
        ('UPDATE records SET "offset" = 99 WHERE rowid = 2', "moved"),
        ("DELETE FROM records WHERE rowid = 2", "gone"),
        ("DELETE FROM records WHERE rowid = (SELECT MAX(rowid) FROM records)", "gone"),
        (
            "INSERT INTO records SELECT topic, partition, 99, 'mine', \"key\", headers, value FROM records WHERE rowid = 2",
            "added by hand",
        ),
        (
            "INSERT INTO records SELECT 'tocsin.allocation', 1, 9, event_id, \"key\", headers, value FROM records WHERE rowid=2",
            "changed on the log",
        ),
    ],
)
def test_a_hand_in_the_log_is_found_and_its_place_named(logged: Logged, sql: str, says: str) -> None:
    logged.by_hand(sql)
    (breach,) = logged.breaches()
    assert says in breach.what
    assert breach.place.startswith("log/tocsin.")


def test_a_log_that_is_gone_is_missed(logged: Logged) -> None:
    logged.path.unlink()
    assert len(logged.breaches()) >= 3


def test_what_was_written_while_the_log_was_read_is_looked_up_afterwards(logged: Logged) -> None:
    readings = iter([{}, logged.store.db.read(written)])
    assert verify_log(logged.path, lambda: next(readings))[1] == ()
