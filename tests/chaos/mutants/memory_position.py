"""The position lives in memory and in Kafka's group commits, running ahead; nothing is paused, nothing compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from sqlalchemy import update

from shared.audit import Audit
from shared.bus import cursor, holding, kafka
from shared.bus.cursor import CursorRow
from shared.bus.holding import Place, Seen
from shared.bus.port import Position
from shared.db import Tx

COMMIT_MS = 100


def apply() -> None:
    """aiokafka commits what it has handed out; the cursor in the database is written and never asked."""
    make = kafka.AIOKafkaConsumer

    def eager(*topics: str, **options: Any) -> Any:
        if options.get("group_id"):
            options |= {
                "enable_auto_commit": True,
                "auto_commit_interval_ms": COMMIT_MS,
                "auto_offset_reset": "earliest",
            }
        return make(*topics, **options)

    kafka.AIOKafkaConsumer = eager  # type: ignore[assignment, misc]

    def keep_going(self: Any, assigned: Collection[Any]) -> None:
        self._member.holding.assign((place.topic, place.partition) for place in assigned)

    kafka._Listener.on_partitions_assigned = keep_going  # type: ignore[method-assign]

    async def trust_memory(
        self: holding.Holding,
        look: Callable[[Mapping[Place, Position]], Awaitable[Mapping[Place, Seen]]],
        go: Callable[[Place, int], None],
    ) -> None:
        for held in self._held.values():
            if held.next_offset is None:
                held.next_offset = 0

    holding.Holding.seek = trust_memory  # type: ignore[method-assign]

    def write_only(
        tx: Tx, audit: Audit, topic: str, partition: int, *, first: int, next_offset: int, last_event_id: str | None
    ) -> None:
        moving = {"next_offset": next_offset, "last_event_id": last_event_id}
        tx.execute(
            update(CursorRow)
            .where(CursorRow.topic == topic, CursorRow.partition == partition)  # type: ignore[arg-type]
            .values(**moving, proof=audit.prove(CursorRow, {"topic": topic, "partition": partition, **moving}))
        )

    cursor.advance = write_only
