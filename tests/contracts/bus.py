"""What every log must do, whatever it is made of; inherited once per adapter.

A subclass gives `open_bus()`, which opens another `KafkaBus` or `LocalBus` on the same log. The positions of a consumer
live in `Cursors`, as they would in its database, and are moved by the test, as they would be by a handler's transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import uuid4

import pytest

from shared.bus.partition import partition_for
from shared.bus.port import PARTITIONS, Bus, Delivery, Position, PositionInvalid, Record, Subscription

TOPIC = "tocsin.safety"
OTHER_TOPIC = "tocsin.allocation"
LIMIT = 1_000_000
WITHIN_S = 30.0

OpenBus = Callable[[], Awaitable[Bus]]


def record(key: str, number: int, *, topic: str = TOPIC, event_id: str | None = None, size: int = 0) -> Record:
    """The `number` is readable in the value, so that order can be judged."""
    value = f"{key}:{number}:".encode() + b"x" * size
    return Record(topic, key, value, (("ce_id", (event_id or uuid4().hex).encode()), ("ce_serious", b"true")))


def number_of(delivery: Delivery) -> int:
    return int(delivery.value.split(b":")[1])


class Cursors:
    """A consumer's positions, with a switch for a database that is slow or away."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, int], Position] = defaultdict(lambda: Position(0))
        self.delay_s = 0.0
        self.failures = 0
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, topic: str, partition: int) -> Position:
        self.asked.append((topic, partition))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        return self.at[topic, partition]

    def advance(self, run: Sequence[Delivery]) -> None:
        last = run[-1]
        self.at[last.topic, last.partition] = Position(last.offset + 1, last.event_id)


