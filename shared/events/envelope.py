"""A CloudEvent of ours: attributes as `ce_*` headers, canonical JSON as the body (Kafka protocol binding, binary mode).

`id` UUIDv7, `source` = owning service, `type` = tocsin.<noun>.<past>.v<n>, `subject` = aggregate (`case/…`),
`sequence` = version zero-padded; extensions `trialid`, `serious`, `traceparent`, `partitionkey`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.bus.port import Delivery

SEQUENCE_DIGITS = 10


@dataclass(frozen=True)
class Event:
    """`data` is the parsed body (plain JSON), `body` the bytes it came from."""

    id: str
    source: str
    type: str
    aggregate: str
    version: int
    trial_id: str
    partition_key: str
    serious: bool
    time: datetime
    body: bytes
    data: dict[str, Any]
    traceparent: str | None = None

    @property
    def subject_id(self) -> str | None:
        """The child this is about, or None for an event keyed by the trial."""
        value = self.data.get("subject_id")
        return value if isinstance(value, str) else None


class Undecodable(Exception):
    """The record is not an event of ours; the message says which attribute, without its value."""


def headers_of(
    *,
    id: str,
    source: str,
    type: str,
    aggregate: str,
    version: int,
    trial_id: str,
    partition_key: str,
    serious: bool,
    time: datetime,
    traceparent: str | None,
) -> tuple[tuple[str, bytes], ...]:
    """The binary-mode headers in a fixed order, so that the stored bytes are the sent bytes."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": id,
        "ce_source": source,
        "ce_type": type,
        "ce_subject": aggregate,
        "ce_sequence": str(version).zfill(SEQUENCE_DIGITS),
        "ce_time": time.isoformat().replace("+00:00", "Z"),
        "ce_trialid": trial_id,
        "ce_partitionkey": partition_key,
        "ce_serious": "true" if serious else "false",
        "content-type": "application/json",
    }
    if traceparent:
        attributes["ce_traceparent"] = traceparent
    return tuple((name, value.encode()) for name, value in attributes.items())


def decode(delivery: Delivery) -> Event:
    """Read the envelope of a delivery; raises Undecodable with the attribute that is wrong."""
    import json

    def need(name: str) -> str:
        value = delivery.header(name)
        if not value:
            raise Undecodable(f"header {name} is missing")
        return value

    try:
        version = int(need("ce_sequence"))
    except ValueError:
        raise Undecodable("header ce_sequence is not a number") from None
    try:
        time = datetime.fromisoformat(need("ce_time").replace("Z", "+00:00"))
    except ValueError:
        raise Undecodable("header ce_time is not a time") from None
    if time.tzinfo is None:
        raise Undecodable("header ce_time has no zone")
    try:
        data = json.loads(delivery.value)
    except (ValueError, RecursionError):
        raise Undecodable("the body is not JSON") from None
    if not isinstance(data, dict):
        raise Undecodable("the body is not a JSON object")
    return Event(
        id=need("ce_id"),
        source=need("ce_source"),
        type=need("ce_type"),
        aggregate=need("ce_subject"),
        version=version,
        trial_id=need("ce_trialid"),
        partition_key=need("ce_partitionkey"),
        serious=delivery.header("ce_serious") == "true",
        time=time,
        body=delivery.value,
        data=data,
        traceparent=delivery.header("ce_traceparent"),
    )
