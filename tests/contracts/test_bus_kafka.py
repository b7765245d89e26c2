"""Apache Kafka keeps the contract, and what is its own: topics as they must be, no trust in the group, a broker that goes away."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete

from shared.bus.kafka import KafkaBus, KafkaSubscription
from shared.bus.partition import partition_for
from shared.bus.port import PARTITIONS, BusMisconfigured, BusSettings, PositionInvalid
from tests.contracts.bus import LIMIT, TOPIC, BusContract, Cursors, Reader, number_of, reading, record, until

pytestmark = pytest.mark.live
OpenKafka = Callable[[], Coroutine[None, None, KafkaBus]]
NOWHERE = "127.0.0.1:1"


def settings(bootstrap: str) -> BusSettings:
    return BusSettings(
        kafka_bootstrap=bootstrap, session_timeout_ms=3_000, heartbeat_interval_ms=300, max_request_size=LIMIT
    )


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


class TestKafkaBus(BusContract):
    @pytest.fixture
    def open_bus(self, kafka_bootstrap: str) -> OpenKafka:
        async def opened() -> KafkaBus:
            bus = KafkaBus(settings(kafka_bootstrap))
            await bus.start()
            return bus

        return opened

    # Topics -------------------------------------------------------------------------------------------------

    async def test_topics_are_made_to_be_kept(self, bus: KafkaBus, kafka_bootstrap: str) -> None:
        second = KafkaBus(settings(kafka_bootstrap))
        await second.start()
        await second.close()
        assert len(await bus.end_offsets(TOPIC)) == PARTITIONS

    @pytest.mark.parametrize(
        ("partitions", "config", "remedy"),
        [
            (6, {"retention.ms": "-1"}, "republish"),
            (12, {"retention.ms": "604800000"}, "set it with kafka-configs"),
            (12, {"retention.ms": "-1", "cleanup.policy": "compact"}, "set it with kafka-configs"),
            (12, {"retention.ms": "-1", "retention.bytes": "1000"}, "set it with kafka-configs"),
        ],
    )
    async def test_a_topic_that_would_forget_or_reorder_is_refused(
        self, kafka_bootstrap: str, partitions: int, config: dict[str, str], remedy: str
    ) -> None:
        async with admin_of(kafka_bootstrap) as admin:
            await admin.create_topics([NewTopic(TOPIC, partitions, 1, topic_configs=config)])
        bus = KafkaBus(settings(kafka_bootstrap))
        with pytest.raises(BusMisconfigured, match=remedy):
            await bus.start()
        (outcome,) = await bus.publish([record("s1", 1)])
        assert remedy in (outcome.error or "")
        assert not await bus.healthy()
        await bus.close()

    # The group is not trusted -------------------------------------------------------------------------------

    async def test_a_foreign_group_commit_moves_nothing(self, bus: KafkaBus, kafka_bootstrap: str) -> None:
        """Somebody's tool committed offsets for our group: both ahead of and behind the database."""
        await self.publish(bus, [record("s1", number, event_id=f"e{number}") for number in range(6)])
        place = TopicPartition(TOPIC, partition_for("s1"))
        tool = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id="g", enable_auto_commit=False)
        await tool.start()
        tool.assign([place])
        await tool.commit({place: 5})
        await tool.stop()
        cursors = Cursors()
        cursors.delay_s = 0.5
        async with reading(bus, cursors) as reader:
            await until(lambda: len(reader.got) == 6, "all six")
            assert [number_of(one) for one in reader.got] == [0, 1, 2, 3, 4, 5]

    async def test_nothing_is_committed_to_the_group(self, bus: KafkaBus, kafka_bootstrap: str) -> None:
        await self.publish(bus, [record("s1", 1)])
        async with reading(bus, Cursors()) as reader:
            await until(lambda: len(reader.got) == 1, "one")
        async with admin_of(kafka_bootstrap) as admin:
            offsets = await admin.list_consumer_group_offsets("g")
        assert all(offset.offset == -1 for offset in offsets.values())

    async def test_a_member_that_vanishes_is_replaced(self, bus: KafkaBus, open_bus: OpenKafka) -> None:
        """Without a goodbye: the group waits a session timeout, then its partitions go on from the database."""
        other = await open_bus()
        cursors = Cursors()
        vanishing = Reader(await other.subscribe("g", [TOPIC], cursors), None)
        async with reading(bus, cursors) as stays:
            await until(
                lambda: stays.subscription.assigned(TOPIC, 0) != stays.subscription.assigned(TOPIC, 1), "shared"
            )
            await self.publish(bus, [record(f"s{key}", 0) for key in range(30)])
            await until(lambda: len(stays.got) + len(vanishing.got) >= 30, "all, by either")
            member = vanishing.subscription
            assert isinstance(member, KafkaSubscription)
            assert member._consumer is not None
            vanishing._task.cancel()
            coordinator: Any = member._consumer._coordinator
            coordinator._coordination_task.cancel()
            coordinator._heartbeat_task.cancel()
            await until(lambda: len({(d.partition, d.offset) for d in stays.got}) == 30, "all, by the one left")
        await other.close()

    async def test_a_listener_that_fails_is_heard(self, bus: KafkaBus) -> None:
        cursors = Cursors()
        subscription = await bus.subscribe("g", [TOPIC], cursors)
        real, failures = subscription.holding.assign, [RuntimeError("on purpose")]

        def assign(places: object) -> None:
            if places and failures:
                raise failures.pop()
            real(places)  # type: ignore[arg-type]

        subscription.holding.assign = assign  # type: ignore[method-assign]
        reader = Reader(subscription, cursors)
        await self.publish(bus, [record("s1", 1)])
        await until(lambda: len(reader.got) == 1, "after the member joined anew")
        assert failures == []
        await reader.stop()

    async def test_a_log_that_lost_its_beginning_stops(self, bus: KafkaBus, kafka_bootstrap: str) -> None:
        await self.publish(bus, [record("s1", number) for number in range(4)])
        place = TopicPartition(TOPIC, partition_for("s1"))
        async with admin_of(kafka_bootstrap) as admin:
            await admin.delete_records({place: RecordsToDelete(before_offset=3)})
        async with reading(bus, Cursors()) as reader:
            await until(lambda: reader.failed is not None, "PositionInvalid")
            assert isinstance(reader.failed, PositionInvalid)
            assert "begins at 3" in reader.failed.detail
            assert reader.got == []

    # Producing ----------------------------------------------------------------------------------------------

    async def test_the_partition_of_a_key_is_the_clients_own(self, bus: KafkaBus, kafka_bootstrap: str) -> None:
        """A tool that publishes by Kafka's default rule puts a child where we do."""
        keys = ["s1", "VN-VINMEC-0007", "trẻ em", "a", ""]
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        await producer.start()
        placed = [await producer.send_and_wait(TOPIC, b"x", key.encode()) for key in keys]
        await producer.stop()
        assert [one.partition for one in placed] == [partition_for(key) for key in keys]

    async def test_a_fatal_producer_error_builds_a_new_one(self, bus: KafkaBus) -> None:
        await self.publish(bus, [record("s1", 1)])
        broken = bus._producer
        assert broken is not None
        broken._message_accumulator.fail_all(RuntimeError("out of order sequence"))
        outcomes = await bus.publish([record("s1", 2), record("s1", 3)])
        assert [outcome.placed for outcome in outcomes] == [None, None]
        await self.publish(bus, [record("s1", 2), record("s1", 3)])
        assert bus._producer is not broken

    async def test_many_records_at_once_keep_their_order(self, bus: KafkaBus) -> None:
        await self.publish(bus, [record(f"s{n % 7}", n, size=3_000) for n in range(700)])
        async with reading(bus, Cursors()) as reader:
            await until(lambda: len(reader.got) >= 700, "all")
        by_key: dict[str, list[int]] = defaultdict(list)
        for one in reader.got:
            by_key[one.key].append(number_of(one))
        assert all(numbers == sorted(numbers) for numbers in by_key.values())


class TestBrokerAway:
    """No broker at all: nothing hangs, nothing raises, and what waits goes on by itself."""

    async def test_publish_and_health_answer_in_time(self) -> None:
        bus = KafkaBus(settings(NOWHERE))
        await bus.start()
        before = time.monotonic()
        outcomes = await bus.publish([record("s1", 1), record("s2", 1)], timeout_s=1.0)
        assert time.monotonic() - before < 4
        assert all(outcome.placed is None and outcome.error for outcome in outcomes)
        assert not await bus.healthy()
        await bus.close()

    async def test_a_reader_waits_and_can_be_closed(self) -> None:
        bus = KafkaBus(settings(NOWHERE))
        reader = Reader(await bus.subscribe("g", [TOPIC], Cursors()), None)
        await asyncio.sleep(1.5)
        assert reader.failed is None
        assert time.monotonic() - reader.subscription.last_activity() < 2
        before = time.monotonic()
        await bus.close()
        assert time.monotonic() - before < 10
        await reader.stop()
