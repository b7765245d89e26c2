"""The log as services see it: append, and read your partitions from positions that *you* keep.

Two adapters behave alike (one contract suite): `local.LocalBus`, a durable SQLite log for one process, and `kafka.KafkaBus`.
The log keeps no consumer offsets. A consumer's position lives in the consumer's own database (`shared.bus.cursor`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

SAFETY_TOPIC = "tocsin.safety"
ALLOCATION_TOPIC = "tocsin.allocation"
TOPICS = (SAFETY_TOPIC, ALLOCATION_TOPIC)
PARTITIONS = 12
"""Never changed in place: the key's partition would move and a child's order would break."""


@dataclass(frozen=True)
class Record:
    """What the relay hands over: stored bytes, never re-serialised. `headers` are the `ce_*` attributes and `serious`."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def event_id(self) -> str | None:
        """The last `ce_id` header, or None."""
        return _last_header(self.headers, "ce_id")

    @property
    def size(self) -> int:
        """Bytes of key, value and headers: what `BusSettings.max_request_size` bounds, alike on every adapter."""
        return len(self.key.encode()) + len(self.value) + sum(len(n.encode()) + len(v) for n, v in self.headers)


@dataclass(frozen=True)
class Placed:
    """Where the log put a record."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Delivery:
    """A record read back, with its place."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()

    def header(self, name: str) -> str | None:
        """The last header of that name as text, or None (undecodable bytes read as replacement characters)."""
        return _last_header(self.headers, name)

    @property
    def event_id(self) -> str | None:
        """What a cursor that has passed this record must carry as `last_event_id` (None for a record without `ce_id`)."""
        return _last_header(self.headers, "ce_id")


def _last_header(headers: Sequence[tuple[str, bytes]], name: str) -> str | None:
    return next((value.decode("utf-8", "replace") for key, value in reversed(headers) if key == name), None)


@dataclass(frozen=True)
class Position:
    """Where a consumer wants to go on: the next offset, and the id (`ce_id`) of the event just before it (None at 0)."""

    next_offset: int
    last_event_id: str | None = None


@dataclass(frozen=True)
class Lag:
    """How far behind: `end` is the next offset the log will give, `position` the consumer's."""

    topic: str
    partition: int
    position: int
    end: int


class BusUnavailable(Exception):
    """The log did not take or give the records in time; nothing can be assumed about the ones not acknowledged."""


class BusMisconfigured(Exception):
    """A topic exists with settings under which the log would forget or reorder; the text says what to change."""


class PositionInvalid(Exception):
    """The cursor is out of range, or another event stands before it: the log is not the one this consumer read. Never reset."""

    def __init__(self, topic: str, partition: int, detail: str) -> None:
        super().__init__(f"{topic}[{partition}]: {detail}")
        self.topic, self.partition, self.detail = topic, partition, detail


@dataclass(frozen=True)
class PublishOutcome:
    """One per record, in the order given: where it was placed, or why not."""

    placed: Placed | None = None
    error: str | None = None


PositionSource = Callable[[str, int], Awaitable[Position]]
"""Reads a position from the consumer's database: `await positions(topic, partition)`."""


class Subscription(Protocol):
    """One member of one group. Partitions are shared out among living members; each is read from the member's database."""

    def batches(self) -> AsyncIterator[Sequence[Delivery]]:
        """Yield non-empty runs of consecutive records of one partition, for ever, until `close`.

        The next run of a partition is only yielded after control has come back; a run of a partition that was revoked
        meanwhile is not yielded. Every call begins anew at the database's positions, so it may be called again after an
        error. A PositionSource that fails is asked again with backoff, and a log that is away is waited for: both are
        logged, neither ends the loop. Raises PositionInvalid when a position cannot be trusted (the other partitions'
        positions stay good), BusMisconfigured when a topic is not as `Bus.start` needs it.
        """
        ...

    def assigned(self, topic: str, partition: int) -> bool: ...

    async def reseek(self, topic: str, partition: int) -> None:
        """Before the next run of this partition, re-read its position and go there (a no-op when it is no longer ours)."""
        ...

    async def lags(self) -> Sequence[Lag]:
        """For every assigned partition. Raises BusUnavailable when the log's ends cannot be read."""
        ...

    def last_activity(self) -> float:
        """`time.monotonic()` of the last poll that returned; the watchdog reads it."""
        ...

    async def close(self) -> None:
        """Stop within 10 s, whatever the broker does."""
        ...


class Bus(Protocol):
    """The whole port."""

    async def start(self) -> None:
        """Connect; verify the topics (12 partitions, kept for ever, never compacted), creating them only if missing.

        Raises BusMisconfigured. A log that is away is no error here, so that a report can still be taken in: the
        topics are then verified before the first use.
        """
        ...

    async def publish(self, records: Sequence[Record], *, timeout_s: float = 5.0) -> Sequence[PublishOutcome]:
        """Append in order; an outcome with `placed` is durable. Later records of a key whose earlier one failed are failed too.

        Never raises for a log that is away or a record that is refused. A repeated event id is the same place on the
        local log and may be a second record on Kafka.
        """
        ...

    async def subscribe(
        self, group: str, topics: Sequence[str], positions: PositionSource, *, max_records: int = 100
    ) -> Subscription: ...

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """The next offset of every partition of a topic. Raises BusUnavailable."""
        ...

    async def read_at(self, topic: str, partition: int, offset: int) -> Delivery | None:
        """The record at that offset, or None when the log does not hold it. Raises BusUnavailable."""
        ...

    async def read(self, topic: str, partition: int, offset: int, *, most: int = 500) -> Sequence[Delivery]:
        """Consecutive records from that offset on, belonging to no group; empty at the end of the log.

        Raises PositionInvalid when the log begins later or ends earlier, BusUnavailable.
        """
        ...

    async def healthy(self) -> bool: ...

    async def close(self) -> None: ...


@dataclass
class BusSettings:
    """What an adapter needs to know; `kafka_bootstrap` empty means the local log at `local_path`.

    `max_request_size` bounds `Record.size` in bytes. `extra` carries Kafka's security settings by aiokafka's names
    (`security_protocol`, `sasl_mechanism`, `sasl_plain_username`, `sasl_plain_password`) and `ssl_cafile`.
    """

    local_path: str = "var/bus.db"
    kafka_bootstrap: str = ""
    client_id: str = "tocsin"
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 1_000
    replication_factor: int = 1
    max_request_size: int = 4_000_000
    extra: dict[str, str] = field(default_factory=dict)
