"""Delivers events of the log again, in any order, and newer versions before older ones, as a zombie relay would."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.bus.partition import partition_for
from shared.bus.port import PARTITIONS, TOPICS
from tests.chaos.load import Load

BOUND_S = 30.0
T = TypeVar("T")


@dataclass(frozen=True)
class Raw:
    """A record as it stands on the log or in an outbox."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


async def _within(seconds: float, work: Coroutine[None, None, T]) -> T:
    async with asyncio.timeout(seconds):
        return await work


def deliver_again(bootstrap: str, rng: random.Random, most: int = 40) -> int:
    """Append records that are on the log already, old and new ones mixed; returns how many."""

    async def run() -> int:
        records = await _read(bootstrap)
        chosen = rng.sample(records, min(most, len(records)))
        await _write(bootstrap, chosen)
        return len(chosen)

    return asyncio.run(_within(BOUND_S, run()))


def deliver_backwards(bootstrap: str, dsn: str, load: Load, rng: random.Random) -> int:
    """Hold every relay of ae_intake by its own lock, let a case get versions, and put them on the log newest first.

    The relay then sends the same events again in their order. Returns how many were sent backwards.
    """
    client = load.client(77)
    with psycopg.connect(dsn, connect_timeout=5) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtextextended('relay:ae_intake', 0))")
        made = load.report(client, rng, load.child(rng))
        if made is not None:
            load.record(client, rng, made.subject_id)
            for _ in range(3):
                load.amend(client, rng, made.id)
        with psycopg.connect(dsn, connect_timeout=5) as reader:
            query = "SELECT topic, key, headers, body FROM ae_intake.outbox WHERE published_at IS NULL ORDER BY position DESC"
            rows = reader.execute(query).fetchall()
        records = [
            Raw(
                topic, key.encode(), body.encode(), tuple((name, value.encode()) for name, value in json.loads(headers))
            )
            for topic, key, headers, body in rows
        ]
        asyncio.run(_within(BOUND_S, _write(bootstrap, records)))
        holder.rollback()
    client.close()
    return len(records)


async def _read(bootstrap: str) -> list[Raw]:
    places = [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
    # Sought to its beginning instead, a partition could still be moved to its end by the first reset, and nothing was read.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[Raw] = []
        left = {place for place, end in ends.items() if end > 0}
        while left:
            for place, run in (await consumer.getmany(*left, timeout_ms=500)).items():
                found += [Raw(one.topic, one.key or b"", one.value or b"", tuple(one.headers)) for one in run]
                if run[-1].offset + 1 >= ends[place]:
                    left.discard(place)
        return found
    finally:
        await consumer.stop()


async def _write(bootstrap: str, records: Sequence[Raw]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for one in records:
            partition = partition_for(one.key.decode())
            await producer.send_and_wait(
                one.topic, one.value, key=one.key, partition=partition, headers=list(one.headers)
            )
    finally:
        await producer.stop()
