"""The partitions one member holds, and how it goes to its positions: alike for every log.

A partition is *held* from its assignment; it is *sought* once its position was read from the consumer's database, checked
against the log, and gone to. Nothing of a partition may be handed out before that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.bus.port import Position, PositionInvalid, PositionSource
from shared.telemetry import get_logger

log = get_logger(__name__)

Place = tuple[str, int]
"""Topic and partition."""
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""How long to wait after each failure of a position source, or of the log; the last one repeats."""


def backoff_s(failures: int) -> float:
    return RETRY_S[min(max(failures, 1), len(RETRY_S)) - 1]


@dataclass(frozen=True)
class Seen:
    """What the log holds of a partition: first offset, next offset to come, and the id of the event before a position."""

    first: int
    end: int
    event_before: str | None = None


def check_position(topic: str, partition: int, position: Position, seen: Seen) -> None:
    """Raise PositionInvalid unless this log is the one on which the consumer stood at `position`."""
    at = position.next_offset
    if at < 0 or at > seen.end:
        raise PositionInvalid(topic, partition, f"the cursor stands at {at}, but the log ends at {seen.end}")
    if at < seen.first or at == seen.first > 0:
        raise PositionInvalid(topic, partition, f"the cursor stands at {at}, but the log begins at {seen.first}")
    if at > 0 and seen.event_before != position.last_event_id:
        found, expected = seen.event_before or "without an id", position.last_event_id or "without an id"
        raise PositionInvalid(
            topic, partition, f"the event before {at} is {found}, but the cursor has passed {expected}"
        )


@dataclass(eq=False)
class Held:
    """One partition since one assignment or reseek. It is replaced, never reset: `Holding.current` tells a stale one."""

    next_offset: int | None = None
    handled: int = 0
    failures: int = 0
    not_before: float = 0.0


class Holding:
    """What one member holds now."""

    def __init__(self, positions: PositionSource) -> None:
        self._positions = positions
        self._held: dict[Place, Held] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._held

    def assign(self, places: Iterable[Place]) -> None:
        """Hold exactly these, none of them sought."""
        self._held = {place: Held() for place in sorted(places)}

    def forget(self, place: Place | None = None) -> None:
        """Whatever was read of this partition (of all) is stale; its position will be read again."""
        for one in list(self._held) if place is None else [place]:
            if one in self._held:
                self._held[one] = Held()

    def current(self, place: Place, held: Held) -> bool:
        return self._held.get(place) is held

    def sought(self) -> dict[Place, Held]:
        return {place: held for place, held in self._held.items() if held.next_offset is not None}

    async def positions(self) -> dict[Place, int]:
        """The next offset to be handled, of every held partition; from the database where not sought yet."""
        found: dict[Place, int] = {}
        for place, held in list(self._held.items()):
            found[place] = held.handled if held.next_offset is not None else (await self._positions(*place)).next_offset
        return found

    async def seek(
        self,
        look: Callable[[Mapping[Place, Position]], Awaitable[Mapping[Place, Seen]]],
        go: Callable[[Place, int], None],
    ) -> None:
        """Bring every partition that is not sought yet to its position; raises what `look` raises, and PositionInvalid.

        A partition that was lost or sent back while we read is left alone.
        """
        now = time.monotonic()
        todo = {p: h for p, h in self._held.items() if h.next_offset is None and h.not_before <= now}
        positions = await self._read(todo)
        seen = await look(positions) if positions else {}
        invalid: PositionInvalid | None = None
        for place, position in positions.items():
            if not self.current(place, todo[place]):
                continue
            try:
                check_position(*place, position, seen[place])
            except PositionInvalid as error:
                invalid = invalid or error
                continue
            go(place, position.next_offset)
            todo[place].next_offset = todo[place].handled = position.next_offset
        if invalid is not None:
            raise invalid

    async def _read(self, todo: Mapping[Place, Held]) -> dict[Place, Position]:
        results: Sequence[Position | BaseException] = await asyncio.gather(
            *(self._positions(*place) for place in todo), return_exceptions=True
        )
        found: dict[Place, Position] = {}
        for (place, held), result in zip(todo.items(), results, strict=True):
            if isinstance(result, Position):
                found[place] = result
            elif isinstance(result, Exception):
                held.failures += 1
                held.not_before = time.monotonic() + backoff_s(held.failures)
                log.error(
                    "bus.position_unreadable",
                    topic=place[0],
                    partition=place[1],
                    attempt=held.failures,
                    error_type=type(result).__name__,
                )
            else:
                raise result
        return found
