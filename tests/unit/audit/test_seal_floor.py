"""The search for unsealed entries has a floor; an entry that took its number early and was committed late is found all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shared.audit import WHOLE_TRAIL_EVERY, Audit, AuditKeys
from shared.db import Database, Tx
from tests.support.stores import Store, migrated

NOW = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with migrated(f"sqlite:///{tmp_path_factory.mktemp('floor') / 'service.db'}") as made:
        yield made


def say(db: Database, audit: Audit, stream: str, audit_id: int | None = None) -> None:
    def unit(tx: Tx) -> None:
        audit.lock(tx, stream)
        audit.record(tx, stream=stream, actor="tester", action="said", at=NOW)
        if audit_id is not None:
            tx.execute(text("UPDATE audit SET id = :i WHERE stream = :s"), {"i": audit_id, "s": stream})

    db.transact(unit)


def seal(store: Store, at: datetime) -> bool:
    return store.db.transact(lambda tx: store.audit.seal(tx, at)) is not None


def test_a_late_commit_under_the_floor_is_sealed_by_the_next_reading_of_the_whole_trail(store: Store) -> None:
    say(store.db, store.audit, "a", 100)
    assert seal(store, NOW)
    assert seal(store, NOW + WHOLE_TRAIL_EVERY) is False, "the second reading of the whole trail; the floor is 100 now"
    say(store.db, store.audit, "late", 50)
    at = NOW + WHOLE_TRAIL_EVERY + timedelta(seconds=2)
    assert seal(store, at) is False, "below the floor: not looked at every two seconds"
    assert store.db.read(store.audit.count_unsealed) == 0
    assert seal(store, NOW + 2 * WHOLE_TRAIL_EVERY)
    assert store.verify().ok


def test_a_late_commit_within_ten_minutes_is_sealed_at_once(store: Store) -> None:
    say(store.db, store.audit, "a", 100)
    assert seal(store, NOW)
    say(store.db, store.audit, "late", 50)
    assert store.db.read(store.audit.count_unsealed) == 1
    assert seal(store, NOW + timedelta(seconds=2))


def test_the_first_reading_of_another_instance_is_of_the_whole_trail(store: Store) -> None:
    say(store.db, store.audit, "a", 100)
    assert seal(store, NOW)
    assert seal(store, NOW + WHOLE_TRAIL_EVERY) is False
    say(store.db, store.audit, "late", 50)
    other = Audit(store.audit.service, AuditKeys(store.audit.keys.current))
    assert store.db.transact(lambda tx: other.seal(tx, NOW + WHOLE_TRAIL_EVERY)) is not None
