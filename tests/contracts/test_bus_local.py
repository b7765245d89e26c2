"""The local log keeps the contract, and what is its own: idempotent publishing, and a file that only grows."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from shared.bus import local_log
from shared.bus.local import POLL_S, LocalBus
from shared.bus.partition import partition_for
from shared.bus.port import Bus, BusMisconfigured, BusSettings
from tests.contracts.bus import LIMIT, TOPIC, BusContract, Cursors, Reader, reading, record, until

OpenLocal = Callable[[], Coroutine[None, None, LocalBus]]


class TestLocalBus(BusContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "var" / "bus.db"

    @pytest.fixture
    def open_bus(self, path: Path) -> OpenLocal:
        async def opened() -> LocalBus:
            bus = LocalBus(BusSettings(local_path=str(path), max_request_size=LIMIT))
            await bus.start()
            return bus

        return opened

    async def test_the_same_event_is_the_same_place(self, bus: Bus) -> None:
        one = record("s1", 1, event_id="e1")
        first = await bus.publish([one, record("s1", 2), one])
        again = await bus.publish([one])
        assert first[0] == first[2] == again[0]
        assert (await bus.end_offsets(TOPIC))[partition_for("s1")] == 2

    async def test_an_event_is_never_replaced(self, bus: Bus) -> None:
        await self.publish(bus, [record("s1", 1, event_id="e1")])
        (outcome,) = await bus.publish([record("s1", 2, event_id="e1")])
        assert outcome.placed is None
        assert "other bytes" in (outcome.error or "")

    async def test_an_unknown_topic_is_refused_and_the_rest_is_placed(self, bus: Bus) -> None:
        strange, known = await bus.publish([record("s1", 1, topic="elsewhere"), record("s1", 1)])
        assert "unknown topic" in (strange.error or "")
        assert known.placed

    async def test_durable_and_only_growing(self, bus: Bus, path: Path) -> None:
        await self.publish(bus, [record("s1", 1)])
        other = local_log.connect(str(path))
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("PRAGMA synchronous").fetchone() == (2,)
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            other.execute("UPDATE records SET value = ''")
        other.close()

    async def test_a_locked_file_is_an_error_outcome_and_nothing_is_half_done(self, bus: Bus, path: Path) -> None:
        other = local_log.connect(str(path))
        other.execute("BEGIN IMMEDIATE")
        outcomes = await bus.publish([record("s1", 1), record("s1", 2)], timeout_s=0.5)
        assert [outcome.placed for outcome in outcomes] == [None, None]
        other.execute("ROLLBACK")
        other.close()
        await self.publish(bus, [record("s1", 3)])

    async def test_a_reader_in_the_same_process_does_not_wait_for_the_poll(self, bus: Bus) -> None:
        async with reading(bus, Cursors()) as reader:
            await asyncio.sleep(0.1)
            slowest = 0.0
            for number in range(5):
                before = time.monotonic()
                await self.publish(bus, [record("s1", number)])
                await until(lambda: len(reader.got) > number, "woken")  # noqa: B023
                slowest = max(slowest, time.monotonic() - before)
            assert slowest < POLL_S * 0.6

    async def test_another_process_is_heard_by_polling(self, bus: Bus, open_bus: OpenLocal) -> None:
        async with reading(bus, Cursors()) as reader:
            await asyncio.sleep(0.2)
            writer = await open_bus()
            await self.publish(writer, [record("s1", 1)])
            await writer.close()
            await until(lambda: len(reader.got) == 1, "heard", within_s=3.0)

    async def test_published_from_another_thread_and_loop(self, bus: Bus) -> None:
        reader = Reader(await bus.subscribe("g", [TOPIC], Cursors()), None)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(lambda: asyncio.run(_publish_one(bus)))
        await until(lambda: len(reader.got) == 1, "woken", within_s=3.0)
        await reader.stop()

    async def test_other_partitions_refuse_to_start(self, open_bus: OpenLocal, path: Path) -> None:
        await (await open_bus()).close()
        with sqlite3.connect(path) as other:
            other.execute("UPDATE topics SET partitions = 6")
        other.close()
        with pytest.raises(BusMisconfigured, match="6 partitions"):
            await open_bus()


async def _publish_one(bus: Bus) -> None:
    (outcome,) = await bus.publish([record("s1", 1)])
    assert outcome.placed
