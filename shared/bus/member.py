"""One member of one group, alike for every log: go to the positions, poll, hand out runs, wait for what is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from shared.bus.holding import Held, Holding, Place, Seen, backoff_s
from shared.bus.port import Bus, BusUnavailable, Delivery, Lag, Position, PositionSource
from shared.telemetry import get_logger

log = get_logger(__name__)


class Member:
    """The `Subscription` port, less the log. `away` are the log's own errors, which are waited out like BusUnavailable."""

    away: tuple[type[Exception], ...] = ()

    def __init__(self, bus: Bus, group: str, topics: Sequence[str], positions: PositionSource) -> None:
        self.group, self.topics = group, tuple(topics)
        self.holding = Holding(positions)
        self._bus = bus
        self._woken = asyncio.Event()
        self._closing = False
        self._last_activity = time.monotonic()

    # What a log provides ----------------------------------------------------------------------------------------

    async def _join(self) -> None:
        """Be a member of the group, as far as that needs doing."""

    async def _look(self, positions: Mapping[Place, Position]) -> Mapping[Place, Seen]:
        raise NotImplementedError

    def _go(self, place: Place, offset: int) -> None:
        """Let the next poll of this partition begin here."""

    async def _poll(self, sought: Mapping[Place, Held]) -> Sequence[Sequence[Delivery]]:
        """Runs of consecutive records, waiting a little for the first one. What is not in `sought` is dropped."""
        raise NotImplementedError

    async def _failed(self, failures: int) -> None:
        """The log failed so many times in a row."""

    async def _leave(self) -> None:
        raise NotImplementedError

    # The port ---------------------------------------------------------------------------------------------------

    async def batches(self) -> AsyncIterator[Sequence[Delivery]]:
        self.holding.forget()  # what an earlier iteration fetched and did not yield must be fetched again
        failures = 0
        while not self._closing:
            self._woken.clear()
            try:
                await self._join()
                await self.holding.seek(self._look, self._go)
                sought = self.holding.sought()
                found = await self._poll(sought)
                failures = 0
            except (BusUnavailable, *self.away) as error:
                failures += 1
                self._last_activity = time.monotonic()  # the loop turns; that the log is away is no reason to end
                log.warning("bus.away", group=self.group, attempt=failures, detail=repr(error))
                self.holding.forget()  # out of range, corrupt: go by the database and check the log again
                await self._failed(failures)
                await self._rest(backoff_s(failures))
                continue
            for run in found:
                place = (run[0].topic, run[0].partition)
                held = sought.get(place)
                if held is None or self._closing or not self.holding.current(place, held):
                    continue
                held.next_offset = run[-1].offset + 1
                yield run
                held.handled = held.next_offset

    def assigned(self, topic: str, partition: int) -> bool:
        return (topic, partition) in self.holding

    async def reseek(self, topic: str, partition: int) -> None:
        self.holding.forget((topic, partition))

    async def lags(self) -> Sequence[Lag]:
        ends = {topic: await self._bus.end_offsets(topic) for topic in self.topics}
        return [Lag(t, p, position, ends[t][p]) for (t, p), position in (await self.holding.positions()).items()]

    def last_activity(self) -> float:
        return self._last_activity

    async def close(self) -> None:
        self._closing = True
        self._woken.set()
        await self._leave()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
