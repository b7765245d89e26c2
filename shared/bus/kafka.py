"""The log on Apache Kafka, by aiokafka; nothing else imports it.

No group commits, no transactions, no automatic offset reset: the group only shares the partitions out. Producer and
consumers are dropped and built anew whenever their state is in doubt; the outbox and the cursors know where to go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.helpers import create_ssl_context
from aiokafka.structs import ConsumerRecord

from shared.bus.bounded import started, stopped
from shared.bus.holding import Held, Place, Seen
from shared.bus.member import Member
from shared.bus.outcomes import HELD_BACK, hold_back, outcome_of, send_in_order, too_large
from shared.bus.port import (
    PARTITIONS,
    TOPICS,
    BusMisconfigured,
    BusSettings,
    BusUnavailable,
    Delivery,
    Position,
    PositionInvalid,
    PositionSource,
    PublishOutcome,
    Record,
)
from shared.bus.topics import ENVELOPE_BYTES, faults, wanted_config
from shared.telemetry import get_logger

log = get_logger(__name__)
T = TypeVar("T")

AWAY = (KafkaError, ConsumerStoppedError, OSError, TimeoutError)
ASK_S = 5.0
"""How long a question to the broker may take."""
POLL_MS = 500
REBALANCE_WAIT_S = 2.0
"""How long one poll waits for an assignment before it looks around again."""
CLOSE_S = 8.0
"""For an orderly goodbye; with the abrupt one after it a close stays under 10 s."""
READER = {"fetch_max_wait_ms": 100, "max_partition_fetch_bytes": 65_536, "fetch_max_bytes": 1_048_576}
"""One record a partition is wanted; a larger one still comes, alone."""
UNASSIGNED_SESSIONS = 3
"""Session timeouts without an assignment after which a consumer is built anew: it may have fallen out for ever."""
REBUILD_AFTER = 3
"""Failures in a row after which a consumer is built anew: a coordination task that died never comes back."""


class KafkaBus:
    """The port on the brokers of `settings.kafka_bootstrap`."""

    def __init__(self, settings: BusSettings, *, topics: Sequence[str] = TOPICS) -> None:
        self.settings = settings
        self._topics = tuple(topics)
        self._producer: AIOKafkaProducer | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._publishing, self._reading, self._verifying = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._members: set[KafkaSubscription] = set()
        self._verified = self._closed = False

    async def start(self) -> None:
        try:
            await self.verify()
        except BusUnavailable as error:
            log.warning("bus.away", step="start", detail=str(error))

    async def verify(self) -> None:
        """Once per process: the topics are as they must be. Raises BusMisconfigured, BusUnavailable."""
        async with self._verifying:
            if self._verified:
                return
            admin = AIOKafkaAdminClient(**_client(self.settings))
            try:
                async with asyncio.timeout(ASK_S * 2):
                    await admin.start()
                    await _create_missing(admin, self._topics, self.settings)
                    found = await _faults(admin, self._topics, self.settings)
            except AWAY as error:
                raise BusUnavailable(f"the broker did not describe the topics: {error!r}") from error
            finally:
                await admin.close()
            if found:
                raise BusMisconfigured("; ".join(found))
            self._verified = True

    # Publishing -------------------------------------------------------------------------------------------------

    async def publish(self, records: Sequence[Record], *, timeout_s: float = 5.0) -> Sequence[PublishOutcome]:
        """One batch at a time. Any failure of Kafka's own drops the producer: what it still holds must not come later."""
        outcomes: list[PublishOutcome | None] = [too_large(r, self.settings.max_request_size) for r in records]
        sent: dict[int, asyncio.Future[Any]] = {}
        trouble: str | None = None
        try:
            async with asyncio.timeout(timeout_s), self._publishing:
                try:
                    await self.verify()
                    producer = await self._ready_producer()
                    await send_in_order(lambda record: _send(producer, record), records, outcomes, sent)
                    if sent:
                        await asyncio.wait(sent.values())
                except BaseException:
                    trouble = "interrupted"
                    raise
                finally:
                    if trouble or any(not f.done() or f.cancelled() or f.exception() for f in sent.values()):
                        await self._drop_producer()
        except BusMisconfigured as error:
            trouble = str(error)
        except (
            Exception
        ) as error:  # whatever a producer dies of, the records stay in the outbox and the next one is new
            log.warning("bus.publish_failed", count=len(records), error_type=type(error).__name__)
            trouble = f"the broker did not take it in time: {error!r}"
        for index, future in sent.items():
            outcomes[index] = outcome_of(future, trouble)
        return hold_back(records, [outcome or PublishOutcome(error=trouble or HELD_BACK) for outcome in outcomes])

    async def _ready_producer(self) -> AIOKafkaProducer:
        if self._closed:
            raise BusUnavailable("the bus is closed")
        if self._producer is None:
            producer = AIOKafkaProducer(
                **_client(self.settings),
                acks="all",
                enable_idempotence=True,
                max_batch_size=262_144,
                max_request_size=self.settings.max_request_size + ENVELOPE_BYTES,
                request_timeout_ms=int(ASK_S * 1000),
            )
            self._producer = await started(producer)
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            # With idempotence a batch never expires: unless it is failed first, stop() waits for a dead broker.
            producer._message_accumulator.fail_all(KafkaError("the producer was dropped"))
            await stopped(producer, 1.0)

    # Reading ----------------------------------------------------------------------------------------------------

    async def subscribe(
        self, group: str, topics: Sequence[str], positions: PositionSource, *, max_records: int = 100
    ) -> KafkaSubscription:
        member = KafkaSubscription(self, group, topics, positions, max_records)
        self._members.add(member)
        return member

    async def end_offsets(self, topic: str) -> dict[int, int]:
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        ends = await self._ask(lambda reader: reader.end_offsets(places))
        return {place.partition: end for place, end in ends.items()}

    async def read_at(self, topic: str, partition: int, offset: int) -> Delivery | None:
        place = TopicPartition(topic, partition)

        async def question(reader: AIOKafkaConsumer) -> Delivery | None:
            return (await _records_at(reader, {place: offset}, await _bounds(reader, [place]))).get(place)

        return await self._ask(question)

    async def read(self, topic: str, partition: int, offset: int, *, most: int = 500) -> Sequence[Delivery]:
        place = TopicPartition(topic, partition)

        async def question(reader: AIOKafkaConsumer) -> Sequence[Delivery]:
            first, end = (await _bounds(reader, [place]))[place]
            if not first <= offset <= end:
                raise PositionInvalid(topic, partition, f"the log holds {first} to {end}, and {offset} was asked for")
            if offset == end:
                return []
            reader.assign([place])
            reader.seek(place, offset)
            while not (found := (await reader.getmany(place, timeout_ms=POLL_MS, max_records=most)).get(place)):
                pass
            return [_delivery(record) for record in found]

        return await self._ask(question)

    async def look(self, positions: Mapping[Place, Position]) -> dict[Place, Seen]:
        """What stands around each of these positions. Asked again when one lies past the end: a leader that has just
        been elected may tell too low an end for a moment."""
        for pause_s in (0.2, 1.0, 0.0):
            seen = await self._ask(lambda reader: _look(reader, positions))
            if pause_s == 0.0 or all(position.next_offset <= seen[place].end for place, position in positions.items()):
                return seen
            await asyncio.sleep(pause_s)
        raise AssertionError("the last round returns")

    async def _ask(self, question: Callable[[AIOKafkaConsumer], Awaitable[T]]) -> T:
        """Put a question to the one reader that belongs to no group. Raises BusUnavailable."""
        await self.verify()
        async with self._reading:
            if self._closed:
                raise BusUnavailable("the bus is closed")
            try:
                async with asyncio.timeout(ASK_S):
                    reader = self._reader or await started(_make_consumer(self.settings, None, **READER))
                    self._reader = reader
                    return await question(reader)
            except AWAY as error:
                reader, self._reader = self._reader, None
                if reader is not None:
                    await stopped(reader, 1.0)
                raise BusUnavailable(f"the broker did not answer: {error!r}") from error

    async def healthy(self) -> bool:
        try:
            async with asyncio.timeout(2.0):
                await self.end_offsets(self._topics[0])
        except (BusUnavailable, BusMisconfigured, TimeoutError):
            return False
        return not self._closed

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(member.close() for member in list(self._members)))
        async with self._publishing, self._reading:  # each is held for a bounded time
            producer, self._producer = self._producer, None
            reader, self._reader = self._reader, None
        await asyncio.gather(*(stopped(client, CLOSE_S / 2) for client in (producer, reader) if client is not None))

    def forget(self, member: KafkaSubscription) -> None:
        self._members.discard(member)


