"""What a topic must be like for the log to keep everything, in order, for ever."""

from __future__ import annotations

from collections.abc import Mapping

from shared.bus.port import PARTITIONS, BusSettings

ENVELOPE_BYTES = 65_536
"""Room for a record batch's own framing above the largest record."""


def wanted_config(settings: BusSettings) -> dict[str, str]:
    """The configuration a missing topic is made with."""
    config = {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "max.message.bytes": str(settings.max_request_size + ENVELOPE_BYTES),
    }
    if settings.replication_factor >= 3:
        config["min.insync.replicas"] = "2"
    return config


def faults(topic: str, partitions: int, config: Mapping[str, str | None], settings: BusSettings) -> list[str]:
    """What is wrong with an existing topic, and what to do, one sentence each; empty when it may be used."""
    found: list[str] = []
    if partitions != PARTITIONS:
        found.append(
            f"{topic} has {partitions} partitions and needs {PARTITIONS}: changing the count would break a child's "
            "order, so make a new topic and `tocsin republish` into it"
        )
    for name, wanted in wanted_config(settings).items():
        actual = config.get(name)
        enough = _at_least(actual, wanted) if name in ("max.message.bytes", "min.insync.replicas") else actual == wanted
        if not enough:
            found.append(f"{topic} has {name}={actual} and needs {wanted}: set it with kafka-configs --alter")
    return found


def _at_least(actual: str | None, wanted: str) -> bool:
    return actual is not None and actual.isdigit() and int(actual) >= int(wanted)
