"""A log in memory with the positions of the real ones, and hands to spoil what it delivers. It outlives a crash of its users."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

from shared.bus.holding import Seen, check_position
from shared.bus.partition import partition_for
from shared.bus.port import (
    PARTITIONS,
    BusUnavailable,
    Delivery,
    Lag,
    Placed,
    PositionInvalid,
    PositionSource,
    PublishOutcome,
    Record,
)

Scramble = Callable[[list[Record]], list[Record]]


class MemoryLog:
    """`scramble` reorders one published batch; `away` takes nothing. A repeated event id is a second record, as on Kafka."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], list[Delivery]] = defaultdict(list)
        self.scramble: Scramble | None = None
        self.away = False

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def healthy(self) -> bool:
        return not self.away

    async def publish(self, records: Sequence[Record], *, timeout_s: float = 5.0) -> Sequence[PublishOutcome]:
        if self.away:
            return [PublishOutcome(error="away")] * len(records)
        order = list(records)
        if self.scramble is not None:
            order, self.scramble = self.scramble(order), None
        placed = {id(record): self.append(record) for record in order}
        return [PublishOutcome(placed=placed[id(record)]) for record in records]

    def append(self, record: Record) -> Placed:
        """Place one record as it is, whatever was there before."""
        partition = partition_for(record.key)
        there = self.partitions[record.topic, partition]
        there.append(Delivery(record.topic, partition, len(there), record.key, record.value, record.headers))
        return Placed(record.topic, partition, len(there) - 1)

    def repeat(self, delivery: Delivery) -> Placed:
        """The same bytes once more, later: what a leader that slept does when it wakes."""
        return self.append(Record(delivery.topic, delivery.key, delivery.value, delivery.headers))

    def all(self) -> list[Delivery]:
        return [delivery for place in sorted(self.partitions) for delivery in self.partitions[place]]

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return {partition: len(self.partitions[topic, partition]) for partition in range(PARTITIONS)}

    async def read_at(self, topic: str, partition: int, offset: int) -> Delivery | None:
        there = self.partitions[topic, partition]
        return there[offset] if offset < len(there) else None

    async def read(self, topic: str, partition: int, offset: int, *, most: int = 500) -> Sequence[Delivery]:
        there = self.partitions[topic, partition]
        if offset > len(there):
            raise PositionInvalid(topic, partition, f"the log ends at {len(there)}")
        return there[offset : offset + most]

    async def subscribe(
        self, group: str, topics: Sequence[str], positions: PositionSource, *, max_records: int = 100
    ) -> Quiet:
        if self.away:
            raise BusUnavailable("away")
        return Quiet(self, topics, positions, max_records)


class Quiet:
    """Reads until nothing more is there, then sets `stop` and ends: a worker's real loop becomes one finite pass."""

    stop: asyncio.Event | None = None

    def __init__(self, log: MemoryLog, topics: Sequence[str], positions: PositionSource, most: int) -> None:
        self._log, self._topics, self._positions, self._most = log, topics, positions, most
        self._activity = time.monotonic()
        self._at: dict[tuple[str, int], int] = {}

    async def batches(self) -> AsyncIterator[Sequence[Delivery]]:
        moved = True
        while moved:
            moved = False
            for place, there in sorted(self._log.partitions.items()):
                if place[0] not in self._topics:
                    continue
                if place not in self._at:  # as on assignment and after a reseek; otherwise a log just reads on
                    position = await self._positions(*place)
                    before = (
                        there[position.next_offset - 1].event_id if 0 < position.next_offset <= len(there) else None
                    )
                    check_position(*place, position, Seen(0, len(there), before))
                    self._at[place] = position.next_offset
                run = there[self._at[place] :][: self._most]
                if run:
                    moved = True
                    self._at[place] += len(run)
                    yield run
        if self.stop is not None:
            self.stop.set()

    def assigned(self, topic: str, partition: int) -> bool:
        return topic in self._topics

    async def reseek(self, topic: str, partition: int) -> None:
        """The next run begins at the database's position."""
        self._at.pop((topic, partition), None)

    async def lags(self) -> Sequence[Lag]:
        return []

    def last_activity(self) -> float:
        return self._activity

    async def close(self) -> None: ...
