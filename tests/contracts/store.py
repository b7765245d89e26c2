"""What a service's database must do, whatever it is made of; inherited once per dialect.

A subclass gives `store`, a migrated database that its tests share: each test uses children and keys of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from services.sae_notifier import store as notifier
from services.sae_notifier.handlers import Notifier, activation
from services.sae_notifier.handlers.activation import Waiting
from services.sae_notifier.handlers.law import Active, Laws, load_law, read_law
from services.sae_notifier.rules import Preview
from services.sae_notifier.store import AlertRow, CallRow, DutyRow
from shared.audit import SERVICE_STREAM, AuditRow, SealedRow
from shared.bus import cursor, idempotency, received
from shared.bus.cursor import CursorMoved, CursorRow
from shared.bus.outbox import MAX_BODY_BYTES, OutboxRow, emit
from shared.bus.parking import ParkedRow
from shared.bus.port import ALLOCATION_TOPIC, PARTITIONS, BusUnavailable, Delivery, PublishOutcome, Record
from shared.bus.received import Fate, ReceivedRow
from shared.bus.relay import Relay, seal_now
from shared.bus.wake import Wake
from shared.case import Batch
from shared.clock import ManualClock
from shared.db import Database, DatabaseAway, Tx
from shared.errors import Conflict, PreconditionFailed, TooLarge
from shared.events.catalogue import Allocation
from shared.events.envelope import Event, decode
from shared.runtime import load_trial
from shared.settings import Settings
from tests.support.memory_log import MemoryLog
from tests.support.stores import NOW, TRIAL, Store, child, say, together


def outbox_of(db: Database, code: str) -> list[OutboxRow]:
    """The events of one child in position order, as another session sees them."""
    statement = select(OutboxRow).where(OutboxRow.key == code).order_by(OutboxRow.position)  # type: ignore[arg-type]
    return db.read(lambda tx: list(tx.session.execute(statement).scalars()))


def event(aggregate: str, version: int, body: bytes = b"{}") -> Event:
    return Event(
        id=f"{aggregate}-{version}",
        source="ae_intake",
        type="tocsin.subject.recorded.v1",
        aggregate=aggregate,
        version=version,
        trial_id=TRIAL,
        partition_key="c",
        serious=False,
        time=NOW,
        body=body,
        data={},
    )


class Slow(MemoryLog):
    """A log that takes its time, and says how many were publishing at once."""

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__()
        self.delay_s, self.busy, self.most = delay_s, 0, 0
        self.refused: set[str] = set()

    async def publish(self, records: list[Record], *, timeout_s: float = 5.0) -> list[PublishOutcome]:  # type: ignore[override]
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(self.delay_s)
        self.busy -= 1
        refused = [record.event_id in self.refused for record in records]
        taken = list(await super().publish([r for r, no in zip(records, refused, strict=True) if not no]))
        return [PublishOutcome(error="refused") if no else taken.pop(0) for no in refused]


class StoreContract:
    """Transactions, idempotency, order, cursors, received versions, claims, times, checks, relay and seals."""

    # Transactions ------------------------------------------------------------------------------------------------

    def test_what_transact_returned_is_already_durable(self, store: Store) -> None:
        code, other = child(), store.open()
        store.db.transact(lambda tx: say(store, tx, code, 1))
        assert len(outbox_of(other, code)) == 1

    def test_any_error_leaves_nothing(self, store: Store) -> None:
        code = child()
        called: list[str] = []

        def unit(tx: Tx) -> None:
            tx.after_commit(lambda: called.append("told of a commit that never was"))
            say(store, tx, code, 1)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            store.db.transact(unit)
        assert not outbox_of(store.db, code)
        assert not called
        streams = store.db.read(
            lambda tx: tx.scalar(text("SELECT count(*) FROM streams WHERE stream = :s"), {"s": code})
        )
        assert streams == 0

    def test_a_failing_hook_before_the_commit_leaves_nothing(self, store: Store) -> None:
        code = child()

        def unit(tx: Tx) -> None:
            say(store, tx, code, 1)
            tx.before_commit(lambda: 1 // 0)  # type: ignore[arg-type, return-value]

        with pytest.raises(ZeroDivisionError):
            store.db.transact(unit)
        assert not outbox_of(store.db, code)

    def test_a_commit_that_the_database_refuses_leaves_nothing_and_the_next_one_free(self, store: Store) -> None:
        """It used to leave its session inside the transaction, lock and all, and the pool handed that out again."""
        code = child()
        tree = "CREATE TABLE IF NOT EXISTS tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree DEFERRABLE INITIALLY DEFERRED)"
        store.db.transact(lambda tx: tx.execute(text(tree)) and None)

        def unit(tx: Tx) -> None:
            say(store, tx, code, 1)
            tx.execute(text("INSERT INTO tree VALUES (1, 2)"))  # checked at the commit

        for _ in range(2):
            with pytest.raises(IntegrityError):
                store.db.transact(unit)
        assert not outbox_of(store.db, code)
        other = store.open()
        other.transact(lambda tx: say(store, tx, code, 1))
        store.db.transact(lambda tx: say(store, tx, code, 2))
        assert [row.version for row in outbox_of(other, code)] == [1, 2]

    def test_hooks_after_the_commit_run_in_the_callers_thread(self, store: Store) -> None:
        ran: list[int] = []
        store.db.transact(lambda tx: tx.after_commit(lambda: ran.append(threading.get_ident())))
        assert ran == [threading.get_ident()]

    def test_what_a_read_writes_is_not_kept(self, store: Store) -> None:
        code = child()
        row = {"client": code, "route": "r", "key": "k", "body_sha256": "", "status": 0, "answer": "", "at": NOW}
        store.db.read(lambda tx: tx.execute(insert(idempotency.IdempotencyRow).values(row)) and None)
        count = select(func.count()).where(idempotency.IdempotencyRow.client == code)  # type: ignore[arg-type]
        assert store.db.read(lambda tx: tx.scalar(count)) == 0

    # Idempotency keys --------------------------------------------------------------------------------------------

    def test_the_same_key_answers_the_same_and_another_body_conflicts(self, store: Store) -> None:
        client = child()

        def claim(body: str) -> idempotency.Answered | None:
            def unit(tx: Tx) -> idempotency.Answered | None:
                found = idempotency.claim(tx, store.audit, client=client, route="r", key="k", body_sha256=body, now=NOW)
                if found is None:
                    idempotency.settle(
                        tx, store.audit, client=client, route="r", key="k", status=201, answer='{"a": 1}'
                    )
                return found

            return store.db.transact(unit)

        assert claim("one") is None
        assert claim("one") == idempotency.Answered(201, '{"a": 1}')
        with pytest.raises(Conflict):
            claim("two")
        assert claim("one") == idempotency.Answered(201, '{"a": 1}'), "a conflict changes nothing"

    def test_of_racing_claims_one_wins_and_the_others_wait_for_its_answer(self, store: Store) -> None:
        client, instances = child(), [store.db, store.open()]

        def race(number: int) -> idempotency.Answered | None:
            def unit(tx: Tx) -> idempotency.Answered | None:
                found = idempotency.claim(tx, store.audit, client=client, route="r", key="k", body_sha256="b", now=NOW)
                if found is None:
                    time.sleep(0.05)
                    idempotency.settle(
                        tx, store.audit, client=client, route="r", key="k", status=201, answer=str(number)
                    )
                return found

            return instances[number % 2].transact(unit)

        found = together(6, race)
        winners = [number for number, one in enumerate(found) if one is None]
        assert len(winners) == 1
        assert {one.answer for one in found if one} == {str(winners[0])}

    def test_a_claim_whose_command_failed_is_free_again(self, store: Store) -> None:
        client = child()

        def failing(tx: Tx) -> None:
            idempotency.claim(tx, store.audit, client=client, route="r", key="k", body_sha256="b", now=NOW)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            store.db.transact(failing)
        again = store.db.transact(
            lambda tx: idempotency.claim(
                tx, store.audit, client=client, route="r", key="k", body_sha256="other", now=NOW
            )
        )
        assert again is None

    # Order -------------------------------------------------------------------------------------------------------

    def test_streams_are_locked_in_one_order_with_the_services_own_last(self, store: Store) -> None:
        def unit(*names: str) -> None:
            store.db.transact(lambda tx: [store.audit.lock(tx, name) for name in names] and None)

        unit("A", "a", "~seals", "~service")  # children, the seals, then what concerns no child
        unit("A", "A")
        for wrong in (("b", "a"), ("~seals", "a"), ("~service", "a")):
            with pytest.raises(RuntimeError, match="ascending"):
                unit(*wrong)

    def test_what_was_read_before_a_lock_was_had_is_read_anew(self, store: Store) -> None:
        """Handlers read which child it is about, lock it, and read again; a session gives what it holds."""
        code, instances = child(), [store.db, store.open()]
        store.db.transact(lambda tx: _add_alert(tx, code, 0, NOW))

        def unit(tx: Tx) -> int:
            seen = notifier.alert(tx, code)
            assert seen is not None
            time.sleep(0.1)  # both have read by now
            store.audit.lock(tx, code)
            row = notifier.alert(tx, code)
            assert row is not None
            row.round += 1
            tx.session.add(row)
            tx.session.flush()
            return seen.round

        assert sorted(together(2, lambda number: instances[number].transact(unit))) == [2, 3]

    def test_an_event_of_a_child_needs_its_stream_lock(self, store: Store) -> None:
        code = child()

        def unit(tx: Tx) -> None:
            batch = Batch(batch_id="b", version=1, trial_id=TRIAL, subject_id=code, recorded_at=NOW)
            emit(
                tx, "tocsin.batch.recorded.v1", batch, aggregate="batch/b", version=1, trial_id=TRIAL, now=NOW, key=code
            )

        with pytest.raises(RuntimeError, match="stream lock"):
            store.db.transact(unit)

    def test_what_the_log_cannot_carry_is_refused_before_the_commit(self, store: Store) -> None:
        code = child()

        def unit(tx: Tx) -> None:
            store.audit.lock(tx, code)
            big = Batch(
                batch_id="b",
                version=1,
                trial_id=TRIAL,
                subject_id=code,
                organism="x" * MAX_BODY_BYTES,
                recorded_at=NOW,
            )
            emit(tx, "tocsin.batch.recorded.v1", big, aggregate="batch/b", version=1, trial_id=TRIAL, now=NOW, key=code)

        with pytest.raises(TooLarge):
            store.db.transact(unit)
        assert not outbox_of(store.db, code)

    def test_positions_of_one_child_are_in_commit_order(self, store: Store) -> None:
        children, instances = sorted(child() for _ in range(3)), [store.db, store.open()]

        def write(number: int) -> None:
            for turn in range(8):
                instances[number % 2].transact(lambda tx, t=turn: next_version(tx, children[(number + t) % 3]))  # type: ignore[misc]

        def next_version(tx: Tx, code: str) -> None:
            store.audit.lock(tx, code)
            newest = tx.scalar(select(func.max(OutboxRow.version)).where(OutboxRow.key == code))  # type: ignore[arg-type]
            time.sleep(0.001)  # room for another one to take a position meanwhile
            say(store, tx, code, (newest or 0) + 1)

        together(8, write)
        for code in children:
            versions = [row.version for row in outbox_of(store.db, code)]
            assert versions == list(range(1, len(versions) + 1))
        assert sum(len(outbox_of(store.db, code)) for code in children) == 64
        found = store.verify().breaches
        assert found == (), str(found)

    # Cursors and received versions -------------------------------------------------------------------------------

    def test_of_racing_consumers_one_moves_the_cursor(self, store: Store) -> None:
        instances = [store.db, store.open()]
        topic = child()
        store.db.transact(
            lambda tx: (
                tx.execute(
                    insert(CursorRow), [{"topic": topic, "partition": n, "next_offset": 0} for n in range(PARTITIONS)]
                )
                and None
            )
        )

        def move(number: int) -> bool:
            try:
                instances[number % 2].transact(
                    lambda tx: cursor.advance(
                        tx, store.audit, topic, 0, first=0, next_offset=number + 1, last_event_id=str(number)
                    )
                )
            except CursorMoved:
                return False
            return True

        won = together(6, move)
        assert won.count(True) == 1
        at = store.db.read(lambda tx: cursor.read(tx, topic, 0))
        assert (at.next_offset, at.last_event_id) == (won.index(True) + 1, str(won.index(True)))

    def test_a_cursor_that_has_moved_undoes_the_effect(self, store: Store) -> None:
        code = child()

        def unit(tx: Tx) -> None:
            say(store, tx, code, 1)
            cursor.advance(tx, store.audit, "tocsin.safety", 11, first=5, next_offset=6, last_event_id="e")

        with pytest.raises(CursorMoved):
            store.db.transact(unit)
        assert not outbox_of(store.db, code)

    def test_every_version_has_one_fate(self, store: Store) -> None:
        name = f"case/{child()}"

        def fate(version: int, body: bytes = b"{}") -> Fate:
            return store.db.transact(
                lambda tx: received.receive(
                    tx, event(name, version, body), key="c", topic="t", partition=0, offset=0, now=NOW
                )
            )[0]

        assert fate(1) is Fate.NEWER
        assert fate(2) is Fate.NEWER
        assert fate(2) is Fate.DUPLICATE
        assert fate(2, b'{"other": 1}') is Fate.CONFLICT
        assert fate(5) is Fate.GAP
        assert fate(4) is Fate.OLDER
        assert fate(3) is Fate.OLDER
        assert fate(4) is Fate.DUPLICATE
        history = store.db.read(lambda tx: [row.version for row in received.history(tx, name)])
        assert history == [1, 2, 3, 4, 5]
        assert fate(2) is Fate.DUPLICATE, "the conflicting bytes replaced nothing"

    def test_the_newest_version_of_each_aggregate_of_one_child(self, store: Store) -> None:
        code, name = child(), child()
        for aggregate, version in ((f"case/{name}", 1), (f"case/{name}", 3), (f"batch/{name}", 1)):
            store.db.transact(
                lambda tx, a=aggregate, v=version: received.receive(
                    tx, event(a, v), key=code, topic="t", partition=0, offset=0, now=NOW
                )
            )
        found = store.db.read(lambda tx: received.latest_of_child(tx, code))
        assert [(row.aggregate, row.version) for row in found] == [(f"batch/{name}", 1), (f"case/{name}", 3)]
        cases = store.db.read(lambda tx: received.latest_of_child(tx, code, "case/"))
        assert [row.aggregate for row in cases] == [f"case/{name}"]

    # Claims ------------------------------------------------------------------------------------------------------

    def test_every_call_has_one_owner(self, store: Store) -> None:
        alert, instances = child(), [store.db, store.open()]
        at = NOW - timedelta(days=900)  # no other test's calls are due then
        store.db.transact(lambda tx: _add_alert(tx, alert, 12, at))

        def claim(number: int) -> list[str]:
            def unit(tx: Tx) -> list[str]:
                rows = notifier.claim_calls(tx, store.audit, at, at + timedelta(seconds=15), limit=4)
                time.sleep(0.1)  # both hold their locks at the same time
                return [row.call_id for row in rows]

            return instances[number % 2].transact(unit)

        claimed = [one for some in together(2, claim) for one in some]
        assert len(claimed) == len(set(claimed)) == 8
        rest = store.db.transact(
            lambda tx: [r.call_id for r in notifier.claim_calls(tx, store.audit, at, at, limit=20)]
        )
        assert len(rest) == 4, "what is held is not claimed again before its time is over"
        later = at + timedelta(seconds=15)
        freed = store.db.transact(
            lambda tx: [r.call_id for r in notifier.claim_calls(tx, store.audit, later, later, limit=20)]
        )
        assert len(freed) == 12

    # Activations -------------------------------------------------------------------------------------------------

    def test_of_racing_activations_one_stands(self, store: Store) -> None:
        settings = Settings()
        trial = load_trial(settings)
        law = load_law(settings, trial)
        others = [
            read_law(
                [replace(f, body=f"{f.body}\n# {child()}\n") if f.kind == "rules" else f for f in law.files], "2026a"
            )
            for _ in range(2)
        ]
        office = Notifier(trial, Laws(law), store.audit, Wake(), Wake())
        instances = [store.db, store.open()]
        held = store.db.read(notifier.active_law)
        number = held[0] if held else 1

        def first(tx: Tx) -> None:
            store.audit.lock(tx, SERVICE_STREAM)
            if held is None:
                row = notifier.ActivationRow(
                    number=1,
                    law_sha256=law.sha256,
                    body="{}",
                    sha256="",
                    reason="-",
                    activated_by="system",
                    activated_at=NOW,
                )
                notifier.add_row(tx, row)
                store.audit.record(tx, stream=SERVICE_STREAM, actor="system", action="first start", at=NOW, rows=[row])

        store.db.transact(first)

        def activate(which: int) -> bool:
            found = Waiting(others[which], Active(number, law), Preview.of(()))

            def unit(tx: Tx) -> None:
                activation.activate(office, tx, found, reason="read", user_id=f"u{which}", now=NOW)
                time.sleep(0.1)  # the other waits for the service's lock

            try:
                instances[which].transact(unit)
            except PreconditionFailed:
                return False
            return True

        assert sorted(together(2, activate)) == [False, True]
        standing = store.db.read(notifier.active_law)
        assert standing is not None and standing[0] == number + 1
        assert standing[1] in {one.sha256 for one in others}

    # Times and checks --------------------------------------------------------------------------------------------

    def test_times_come_back_as_the_same_instant_in_utc(self, store: Store) -> None:
        hanoi = timezone(timedelta(hours=7))
        at = datetime(2026, 3, 9, 0, 30, 15, 123456, tzinfo=hanoi)
        alert = child()
        store.db.transact(lambda tx: _add_alert(tx, alert, 1, at))
        [call] = store.db.read(lambda tx: notifier.calls_of(tx, [alert]))
        assert call.call_at == at
        assert call.call_at.utcoffset() == timedelta(0)
        assert call.call_at.isoformat() == "2026-03-08T17:30:15.123456+00:00"

    def test_a_time_is_compared_as_an_instant_whatever_its_zone(self, store: Store) -> None:
        hanoi = timezone(timedelta(hours=7))
        alert, at = child(), NOW - timedelta(days=1800)
        store.db.transact(lambda tx: _add_alert(tx, alert, 1, at))
        before, after = (at - timedelta(seconds=1)).astimezone(hanoi), (at + timedelta(seconds=1)).astimezone(hanoi)
        count = lambda now: len(store.db.transact(lambda tx: notifier.claim_calls(tx, store.audit, now, now)))  # noqa: E731
        assert (count(before), count(after)) == (0, 1)

    def test_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        with pytest.raises(Exception, match=r"(?i)naive|zone|aware|tz"):
            store.db.transact(lambda tx: _add_alert(tx, child(), 1, datetime(2026, 3, 9)))

    @pytest.mark.parametrize(
        ("table", "change"),
        [
            ("duties", {"due_strict_at": NOW + timedelta(seconds=1), "due_at": NOW}),
            ("duties", {"state": "forgotten"}),
            ("duties", {"version": 0}),
            ("alerts", {"state": "confirmed"}),
            ("alerts", {"confirmed_by": "somebody"}),
            ("alerts", {"state": "closed"}),
            ("calls", {"state": "delivered"}),
            ("calls", {"state": "sent"}),
            ("received", {"version": 0}),
            ("cursors", {"next_offset": -1}),
            ("parked", {"state": "discarded"}),
            ("parked", {"closed_by": "somebody"}),
            ("filings", {"state": "lost"}),
            ("filings", {"state": "sent"}),
        ],
        ids=lambda one: one if isinstance(one, str) else "-".join(f"{k}" for k in one),
    )
    def test_what_must_never_be_wrong_is_refused_by_the_database(
        self, store: Store, table: str, change: dict[str, object]
    ) -> None:
        values = _valid(table)
        model = MODELS[table]
        store.db.transact(lambda tx: tx.execute(insert(model).values(values)))
        columns = {name: values[name] for name in PRIMARY[table]}
        where = [getattr(model, name) == value for name, value in columns.items()]
        with pytest.raises(IntegrityError):
            store.db.transact(lambda tx: tx.execute(update(model).where(*where).values(**change)))

    # The relay ---------------------------------------------------------------------------------------------------

    def _relay(self, store: Store, db: Database, log: MemoryLog) -> Relay:
        relay = Relay(db, log, store.audit, ManualClock(NOW), TRIAL, lambda kind, place: None)
        relay._sealed_at = float("inf")
        return relay

    def test_the_relay_publishes_the_stored_bytes_and_says_where(self, store: Store) -> None:
        code, log = child(), MemoryLog()
        store.db.transact(lambda tx: say(store, tx, code, 1))
        assert asyncio.run(self._relay(store, store.db, log).once()) >= 1
        [row] = outbox_of(store.db, code)
        assert row.partition is not None and row.place is not None
        placed: Delivery = log.partitions[row.topic, row.partition][row.place]
        assert placed.value.decode() == row.body
        assert decode(placed).id == row.event_id
        assert row.published_at == NOW
        assert asyncio.run(self._relay(store, store.db, log).once()) == 0

    def test_a_refused_event_holds_back_its_own_child_only(self, store: Store) -> None:
        bad, good, log = child(), child(), Slow()
        for version in (1, 2):
            for code in (bad, good):
                store.db.transact(lambda tx, c=code, v=version: say(store, tx, c, v))
        log.refused = {outbox_of(store.db, bad)[0].event_id}
        relay = self._relay(store, store.db, log)
        asyncio.run(relay.once())
        assert [row.published_at is None for row in outbox_of(store.db, good)] == [False, False]
        assert [row.published_at is None for row in outbox_of(store.db, bad)] == [True, True], (
            "a later version is never marked past an earlier one that was not taken"
        )
        with pytest.raises(BusUnavailable):  # nothing at all moved: the loop backs off
            asyncio.run(relay.once())
        log.refused.clear()
        asyncio.run(relay.once())
        assert all(row.published_at for row in outbox_of(store.db, bad))

    def test_a_log_that_is_away_leaves_the_outbox_as_it_is(self, store: Store) -> None:
        code, log = child(), MemoryLog()
        store.db.transact(lambda tx: say(store, tx, code, 1))
        log.away = True
        with pytest.raises(BusUnavailable):
            asyncio.run(self._relay(store, store.db, log).once())
        assert outbox_of(store.db, code)[0].published_at is None
        log.away = False
        asyncio.run(self._relay(store, store.db, log).once())
        assert outbox_of(store.db, code)[0].published_at is not None

    def test_an_arm_travels_on_the_other_topic(self, store: Store) -> None:
        code, log = child(), MemoryLog()

        def unit(tx: Tx) -> None:
            store.audit.lock(tx, code)
            document = Allocation(trial_id=TRIAL, subject_id=code, version=1, arm="A", recorded_at=NOW)
            name = f"allocation/{code}"
            row = emit(
                tx,
                "tocsin.allocation.recorded.v1",
                document,
                aggregate=name,
                version=1,
                trial_id=TRIAL,
                now=NOW,
                key=code,
            )
            store.audit.record(tx, stream=code, actor="tester", action="allocated", at=NOW, rows=[row])

        store.db.transact(unit)
        asyncio.run(self._relay(store, store.db, log).once())
        assert {one.topic for one in log.all() if one.key == code} == {ALLOCATION_TOPIC}

    # Seals -------------------------------------------------------------------------------------------------------

    def test_seals_cover_every_entry_once_and_then_there_is_nothing_to_seal(self, store: Store) -> None:
        store.db.transact(lambda tx: say(store, tx, child(), 1))
        store.db.transact(lambda tx: seal_now(tx, store.audit, TRIAL, NOW))
        before = store.db.read(lambda tx: tx.scalar(select(func.count()).select_from(SealedRow)))
        store.db.transact(lambda tx: seal_now(tx, store.audit, TRIAL, NOW))
        assert store.db.read(lambda tx: tx.scalar(select(func.count()).select_from(SealedRow))) == before
        entries = store.db.read(lambda tx: tx.scalar(select(func.count()).select_from(AuditRow)))
        assert entries - before <= 1, "only the entry about the seal itself waits for the next one"
        found = store.verify().breaches
        assert found == (), str(found)

    def test_an_away_database_says_so(self, store: Store) -> None:
        gone = Database(self.unreachable(store), "sae_notifier")
        try:
            with pytest.raises(DatabaseAway):
                gone.read(lambda tx: tx.execute(text("SELECT 1")))
            assert not gone.healthy()
        finally:
            gone.close()

    def unreachable(self, store: Store) -> str:
        """A URL of this dialect at which nothing answers."""
        raise NotImplementedError


def _received_values(aggregate: str, version: int) -> dict[str, object]:
    return {
        "aggregate": aggregate,
        "version": version,
        "subject_id": "c",
        "event_id": "e",
        "type": "t",
        "sha256": sha256(b"").hexdigest(),
        "serious": False,
        "body": "{}",
        "topic": "t",
        "partition": 0,
        "place": 0,
        "received_at": NOW,
    }


def _add_alert(tx: Tx, alert_id: str, calls: int, at: datetime) -> None:
    notifier.add_row(tx, AlertRow(alert_id=alert_id, cause=alert_id, kind="sae", subject_id="c", opened_at=at))
    for number in range(calls):
        notifier.add_row(tx, CallRow(**_call(f"{alert_id}-{number}", alert_id, at)))


def _call(call_id: str, alert_id: str, at: datetime) -> dict[str, object]:
    return {
        "call_id": call_id,
        "alert_id": alert_id,
        "subject_id": "c",
        "round": 1,
        "step": 0,
        "person": "safety-1",
        "user_id": "safety-officer-1",
        "channel": "mail",
        "address": "safety-1@example.org",
        "message_id": f"<{call_id}@tocsin.invalid>",
        "call_at": at,
        "state": "waiting",
        "attempts": 0,
    }


MODELS = {
    "duties": DutyRow,
    "alerts": AlertRow,
    "calls": CallRow,
    "received": ReceivedRow,
    "cursors": CursorRow,
    "parked": ParkedRow,
    "filings": notifier.FilingRow,
}
PRIMARY = {
    "duties": ("obligation_id",),
    "alerts": ("alert_id",),
    "calls": ("call_id",),
    "received": ("aggregate", "version"),
    "cursors": ("topic", "partition"),
    "parked": ("parked_id",),
    "filings": ("filing_id",),
}


def _valid(table: str) -> dict[str, object]:
    """A row that the database takes."""
    one = child()
    far = NOW + timedelta(days=3650)  # no claim of another test looks there
    match table:
        case "duties":
            return {
                "obligation_id": one,
                "version": 1,
                "case_id": one,
                "case_number": one,
                "subject_id": "c",
                "rule_id": "VN-SAE-7WD",
                "recipient_id": "necbr",
                "state": "open",
                "provisional": False,
                "due_at": NOW,
                "due_strict_at": NOW,
            }
        case "alerts":
            return {
                "alert_id": one,
                "cause": one,
                "kind": "sae",
                "subject_id": "c",
                "opened_at": NOW,
                "state": "open",
                "round": 1,
            }
        case "calls":
            return _call(one, one, far)
        case "received":
            return _received_values(one, 1)
        case "cursors":
            return {"topic": one, "partition": 0, "next_offset": 0}
        case "parked":
            return {
                "parked_id": one,
                "topic": "t",
                "partition": 0,
                "place": 0,
                "key": "c",
                "serious": False,
                "headers": "[]",
                "value": "",
                "reason": "undecodable",
                "detail": "",
                "retry": False,
                "attempts": 1,
                "parked_at": NOW,
                "state": "parked",
            }
        case _:
            return {
                "filing_id": one,
                "message_number": one,
                "obligation_id": one,
                "case_id": one,
                "case_number": one,
                "case_version": 1,
                "subject_id": "c",
                "recipient_id": "necbr",
                "document_id": one,
                "method": "post",
                "address": "",
                "state": "waiting",
                "filed_by": "safety-officer-1",
                "filed_at": NOW,
                "attempts": 0,
            }
