"""What both logs decide alike about a batch being published."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from shared.bus.port import Placed, PublishOutcome, Record

HELD_BACK = "held back: an earlier record of the same key was not placed"


def too_large(record: Record, limit: int) -> PublishOutcome | None:
    """The refusal of an oversized record, or None. It can never succeed, so it is refused before anything is sent."""
    if record.size <= limit:
        return None
    return PublishOutcome(error=f"too large: {record.size} bytes, the log takes {limit}; shorten or split the document")


def hold_back(records: Sequence[Record], outcomes: Sequence[PublishOutcome]) -> list[PublishOutcome]:
    """The prefix rule: after the first failure of a key nothing of that key counts as placed, even if the log took it.

    The publisher sends those again, in order; readers drop what they have seen.
    """
    failed: set[tuple[str, str]] = set()
    ruled: list[PublishOutcome] = []
    for record, outcome in zip(records, outcomes, strict=True):
        key = (record.topic, record.key)
        if outcome.placed is None:
            failed.add(key)
        ruled.append(PublishOutcome(error=HELD_BACK) if key in failed and outcome.placed is not None else outcome)
    return ruled


class Acknowledged(Protocol):
    """What a broker says of a record it took."""

    topic: str
    partition: int
    offset: int


async def send_in_order(
    send: Callable[[Record], Awaitable[asyncio.Future[Acknowledged]]],
    records: Sequence[Record],
    outcomes: list[PublishOutcome | None],
    sent: dict[int, asyncio.Future[Acknowledged]],
) -> None:
    """Issue every send in the order given, into `sent`; a key with a refused record gets nothing after it."""
    failed: set[tuple[str, str]] = set()
    for index, record in enumerate(records):
        key = (record.topic, record.key)
        if outcomes[index] is not None or key in failed:
            failed.add(key)
            outcomes[index] = outcomes[index] or PublishOutcome(error=HELD_BACK)
        else:
            sent[index] = await send(record)


def outcome_of(future: asyncio.Future[Acknowledged], trouble: str | None) -> PublishOutcome:
    """What became of one send; only a place that the broker named counts."""
    if not future.done() or future.cancelled():
        return PublishOutcome(error=trouble or "the broker did not take it in time")
    if error := future.exception():
        return PublishOutcome(error=f"{trouble or 'the broker refused it'}: {error!r}")
    taken = future.result()
    if taken.offset < 0:  # a repeat whose place the broker no longer knows; sent again, readers drop one
        return PublishOutcome(error="the broker took it but does not know where; it must be sent again")
    return PublishOutcome(placed=Placed(taken.topic, taken.partition, taken.offset))
