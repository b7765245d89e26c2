"""The log of the embedded mode: durable, in one SQLite file, read and written by one process.

Same partitions, positions and groups as Kafka, so that the same consumers run on both. Members of a group share the
partitions out among themselves through this object: open one `LocalBus` per file and process.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.bus import local_log
from shared.bus.holding import Held, Place, Seen
from shared.bus.member import Member
from shared.bus.outcomes import hold_back
from shared.bus.port import (
    PARTITIONS,
    TOPICS,
    BusSettings,
    BusUnavailable,
    Delivery,
    Position,
    PositionInvalid,
    PositionSource,
    PublishOutcome,
    Record,
)
from shared.telemetry import get_logger

log = get_logger(__name__)
T = TypeVar("T")

POLL_S = 0.5
"""The safety net under the wake-up: another process may have written."""
CLOSE_S = 10.0


class _Thread:
    """One thread with one connection, opened on first use."""

    def __init__(self, name: str, path: str) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T], timeout_s: float = 5.0) -> T:
        """Raises BusUnavailable; work that has begun is not stopped by the timeout, it ends on its own."""

        def call() -> T:
            if self._connection is None:
                self._connection = local_log.connect(self._path)
            return work(self._connection)

        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except (sqlite3.Error, OSError, TimeoutError, RuntimeError) as error:
            raise BusUnavailable(f"the local log {self._path} did not answer: {error!r}") from error

    async def close(self) -> None:
        def end() -> None:
            if self._connection is not None:
                self._connection.execute("PRAGMA optimize")
                self._connection.close()
                self._connection = None

        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.get_running_loop().run_in_executor(self._pool, end)
        except (sqlite3.Error, TimeoutError, RuntimeError) as error:
            log.warning("bus.close_failed", path=self._path, error_type=type(error).__name__)
        self._pool.shutdown(wait=False)


class LocalBus:
    """The port on a SQLite file at `settings.local_path`."""

    def __init__(self, settings: BusSettings, *, topics: Sequence[str] = TOPICS) -> None:
        self._settings = settings
        self._topics = tuple(topics)
        self._writer = _Thread("bus-writer", settings.local_path)
        self._reader = _Thread("bus-reader", settings.local_path)
        self._groups: dict[str, list[LocalSubscription]] = {}
        self._lock = threading.Lock()
        self._closed = False

    async def start(self) -> None:
        await self._writer.run(lambda connection: local_log.prepare(connection, self._topics))

    async def publish(self, records: Sequence[Record], *, timeout_s: float = 5.0) -> Sequence[PublishOutcome]:
        records = list(records)
        limit = self._settings.max_request_size
        try:
            outcomes = await self._writer.run(lambda c: local_log.append(c, records, limit), timeout_s)
        except BusUnavailable as error:
            return hold_back(records, [PublishOutcome(error=str(error))] * len(records))
        self._wake()
        return outcomes

    async def subscribe(
        self, group: str, topics: Sequence[str], positions: PositionSource, *, max_records: int = 100
    ) -> LocalSubscription:
        member = LocalSubscription(self, group, topics, positions, max_records)
        with self._lock:
            self._groups.setdefault(group, []).append(member)
            self._share_out(group)
        return member

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self._reader.run(lambda connection: local_log.ends(connection, topic))

    async def read_at(self, topic: str, partition: int, offset: int) -> Delivery | None:
        return await self._reader.run(lambda connection: local_log.at(connection, topic, partition, offset))

    async def read(self, topic: str, partition: int, offset: int, *, most: int = 500) -> Sequence[Delivery]:
        found = await self._reader.run(lambda c: local_log.read(c, topic, partition, offset, most))
        if found is None:
            raise PositionInvalid(topic, partition, f"the log does not reach from {offset}")
        return found

    async def healthy(self) -> bool:
        """Whether the writer's thread turns and the file answers."""
        try:
            await self._writer.run(lambda connection: connection.execute("SELECT 1 FROM topics").fetchone(), 2.0)
        except BusUnavailable:
            return False
        return not self._closed

    async def close(self) -> None:
        self._closed = True
        with self._lock:
            members = [member for group in self._groups.values() for member in group]
        for member in members:
            await member.close()
        await self._writer.close()
        await self._reader.close()

    async def runs(self, places: Mapping[Place, int], most: int) -> list[list[Delivery]]:
        return await self._reader.run(lambda connection: local_log.runs(connection, places, most))

    async def look(self, positions: Mapping[Place, Position]) -> dict[Place, Seen]:
        return await self._reader.run(lambda connection: local_log.look(connection, positions))

    def leave(self, member: LocalSubscription) -> None:
        with self._lock:
            members = self._groups.get(member.group, [])
            if member in members:
                members.remove(member)
                member.give(())
                self._share_out(member.group)

    def _share_out(self, group: str) -> None:
        """Each topic's partitions in turn to the members that want the topic; everyone starts from its positions anew."""
        members = self._groups[group]
        shares: dict[int, list[Place]] = {id(member): [] for member in members}
        for topic in sorted({topic for member in members for topic in member.topics}):
            takers = [member for member in members if topic in member.topics]
            for partition in range(PARTITIONS):
                shares[id(takers[partition % len(takers)])].append((topic, partition))
        for member in members:
            member.give(shares[id(member)])

    def _wake(self) -> None:
        with self._lock:
            members = [member for group in self._groups.values() for member in group]
        for member in members:
            member.wake()


class LocalSubscription(Member):
    """One member, living in the event loop in which it was made; `give` and `wake` may be called from any thread."""

    def __init__(
        self, bus: LocalBus, group: str, topics: Sequence[str], positions: PositionSource, max_records: int
    ) -> None:
        super().__init__(bus, group, topics, positions)
        self._local = bus
        self._max_records = max_records
        self._loop = asyncio.get_running_loop()
        self._turn = 0

    async def _look(self, positions: Mapping[Place, Position]) -> Mapping[Place, Seen]:
        return await self._local.look(positions)

    async def _poll(self, sought: Mapping[Place, Held]) -> Sequence[Sequence[Delivery]]:
        places = {place: held.next_offset or 0 for place, held in sought.items()}
        found = await self._local.runs(self._in_turn(places), self._max_records)
        self._last_activity = time.monotonic()
        if not found:
            await self._rest(POLL_S)
        return found

    async def _leave(self) -> None:
        self._local.leave(self)

    def give(self, places: Sequence[Place]) -> None:
        """Hold these from now on."""
        self.holding.assign(places)
        self.wake()

    def wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:
            log.debug("bus.loop_ended", group=self.group)

    def _in_turn(self, places: dict[Place, int]) -> dict[Place, int]:
        """Another partition first every time, so that a long backlog of one does not starve the others."""
        order = list(places.items())
        self._turn = (self._turn + 1) % max(len(order), 1)
        return dict(order[self._turn :] + order[: self._turn])
