"""The store contract on PostgreSQL, and what only several real sessions can show: leaders, zombies, ends of sessions."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import func, select, text

from shared.audit import AuditRow, SealedRow
from shared.bus.relay import Relay, seal_now
from shared.db import Database, DatabaseAway, Tx
from tests.contracts.store import Slow, StoreContract, outbox_of
from tests.support.memory_log import MemoryLog
from tests.support.stores import NOW, TRIAL, Store, child, migrated, module_postgres_url, say, together  # noqa: F401


@pytest.fixture(scope="module")
def store(module_postgres_url: str) -> Iterator[Store]:  # noqa: F811
    with migrated(module_postgres_url) as made:
        yield made


class TestPostgresStore(StoreContract):
    def unreachable(self, store: Store) -> str:
        return "postgresql+psycopg://nobody@127.0.0.1:1/nowhere"

    @staticmethod
    def _dsn(store: Store) -> str:
        return store.url.replace("postgresql+psycopg://", "postgresql://")

    # Sessions that end -------------------------------------------------------------------------------------------

    def test_every_session_bounds_how_long_it_may_hold_others(self, store: Store) -> None:
        wanted = {
            "idle_in_transaction_session_timeout": "10s",
            "lock_timeout": "5s",
            "statement_timeout": "30s",
            "TimeZone": "UTC",
            "transaction_isolation": "read committed",
            "synchronous_commit": "on",
        }
        found = store.db.read(lambda tx: {name: tx.scalar(text(f"SHOW {name}")) for name in wanted})
        assert found == wanted

    def test_a_lock_not_had_in_time_is_a_database_away_and_nothing_is_done(self, store: Store) -> None:
        code = child()
        store.db.transact(lambda tx: say(store, tx, code, 1))

        def impatient(tx: Tx) -> None:
            tx.execute(text("SET LOCAL lock_timeout = '100ms'"))
            say(store, tx, code, 2)

        with store.db.engine.connect() as holder:
            holder.execute(text("SELECT 1 FROM streams WHERE stream = :s FOR UPDATE"), {"s": code})
            with pytest.raises(DatabaseAway, match="lock timeout"):
                store.db.transact(impatient)
        assert [row.version for row in outbox_of(store.db, code)] == [1]
        store.db.transact(lambda tx: say(store, tx, code, 2))

    @pytest.mark.parametrize("when", ["before it writes", "before it commits"])
    def test_a_killed_session_is_a_database_away_and_nothing_is_done(self, store: Store, when: str) -> None:
        code = child()

        def killed(tx: Tx) -> None:
            pid = tx.scalar(text("SELECT pg_backend_pid()"))
            if when == "before it commits":
                say(store, tx, code, 1)
            with psycopg.connect(self._dsn(store), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            if when == "before it writes":
                say(store, tx, code, 1)

        with pytest.raises(DatabaseAway):
            store.db.transact(killed)
        assert not outbox_of(store.db, code)
        store.db.transact(lambda tx: say(store, tx, code, 1))
        assert len(outbox_of(store.db, code)) == 1

    @pytest.mark.parametrize("way", ["read", "transact"])
    def test_who_was_stopped_for_too_long_learns_that_its_session_is_gone(self, store: Store, way: str) -> None:
        def stopped(tx: Tx) -> None:
            tx.execute(text("SET idle_in_transaction_session_timeout = '50ms'"))
            time.sleep(0.3)
            tx.execute(text("SELECT 1"))

        with pytest.raises(DatabaseAway):
            getattr(store.db, way)(stopped)
        store.db.read(lambda tx: tx.execute(text("SELECT 1")) and None)

    def test_after_all_sessions_were_ended_work_goes_on(self, store: Store) -> None:
        code, db = child(), store.open()
        all_open = threading.Barrier(4)
        together(4, lambda _: db.read(lambda tx: tx.execute(text("SELECT 1")) and all_open.wait(30)))
        with psycopg.connect(self._dsn(store), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tocsin-sae_notifier'"
            )
        failures = 0
        for _ in range(10):
            try:
                db.transact(lambda tx: say(store, tx, code, 1))
                break
            except DatabaseAway:
                failures += 1
        assert failures <= 1, "one failure tells the pool that all its sessions are gone"
        for one in store.opened:
            one.engine.dispose()  # the other tests begin with living sessions

    def test_a_deadlock_is_no_fault_of_the_message(self, store: Store) -> None:
        a, b = sorted((child(), child()))
        for code in (a, b):
            store.db.transact(lambda tx, c=code: say(store, tx, c, 1))
        barrier = threading.Barrier(2)

        def lock_both(number: int) -> str:
            def unit(tx: Tx) -> None:
                first, second = (a, b) if number == 0 else (b, a)
                tx.execute(text("SELECT 1 FROM streams WHERE stream = :s FOR UPDATE"), {"s": first})
                barrier.wait(30)
                tx.execute(text("SELECT 1 FROM streams WHERE stream = :s FOR UPDATE"), {"s": second})

            try:
                store.db.transact(unit)
            except DatabaseAway as away:
                return away.said
            return "done"

        assert sorted(together(2, lock_both)) == ["deadlock detected", "done"]

    def test_a_zombie_that_sleeps_in_a_transaction_loses_its_session(self, store: Store) -> None:
        """A leader is stopped with its lock in hand; others lead once its idle session has been ended."""
        log = MemoryLog()
        relay = _relay(store, store.open(), log)
        code = child()
        store.db.transact(lambda tx: say(store, tx, code, 1))
        with psycopg.connect(self._dsn(store)) as zombie:
            zombie.execute("SET idle_in_transaction_session_timeout = '400ms'")
            zombie.commit()
            lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('relay:sae_notifier', 0))"
            assert zombie.execute(lock).fetchone() == (True,)
            assert asyncio.run(relay.once()) == 0, "there is one leader, and it sleeps"
            deadline = time.monotonic() + 5
            while not asyncio.run(relay.once()):
                assert time.monotonic() < deadline, "the sleeper held everybody"
                time.sleep(0.05)
            with pytest.raises(psycopg.Error, match="idle-in-transaction"):
                zombie.execute("SELECT 1")
        assert outbox_of(store.db, code)[0].published_at is not None

    # Leaders -----------------------------------------------------------------------------------------------------

    def test_of_two_relays_one_leads_each_pass(self, store: Store) -> None:
        log, code = Slow(0.2), child()
        store.db.transact(lambda tx: say(store, tx, code, 1))
        relays = [_relay(store, store.db, log), _relay(store, store.open(), log)]

        async def both() -> list[int]:
            return list(await asyncio.gather(*(relay.once() for relay in relays)))

        published = asyncio.run(both())
        assert log.most == 1
        assert 0 in published
        assert len([one for one in log.all() if one.key == code]) == 1

    def test_the_leaders_lock_is_its_own_schemas(self, store: Store) -> None:
        """Advisory locks are database-wide: another service's leader must not silence this one."""
        log, code = MemoryLog(), child()
        store.db.transact(lambda tx: say(store, tx, code, 1))
        with psycopg.connect(self._dsn(store)) as other:
            other.execute("SELECT pg_advisory_xact_lock(hashtextextended('relay:ae_intake', 0))")
            assert asyncio.run(_relay(store, store.db, log).once()) >= 1

    def test_with_many_writers_and_two_relays_the_log_is_in_order_per_child(self, store: Store) -> None:
        children, log = sorted(child() for _ in range(4)), Slow(0.002)
        instances = [store.db, store.open()]
        done = threading.Event()

        def write(number: int) -> None:
            for _ in range(8):
                instances[number % 2].transact(lambda tx: say_next(tx, children[number % 4]))

        def say_next(tx: Tx, code: str) -> None:
            store.audit.lock(tx, code)
            newest = tx.scalar(text("SELECT max(version) FROM outbox WHERE key = :k"), {"k": code})
            say(store, tx, code, (newest or 0) + 1)

        async def lead(db: Database) -> None:
            relay = _relay(store, db, log)
            while not done.is_set() or await relay.once():
                await relay.once()

        async def relays() -> None:
            await asyncio.gather(lead(instances[0]), lead(instances[1]))

        background = threading.Thread(target=lambda: asyncio.run(relays()))
        background.start()
        try:
            together(8, write)
        finally:
            done.set()
            background.join(20)
        for code in children:
            versions = [int(one.header("ce_sequence") or 0) for one in log.all() if one.key == code]
            first_seen = list(dict.fromkeys(versions))
            assert first_seen == sorted(first_seen), "a child's later version reached the log before an earlier one"
            assert len(first_seen) == 16

    # Seals -------------------------------------------------------------------------------------------------------

    def test_a_late_commit_is_never_skipped_by_the_seals(self, store: Store) -> None:
        """An entry with a lower number that is committed after a seal is found by the next one."""
        early, late = child(), child()
        written, go = threading.Event(), threading.Event()

        def slow(tx: Tx) -> None:
            say(store, tx, early, 1)
            tx.scalar(text("SELECT 1"))  # written, and so numbered, now
            written.set()
            assert go.wait(30)

        writer = threading.Thread(target=lambda: store.db.transact(slow))
        writer.start()
        assert written.wait(30)
        store.db.transact(lambda tx: say(store, tx, late, 1))
        store.db.transact(lambda tx: seal_now(tx, store.audit, TRIAL, NOW))
        go.set()
        writer.join(30)
        assert _seal_of(store, early) is None
        assert _seal_of(store, late) is not None
        store.db.transact(lambda tx: seal_now(tx, store.audit, TRIAL, NOW))
        assert (_seal_of(store, early) or 0) > (_seal_of(store, late) or 0)
        assert store.verify().ok


def _relay(store: Store, db: Database, log: MemoryLog) -> Relay:
    return StoreContract()._relay(store, db, log)


def _seal_of(store: Store, code: str) -> int | None:
    statement = select(func.max(SealedRow.seal_number)).join(AuditRow, AuditRow.id == SealedRow.audit_id)  # type: ignore[arg-type]
    return store.db.read(lambda tx: tx.scalar(statement.where(AuditRow.stream == code)))  # type: ignore[arg-type]