class KafkaSubscription(Member):
    """One member of one consumer group."""

    away = AWAY

    def __init__(
        self, bus: KafkaBus, group: str, topics: Sequence[str], positions: PositionSource, max_records: int
    ) -> None:
        super().__init__(bus, group, topics, positions)
        self.listener_failed: Exception | None = None
        self._kafka, self._max_records = bus, max_records
        self._consumer: AIOKafkaConsumer | None = None
        self._polled = 0.0

    async def _join(self) -> None:
        await self._kafka.verify()
        if self.listener_failed is not None:
            await self._part(1.0)
        if self._consumer is not None:
            return
        self.listener_failed = None
        async with asyncio.timeout(ASK_S):
            consumer = await started(
                _make_consumer(self._kafka.settings, self.group, max_poll_records=self._max_records)
            )
        if self._closing:
            await stopped(consumer, 1.0)
            raise BusUnavailable("the subscription is closed")
        self._consumer, self._polled = consumer, time.monotonic()
        consumer.subscribe(self.topics, listener=_Listener(self, consumer))

    async def _look(self, positions: Mapping[Place, Position]) -> Mapping[Place, Seen]:
        return await self._kafka.look(positions)

    def _go(self, place: Place, offset: int) -> None:
        partition = TopicPartition(*place)
        self._here().seek(partition, offset)
        self._here().resume(partition)

    async def _poll(self, sought: Mapping[Place, Held]) -> Sequence[Sequence[Delivery]]:
        """With nothing sought yet all partitions are polled, so that the group goes on; the caller drops what comes."""
        try:
            async with asyncio.timeout(REBALANCE_WAIT_S):
                got = await self._here().getmany(*(TopicPartition(*place) for place in sought), timeout_ms=POLL_MS)
        except TimeoutError:
            if time.monotonic() - self._polled > UNASSIGNED_SESSIONS * self._kafka.settings.session_timeout_ms / 1000:
                await self._part(1.0)
            return ()
        except NoOffsetForPartitionError:
            got = {}  # a partition that we have not sought yet: the group keeps no offsets
            await asyncio.sleep(0.05)
        self._polled = self._last_activity = time.monotonic()
        return [[_delivery(record) for record in run] for run in got.values()]

    async def _failed(self, failures: int) -> None:
        if failures % REBUILD_AFTER == 0:
            await self._part(1.0)

    async def _leave(self) -> None:
        self._kafka.forget(self)
        await self._part(CLOSE_S)

    def belongs(self, consumer: AIOKafkaConsumer) -> bool:
        return self._consumer is consumer

    def _here(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise BusUnavailable("the consumer has left its group")
        return self._consumer

    async def _part(self, within_s: float) -> None:
        consumer, self._consumer = self._consumer, None
        self.holding.assign(())
        if consumer is not None:
            await stopped(consumer, within_s)


class _Listener(ConsumerRebalanceListener):
    """Plain functions: heartbeats rest while a listener runs, so the positions are read by the batch loop instead."""

    def __init__(self, member: KafkaSubscription, consumer: AIOKafkaConsumer) -> None:
        self._member, self._consumer = member, consumer

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if self._member.belongs(self._consumer):
            self._member.holding.assign(())

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        try:
            self._consumer.pause(*assigned)
            if self._member.belongs(self._consumer):
                self._member.holding.assign((place.topic, place.partition) for place in assigned)
        except Exception as error:  # aiokafka would only log it
            self._member.listener_failed = error
            log.error("bus.listener_failed", group=self._member.group, error_type=type(error).__name__)


def _client(settings: BusSettings) -> dict[str, Any]:
    extra: dict[str, Any] = dict(settings.extra)
    if cafile := extra.pop("ssl_cafile", None):
        extra["ssl_context"] = create_ssl_context(cafile=cafile)
    return {"bootstrap_servers": settings.kafka_bootstrap, "client_id": settings.client_id, **extra}


def _make_consumer(settings: BusSettings, group: str | None, **more: int) -> AIOKafkaConsumer:
    options: dict[str, Any] = {
        "session_timeout_ms": settings.session_timeout_ms,
        "heartbeat_interval_ms": settings.heartbeat_interval_ms,
        "max_partition_fetch_bytes": settings.max_request_size + ENVELOPE_BYTES,
        "fetch_max_bytes": 4 * (settings.max_request_size + ENVELOPE_BYTES),
        **more,
    }
    return AIOKafkaConsumer(
        group_id=group, enable_auto_commit=False, auto_offset_reset="none", **_client(settings), **options
    )


async def _send(producer: AIOKafkaProducer, record: Record) -> asyncio.Future[Any]:
    return await producer.send(record.topic, record.value, record.key.encode(), headers=list(record.headers))


def _delivery(record: ConsumerRecord[bytes | None, bytes | None]) -> Delivery:
    return Delivery(
        record.topic,
        record.partition,
        record.offset,
        (record.key or b"").decode("utf-8", "replace"),
        record.value or b"",
        tuple((name, value or b"") for name, value in record.headers),
    )


async def _bounds(reader: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
    first = await reader.beginning_offsets(places)
    end = await reader.end_offsets(places)
    return {place: (first[place], end[place]) for place in places}


async def _records_at(
    reader: AIOKafkaConsumer, wanted: Mapping[TopicPartition, int], bounds: Mapping[TopicPartition, tuple[int, int]]
) -> dict[TopicPartition, Delivery]:
    """The record at one offset of each partition, where the log holds it."""
    inside = {place: offset for place, offset in wanted.items() if bounds[place][0] <= offset < bounds[place][1]}
    found: dict[TopicPartition, Delivery] = {}
    if inside:
        reader.assign(list(inside))
    for place, offset in inside.items():
        reader.seek(place, offset)
    while left := inside.keys() - found.keys():
        for place, run in (await reader.getmany(*left, timeout_ms=POLL_MS, max_records=1)).items():
            found[place] = _delivery(run[0])
            reader.pause(place)
    return {place: delivery for place, delivery in found.items() if delivery.offset == inside[place]}


async def _look(reader: AIOKafkaConsumer, positions: Mapping[Place, Position]) -> dict[Place, Seen]:
    places = {place: TopicPartition(*place) for place in positions}
    bounds = await _bounds(reader, list(places.values()))
    wanted = {places[place]: position.next_offset - 1 for place, position in positions.items()}
    before = await _records_at(reader, wanted, bounds)
    return {
        place: Seen(*bounds[tp], event_before=before[tp].event_id if tp in before else None)
        for place, tp in places.items()
    }


async def _create_missing(admin: AIOKafkaAdminClient, topics: Sequence[str], settings: BusSettings) -> None:
    there = await admin.list_topics()
    config, copies = wanted_config(settings), settings.replication_factor
    missing = [NewTopic(name, PARTITIONS, copies, topic_configs=config) for name in topics if name not in there]
    answer: Any = await admin.create_topics(missing) if missing else None
    for name, code, *more in answer.topic_errors if answer else ():
        error = for_code(code)
        if error is TopicAlreadyExistsError or code == 0:
            continue  # another process was faster, or it is made
        if error.retriable:
            raise error(name)
        raise BusMisconfigured(f"{name} is missing and could not be made: {error.__name__} {more}; make it by hand")


async def _faults(admin: AIOKafkaAdminClient, topics: Sequence[str], settings: BusSettings) -> list[str]:
    while True:
        described = await admin.describe_topics(list(topics))
        if all(topic["error_code"] == 0 and topic["partitions"] for topic in described):
            break
        await asyncio.sleep(0.1)  # just made; not every broker knows it yet
    counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    found: list[str] = []
    answers: list[Any] = await admin.describe_configs(wanted)
    for answer in answers:
        for code, _, _, name, entries, *_ in answer.resources:
            if code:
                raise for_code(code)(name)
            found += faults(name, counts[name], {entry[0]: entry[1] for entry in entries}, settings)
    return found
