"""The worker between a log and a database: batches, the one bad event among them, outages, positions, the breaker."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.bus import cursor, parking
from shared.bus.breaker import Breaker
from shared.bus.cursor import CursorMoved
from shared.bus.partition import partition_for
from shared.bus.port import SAFETY_TOPIC, BusUnavailable, Position
from shared.bus.worker import Receipt, Worker
from shared.db import Database, DatabaseAway, Tx
from shared.errors import NotFound, Refused
from tests.support import deeds
from tests.support.memory_log import Quiet
from tests.support.world import World

PLACE = (SAFETY_TOPIC, partition_for("VN01-007"))
KIND = "tocsin.case.reported.v1"


@pytest.fixture
def world() -> Iterator[World]:
    """Five cases of one child on the log, nobody has consumed them."""
    with World() as made, capture_logs():  # what is parked logs its traceback
        for _ in range(5):
            deeds.submit(made, deeds.report())
        made.relay("ae_intake")
        yield made


class Bench:
    """A worker of causality with handlers of the test; `seen` are the versions that took effect for good."""

    def __init__(self, world: World, effect: Callable[[Tx, Receipt], None] = lambda tx, receipt: None) -> None:
        self.world, self.effect = world, effect
        self.seen: list[str] = []
        self.tried: list[str] = []
        self.rung: list[tuple[str, str]] = []
        one = world["causality"]
        self.db: Database = one.db
        self.worker = Worker(
            db=one.db,
            bus=world.log,
            audit=one.audit,
            clock=world.clock,
            topics=(SAFETY_TOPIC,),
            handlers={KIND: self.handle},
            ring=self.ring,
        )
        self.heard = threading.Event()

    def ring(self, kind: str, place: str) -> None:
        self.rung.append((kind, place))
        self.heard.set()

    def handle(self, tx: Tx, receipt: Receipt, now: datetime) -> None:
        self.tried.append(receipt.event.aggregate)
        self.effect(tx, receipt)
        tx.after_commit(lambda: self.seen.append(receipt.event.aggregate))

    async def run(self) -> None:
        Quiet.stop = asyncio.Event()
        async with asyncio.timeout(20):
            await self.worker.loop(Quiet.stop)

    @property
    def position(self) -> Position:
        return self.db.read(lambda tx: cursor.read(tx, *PLACE))

    @property
    def end(self) -> int:
        return len(self.world.log.partitions[PLACE])

    def parked(self) -> list[str]:
        return [row.reason for row in self.db.read(parking.open_rows)]


def cases(world: World) -> list[str]:
    return [one.header("ce_subject") or "" for one in world.log.all() if one.header("ce_type") == KIND]


async def test_a_run_is_one_transaction(world: World) -> None:
    bench = Bench(world)
    commits: list[int] = []
    real = bench.db.transact

    def counted(fn: Callable[[Tx], object]) -> object:
        commits.append(1)
        return real(fn)

    bench.db.transact = counted  # type: ignore[method-assign, assignment]
    await bench.run()
    bench.db.transact = real  # type: ignore[method-assign]
    assert bench.seen == cases(world)
    assert len(commits) == 1
    assert bench.position == Position(bench.end, world.log.partitions[PLACE][-1].event_id)


async def test_one_bad_event_is_parked_and_the_others_of_its_run_take_effect(world: World) -> None:
    bad = cases(world)[2]

    def effect(tx: Tx, receipt: Receipt) -> None:
        if receipt.event.aggregate == bad:
            raise RuntimeError("told to fail")

    bench = Bench(world, effect)
    await bench.run()
    assert bench.seen == [one for one in cases(world) if one != bad]
    assert bench.parked() == ["handler_failed"]
    assert bench.position.next_offset == bench.end
    assert [kind for kind, _ in bench.rung] == ["event_parked"]


async def test_what_a_bad_event_wrote_before_it_failed_is_gone(world: World) -> None:
    def effect(tx: Tx, receipt: Receipt) -> None:
        bench.worker.audit.record(tx, stream="VN01-007", actor="x", action="half an effect", at=world.clock.now())
        raise RuntimeError("told to fail")

    bench = Bench(world, effect)
    await bench.run()
    entries = bench.db.read(lambda tx: tx.execute(text("SELECT entry FROM audit")).scalars().all())
    assert not [one for one in entries if "half an effect" in one]
    world.assert_audit()


async def test_an_outage_parks_nothing_and_everything_comes_again(world: World) -> None:
    failures = [3]

    def effect(tx: Tx, receipt: Receipt) -> None:
        if failures[0]:
            failures[0] -= 1
            raise DatabaseAway("deadlock detected")

    bench = Bench(world, effect)
    await bench.run()
    assert bench.seen == cases(world)
    assert bench.parked() == []
    assert len(bench.tried) == len(bench.seen) + 3


async def test_what_another_instance_has_handled_is_left_alone(world: World) -> None:
    """The cursor moved between the read and the effect: nothing is done, the position is read again."""
    other, bench = Bench(world), Bench(world)
    run = world.log.partitions[PLACE][:]
    other.worker.apply(run)
    await bench.worker._take(_Reseeks(), run, asyncio.Event())
    assert bench.seen == []
    assert bench.parked() == []
    assert _Reseeks.places == [PLACE]


class _Reseeks(Quiet):
    places: list[tuple[str, int]] = []  # noqa: RUF012 - the test reads it

    def __init__(self) -> None:
        self.places.clear()

    async def reseek(self, topic: str, partition: int) -> None:
        self.places.append((topic, partition))


async def test_a_log_that_is_away_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, real, failures = Bench(world), world.log.subscribe, [1]

    async def subscribe(*args: object, **options: object) -> object:
        if failures[0]:
            failures[0] -= 1
            raise BusUnavailable("away")
        return await real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(world.log, "subscribe", subscribe)
    monkeypatch.setattr("shared.bus.worker.pause", _at_once)
    await bench.run()
    assert bench.seen == cases(world)


async def _at_once(stop: asyncio.Event, seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("wrong", [Position(99, "x"), Position(3, "another event")])
async def test_a_position_that_is_not_of_this_log_rings_and_stops_and_is_never_reset(
    world: World, wrong: Position
) -> None:
    bench = Bench(world)
    bench.db.transact(
        lambda tx: cursor.advance(
            tx, bench.worker.audit, *PLACE, first=0, next_offset=wrong.next_offset, last_event_id=wrong.last_event_id
        )
    )
    stop = asyncio.Event()
    Quiet.stop = None
    loop = asyncio.create_task(bench.worker.loop(stop))
    async with asyncio.timeout(20):
        await asyncio.to_thread(bench.heard.wait)
    assert bench.rung == [("position_invalid", f"{PLACE[0]}[{PLACE[1]}]")]
    assert bench.worker.stopped_because is not None
    assert not loop.done(), "it stays, unready, until somebody has looked"
    stop.set()
    await loop
    assert bench.seen == []
    assert bench.position == wrong


async def test_too_much_parked_opens_the_breaker_and_what_follows_stays_on_the_log(world: World) -> None:
    """A bad deploy must not drain the log into the parking table."""

    def effect(tx: Tx, receipt: Receipt) -> None:
        raise RuntimeError("a bad deploy")

    bench = Bench(world, effect)
    bench.worker.breaker = Breaker(consecutive=3, rest_s=30)
    await bench.worker._take(_Reseeks(), world.log.partitions[PLACE][:], asyncio.Event())
    assert bench.parked() == ["handler_failed"] * 3
    assert bench.position.next_offset < bench.end
    assert bench.rung[-1] == ("breaker_open", f"{PLACE[0]}[{PLACE[1]}]")
    stop = asyncio.Event()
    stop.set()
    await bench.worker._take(_Reseeks(), world.log.partitions[PLACE][:], stop)
    assert len(bench.tried) == len(set(bench.tried)) + 1, "while it rests, nothing is tried (the batch was, once)"


async def test_stopping_ends_between_two_events(world: World) -> None:
    stop = asyncio.Event()

    def effect(tx: Tx, receipt: Receipt) -> None:
        if len(bench.tried) > 1:  # the batch has failed; now one by one
            stop.set()
        else:
            raise RuntimeError("one bad one sends all of them through one by one")

    bench = Bench(world, effect)
    await bench.worker._take(_Reseeks(), world.log.partitions[PLACE][:], stop)
    assert len(bench.seen) == 1
    assert bench.parked() == []


@pytest.mark.parametrize("error", [RuntimeError("x"), Refused("no calendar"), NotFound("nothing there")])
def test_a_replay_that_fails_is_postponed_whatever_it_fails_with(world: World, error: Exception) -> None:
    """A refusal by the handler left the event due for ever: the retry loop tried it every two seconds."""

    def effect(tx: Tx, receipt: Receipt) -> None:
        raise error

    bench = Bench(world, effect)
    bench.worker.apply([world.log.partitions[PLACE][0]])  # the child itself: nobody here handles it
    bench.worker.apply_or_park(world.log.partitions[PLACE][1])
    [before] = bench.db.read(parking.open_rows)
    world.clock.advance(seconds=11)
    assert bench.worker.retry_due() == 0
    [after] = bench.db.read(parking.open_rows)
    assert (before.attempts, after.attempts) == (1, 2)
    assert after.next_attempt_at is not None and after.next_attempt_at > world.clock.now()
    assert bench.worker.retry_due() == 0
    [again] = bench.db.read(parking.open_rows)
    assert again.attempts == 2, "not due yet"


def test_the_reason_of_a_failure_quotes_nothing_of_the_event(world: World) -> None:
    def effect(tx: Tx, receipt: Receipt) -> None:
        raise ValueError(json.dumps(receipt.event.data))

    bench = Bench(world, effect)
    bench.worker.apply([world.log.partitions[PLACE][0]])
    bench.worker.apply_or_park(world.log.partitions[PLACE][1])
    [row] = bench.db.read(parking.open_rows)
    assert row.detail == "ValueError while handling it"


def test_records_that_are_not_in_a_row_move_no_cursor(world: World) -> None:
    bench = Bench(world)
    with pytest.raises(CursorMoved):
        bench.worker.apply([world.log.partitions[PLACE][1]])
    assert bench.position == Position(0)
    assert bench.tried == []


def test_the_breaker_counts_runs_and_shares() -> None:
    breaker = Breaker(consecutive=3, window=10, ratio=0.5)
    assert [breaker.failure() for _ in range(3)] == [False, False, True]
    assert breaker.remaining_s() > 29
    breaker.success()
    assert breaker.remaining_s() == 0
    breaker = Breaker(consecutive=3, window=10, ratio=0.5)
    opened = []
    for number in range(10):  # two of three fail: never three in a row, more than half of a full window
        if number % 3 == 2:
            breaker.success()
        else:
            opened.append(breaker.failure())
    assert opened == [False] * 6 + [True]