class Reader:
    """Reads one subscription in the background and keeps what came, until `stop`."""

    def __init__(self, subscription: Subscription, cursors: Cursors | None) -> None:
        self.subscription, self.cursors = subscription, cursors
        self.runs: list[Sequence[Delivery]] = []
        self.failed: BaseException | None = None
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for run in self.subscription.batches():
                self.runs.append(run)
                if self.cursors is not None:
                    self.cursors.advance(run)
        except Exception as error:
            self.failed = error

    @property
    def got(self) -> list[Delivery]:
        return [delivery for run in self.runs for delivery in run]

    async def stop(self) -> None:
        """The member dies: nothing more is read, nothing more is advanced."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.subscription.close()


async def until(true: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def reading(
    bus: Bus, cursors: Cursors, *, group: str = "g", topics: Sequence[str] = (TOPIC,), most: int = 100
) -> AsyncIterator[Reader]:
    reader = Reader(await bus.subscribe(group, topics, cursors, max_records=most), cursors)
    try:
        yield reader
    finally:
        await reader.stop()


class BusContract:
    """Inherit, and provide the fixture `open_bus`; `bus` is one opened and started."""

    @pytest.fixture
    async def bus(self, open_bus: OpenBus) -> AsyncIterator[Bus]:
        bus = await open_bus()
        yield bus
        await bus.close()

    async def publish(self, bus: Bus, records: Sequence[Record]) -> None:
        outcomes = await bus.publish(records)
        assert [outcome.error for outcome in outcomes] == [None] * len(records)

    # Publishing ---------------------------------------------------------------------------------------------

    async def test_places_are_told_and_hold_the_record_as_it_was(self, bus: Bus) -> None:
        sent = Record(
            TOPIC, "trẻ-07", b"\x00\xff{}", (("ce_id", b"e1"), ("a", b"\x00\xfe"), ("a", b""), ("ce_id", b"e2"))
        )
        (outcome,) = await bus.publish([sent])
        assert outcome.placed is not None
        assert (outcome.placed.partition, outcome.placed.offset) == (partition_for("trẻ-07"), 0)
        there = await bus.read_at(TOPIC, outcome.placed.partition, 0)
        assert there == Delivery(TOPIC, outcome.placed.partition, 0, sent.key, sent.value, sent.headers)
        assert there is not None
        assert there.event_id == sent.event_id == "e2"

    async def test_each_partition_counts_its_own_offsets(self, bus: Bus) -> None:
        records = [record(f"s{number}", number) for number in range(40)]
        outcomes = await bus.publish(records)
        places = [(outcome.placed.partition, outcome.placed.offset) for outcome in outcomes if outcome.placed]
        assert [partition for partition, _ in places] == [partition_for(one.key) for one in records]
        by_partition: dict[int, list[int]] = defaultdict(list)
        for partition, offset in places:
            by_partition[partition].append(offset)
        assert all(offsets == list(range(len(offsets))) for offsets in by_partition.values())
        ends = {partition: len(by_partition[partition]) for partition in range(PARTITIONS)}
        assert await bus.end_offsets(TOPIC) == ends
        assert await bus.end_offsets(OTHER_TOPIC) == dict.fromkeys(range(PARTITIONS), 0)

    async def test_nothing_is_read_where_nothing_is(self, bus: Bus) -> None:
        assert await bus.read_at(TOPIC, 3, 0) is None
        assert await bus.read_at(TOPIC, 3, 7) is None

    async def test_anybody_may_read_a_partition_from_any_place(self, bus: Bus) -> None:
        sent = [record("s1", version) for version in range(1, 8)]
        await self.publish(bus, sent)
        partition = partition_for("s1")
        read = [one async for one in _whole(bus, partition, most=3)]
        assert [one.value for one in read] == [one.value for one in sent]
        assert [one.offset for one in read] == list(range(7))
        assert (await bus.read(TOPIC, partition, 5))[0].value == sent[5].value
        assert list(await bus.read(TOPIC, partition, 7)) == []
        with pytest.raises(PositionInvalid):
            await bus.read(TOPIC, partition, 9)

    async def test_a_record_at_the_limit_is_carried_whole(self, bus: Bus) -> None:
        empty = record("s1", 1)
        large = record("s1", 1, event_id=empty.event_id, size=LIMIT - empty.size)
        assert large.size == LIMIT
        await self.publish(bus, [large])
        there = await bus.read_at(TOPIC, partition_for("s1"), 0)
        assert there is not None
        assert there.value == large.value

    async def test_an_oversized_record_is_refused_and_holds_back_its_key_only(self, bus: Bus) -> None:
        outcomes = await bus.publish([record("s1", 1), record("s2", 1), record("s1", 2, size=LIMIT), record("s1", 3)])
        first, other, large, after = outcomes
        assert first.placed
        assert other.placed
        assert large.placed is None
        assert "too large" in (large.error or "")
        assert after.placed is None
        assert "held back" in (after.error or "")
        assert (await bus.end_offsets(TOPIC))[partition_for("s1")] == 1 + (partition_for("s1") == partition_for("s2"))

    async def test_healthy_until_closed(self, open_bus: OpenBus) -> None:
        bus = await open_bus()
        assert await bus.healthy()
        await bus.close()
        assert not await bus.healthy()
        (outcome,) = await bus.publish([record("s1", 1)])
        assert outcome.placed is None

    # Reading ------------------------------------------------------------------------------------------------

    async def test_every_record_arrives_in_order_per_key(self, bus: Bus) -> None:
        cursors = Cursors()
        keys = [f"s{number}" for number in range(9)]
        async with reading(bus, cursors) as reader:
            for number in range(12):
                await self.publish(bus, [record(key, number) for key in keys])
            await until(lambda: len(reader.got) == 108, "all records")
            for run in reader.runs:
                assert len({(one.topic, one.partition) for one in run}) == 1
                assert [one.offset for one in run] == list(range(run[0].offset, run[0].offset + len(run)))
            for key in keys:
                assert [number_of(one) for one in reader.got if one.key == key] == list(range(12))

    async def test_a_backlog_larger_than_max_records_comes_in_bounded_runs(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", number) for number in range(25)])
        async with reading(bus, Cursors(), most=10) as reader:
            await until(lambda: len(reader.got) >= 25, "the backlog")
            assert [number_of(one) for one in reader.got] == list(range(25))
            assert max(map(len, reader.runs)) <= 10

    async def test_a_new_record_wakes_a_waiting_reader_soon(self, bus: Bus) -> None:
        async with reading(bus, Cursors()) as reader:
            await self.publish(bus, [record("s1", 1)])
            await until(lambda: len(reader.got) == 1, "the first")
            await asyncio.sleep(0.3)
            before = time.monotonic()
            await self.publish(bus, [record("s1", 2)])
            await until(lambda: len(reader.got) == 2, "the second", within_s=5.0)
            assert time.monotonic() - before < 2.0
            assert time.monotonic() - reader.subscription.last_activity() < 2.0

    async def test_only_the_topics_asked_for(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", 1, topic=OTHER_TOPIC), record("s1", 2)])
        async with (
            reading(bus, Cursors()) as one,
            reading(bus, Cursors(), group="h", topics=(TOPIC, OTHER_TOPIC)) as two,
        ):
            await until(lambda: len(two.got) == 2 and len(one.got) == 1, "both")
            assert {delivery.topic for delivery in one.got} == {TOPIC}

    async def test_goes_on_where_the_database_says(self, open_bus: OpenBus) -> None:
        bus = await open_bus()
        cursors = Cursors()
        await self.publish(bus, [record("s1", number) for number in range(3)])
        async with reading(bus, cursors) as reader:
            await until(lambda: len(reader.got) == 3, "three")
        await bus.close()
        again = await open_bus()
        await self.publish(again, [record("s1", number) for number in range(3, 5)])
        async with reading(again, cursors) as reader:
            await until(lambda: len(reader.got) >= 2, "two more")
            assert [number_of(one) for one in reader.got] == [3, 4]
        await again.close()

    async def test_what_was_not_advanced_comes_again_to_another_member(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", number) for number in range(4)])
        cursors = Cursors()
        dying = Reader(await bus.subscribe("g", [TOPIC], cursors), None)
        await until(lambda: len(dying.got) == 4, "read by the first")
        await dying.stop()
        async with reading(bus, cursors) as heir:
            await until(lambda: len(heir.got) == 4, "read again by the second")
            assert [number_of(one) for one in heir.got] == [0, 1, 2, 3]

    async def test_a_broken_off_iteration_loses_nothing(self, bus: Bus) -> None:
        """Another partition's run may have been fetched beside the one that was handed out last."""
        await self.publish(bus, [record(f"s{key}", number) for number in range(2) for key in range(20)])
        cursors = Cursors()
        subscription = await bus.subscribe("g", [TOPIC], cursors)
        got: list[Delivery] = []
        async with asyncio.timeout(WITHIN_S):
            while len(got) < 40:
                async for run in subscription.batches():
                    cursors.advance(run)
                    got.extend(run)
                    break
        await subscription.close()
        assert len({(one.partition, one.offset) for one in got}) == len(got) == 40

    async def test_reseek_repeats_from_the_database(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", number) for number in range(3)])
        cursors = Cursors()
        subscription = await bus.subscribe("g", [TOPIC], cursors, max_records=1)
        seen: list[int] = []
        async with asyncio.timeout(WITHIN_S):
            async for run in subscription.batches():
                seen.append(number_of(run[0]))
                if seen in ([0, 1], [0, 1, 1]):
                    await subscription.reseek(TOPIC, run[0].partition)
                    continue
                cursors.advance(run)
                if seen[-1] == 2:
                    break
        await subscription.reseek(TOPIC, 99)
        await subscription.close()
        assert seen == [0, 1, 1, 1, 2]

    async def test_a_run_fetched_before_a_reseek_is_not_handed_out(self, bus: Bus) -> None:
        """Somebody else moved the other partition's cursor while we were busy with this one."""
        keys = {partition_for(key): key for key in (f"s{number}" for number in range(100))}
        places = [(partition, number) for partition in range(PARTITIONS) for number in range(2)]
        await self.publish(bus, [record(keys[p], number, event_id=f"{p}-{number}") for p, number in places])
        cursors = Cursors()
        subscription = await bus.subscribe("g", [TOPIC], cursors)
        first: int | None = None
        got: list[str | None] = []
        async with asyncio.timeout(WITHIN_S):
            async for run in subscription.batches():
                cursors.advance(run)
                if first is None:
                    first = run[0].partition
                    await asyncio.sleep(0.5)
                    for other in set(range(PARTITIONS)) - {first}:
                        cursors.at[TOPIC, other] = Position(1, f"{other}-0")
                        await subscription.reseek(TOPIC, other)
                elif run[0].partition != first:
                    got.extend(one.event_id for one in run)
                if len(got) >= 11:
                    break
        await subscription.close()
        assert sorted(map(str, got)) == sorted(f"{other}-1" for other in set(range(PARTITIONS)) - {first})

    async def test_a_run_of_a_partition_lost_meanwhile_is_not_handed_out(self, bus: Bus) -> None:
        keys = {partition_for(key): key for key in (f"s{number}" for number in range(100))}
        await self.publish(bus, [record(keys[partition], 0) for partition in range(PARTITIONS)])
        cursors = Cursors()
        subscription = await bus.subscribe("g", [TOPIC], cursors)
        seen: list[int] = []
        lost: list[int] = []
        busy, go_on = asyncio.Event(), asyncio.Event()

        async def read_slowly() -> None:
            async for run in subscription.batches():
                if not subscription.assigned(TOPIC, run[0].partition):
                    lost.append(run[0].partition)
                cursors.advance(run)
                seen.extend(one.partition for one in run)
                busy.set()
                await go_on.wait()

        reading_slowly = asyncio.create_task(read_slowly())
        async with asyncio.timeout(WITHIN_S):
            await busy.wait()
        async with reading(bus, cursors) as taker:
            for one in (taker.subscription, subscription):
                await until(partial(_holds, one, 6), "6 and 6 partitions")
            go_on.set()
            await until(lambda: {*seen, *(one.partition for one in taker.got)} == set(range(PARTITIONS)), "all")
            await asyncio.sleep(0.3)
        assert lost == []
        reading_slowly.cancel()
        await subscription.close()

    async def test_a_position_source_that_fails_is_asked_again(self, bus: Bus) -> None:
        cursors = Cursors()
        cursors.failures = 20
        await self.publish(bus, [record(f"s{number}", number) for number in range(10)])
        async with reading(bus, cursors) as reader:
            await until(lambda: len(reader.got) == 10, "all, once the database is back")
            assert reader.failed is None

    async def test_lag_is_what_was_not_handled_yet(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", number) for number in range(3)])
        cursors = Cursors()
        place = partition_for("s1")
        async with reading(bus, cursors, most=2) as reader:
            await until(lambda: len(reader.got) == 3, "all")
            await self.publish(bus, [record("s1", 3)])
            await until(lambda: len(reader.got) == 4, "all")
            await asyncio.sleep(0.1)
            lags = {lag.partition: (lag.position, lag.end) for lag in await reader.subscription.lags()}
            assert lags == {partition: (4, 4) if partition == place else (0, 0) for partition in range(PARTITIONS)}
            assert reader.subscription.assigned(TOPIC, place)
            assert not reader.subscription.assigned(OTHER_TOPIC, place)

    # Positions that cannot be trusted -----------------------------------------------------------------------

    @pytest.mark.parametrize(
        "position", [Position(2, "other"), Position(2, None), Position(9, "e1"), Position(-1, "e1")]
    )
    async def test_a_position_of_another_log_stops_and_never_resets(self, bus: Bus, position: Position) -> None:
        await self.publish(bus, [record("s1", number, event_id=f"e{number}") for number in range(3)])
        cursors = Cursors()
        place = (TOPIC, partition_for("s1"))
        cursors.at[place] = position
        async with reading(bus, cursors) as reader:
            await until(lambda: reader.failed is not None, "PositionInvalid")
            assert isinstance(reader.failed, PositionInvalid)
            assert (reader.failed.topic, reader.failed.partition) == place
            assert reader.got == []
        cursors.at[place] = Position(2, "e1")
        async with reading(bus, cursors) as reader:
            await until(lambda: bool(reader.got), "the record after the corrected position")
            assert [one.event_id for one in reader.got] == ["e2"]

    async def test_a_position_after_a_record_without_an_id_is_good(self, bus: Bus) -> None:
        bare = Record(TOPIC, "s1", b"s1:0:", ())
        await self.publish(bus, [bare, bare, record("s1", 1)])
        cursors = Cursors()
        cursors.at[TOPIC, partition_for("s1")] = Position(2, None)
        async with reading(bus, cursors) as reader:
            await until(lambda: bool(reader.got), "the third record")
            assert [number_of(one) for one in reader.got] == [1]

    # Groups -------------------------------------------------------------------------------------------------

    async def test_members_share_the_partitions_and_take_over(self, bus: Bus) -> None:
        cursors = Cursors()
        keys = [f"s{number}" for number in range(30)]
        async with reading(bus, cursors) as stays:
            async with reading(bus, cursors) as leaves:
                both = (stays.subscription, leaves.subscription)

                def settled() -> bool:
                    return all(_holds(one, 6) for one in both)

                await until(settled, "6 and 6 partitions")
                for number in range(5):
                    await self.publish(bus, [record(key, number) for key in keys])
                await until(lambda: len(stays.got) + len(leaves.got) >= 150, "all, by either")
                assert len(stays.got) + len(leaves.got) == 150
                mine = {one.partition for one in stays.got}
                assert mine.isdisjoint({one.partition for one in leaves.got})
                assert settled()
            await until(lambda: all(stays.subscription.assigned(TOPIC, p) for p in range(PARTITIONS)), "took over")
            before = len(stays.got)
            await self.publish(bus, [record(key, 5) for key in keys])
            await until(lambda: len(stays.got) - before >= 30, "all, by the one left")
            assert len(stays.got) - before == 30

    async def test_groups_do_not_share(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", 1)])
        async with reading(bus, Cursors(), group="a") as one, reading(bus, Cursors(), group="b") as two:
            await until(lambda: len(one.got) == len(two.got) == 1, "both groups")

    async def test_nothing_comes_from_a_place_not_asked_for_while_positions_are_slow(self, bus: Bus) -> None:
        """A rebalance with a slow database: no partition is handed out before it was sought."""
        await self.publish(bus, [record(f"s{key}", number) for number in range(3) for key in range(40)])
        cursors = Cursors()
        async with reading(bus, cursors) as first:
            await until(lambda: len(first.got) == 120, "all")
        cursors.delay_s = 0.5
        ahead = {place: position.next_offset for place, position in cursors.at.items()}
        async with reading(bus, cursors, most=5) as one, reading(bus, cursors, most=5) as two:
            await self.publish(bus, [record(f"s{key}", number) for number in range(3, 6) for key in range(40)])
            await until(lambda: len({*_places(one), *_places(two)}) >= 120, "all the new ones")
            for delivery in one.got + two.got:
                assert delivery.offset >= ahead[delivery.topic, delivery.partition]
            for reader in (one, two):
                assert reader.failed is None

    # Ends ---------------------------------------------------------------------------------------------------

    async def test_close_is_bounded_and_ends_the_iteration(self, bus: Bus) -> None:
        cursors = Cursors()
        subscription = await bus.subscribe("g", [TOPIC], cursors)
        reader = Reader(subscription, cursors)
        await self.publish(bus, [record("s1", 1)])
        await until(lambda: len(reader.got) == 1, "reading")
        before = time.monotonic()
        await subscription.close()
        await subscription.close()
        assert time.monotonic() - before < 10
        await until(reader._task.done, "the iteration ends", within_s=5.0)
        assert reader.failed is None
        assert not subscription.assigned(TOPIC, partition_for("s1"))

    async def test_a_member_that_was_never_read_does_not_hold_up_a_close(self, open_bus: OpenBus) -> None:
        bus = await open_bus()
        await bus.subscribe("g", [TOPIC], Cursors())
        before = time.monotonic()
        await bus.close()
        assert time.monotonic() - before < 10


def _holds(subscription: Subscription, count: int) -> bool:
    return sum(subscription.assigned(TOPIC, partition) for partition in range(PARTITIONS)) == count


def _places(reader: Reader) -> set[tuple[int, int]]:
    return {(one.partition, one.offset) for one in reader.got}


async def _whole(bus: Bus, partition: int, *, most: int) -> AsyncIterator[Delivery]:
    offset = 0
    while run := await bus.read(TOPIC, partition, offset, most=most):
        for one in run:
            yield one
        offset = run[-1].offset + 1
