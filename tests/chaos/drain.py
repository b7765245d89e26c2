"""Waits, within a bound, until everything has come to rest: outboxes empty, consumers at the end, due calls made."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from tests.chaos.cluster import Cluster
from tests.chaos.probe import fetch

_LINE = re.compile(r"^(?P<name>tocsin_\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
PARTITIONS = 12
GAUGES_EVERY_S = 5.0
"""How often the services renew these numbers."""


@dataclass(frozen=True)
class Reading:
    """One look at all instances; `waiting` says in words what is not at rest."""

    waiting: tuple[str, ...]
    parked: dict[str, int]
    behind: int = 0
    """Events that some consumer has not handled yet."""


def drain(cluster: Cluster, *, within_s: float) -> tuple[str, dict[str, int]]:
    """(why it did not come to rest or nothing, parked events by service). At rest means so for two renewals in a row."""
    deadline = time.monotonic() + within_s
    rested: float | None = None
    reading = Reading(("nothing was read",), {})
    while time.monotonic() < deadline:
        reading = read(cluster)
        if reading.waiting:
            rested = None
        elif rested is None:
            rested = time.monotonic()
        elif time.monotonic() - rested > 2 * GAUGES_EVERY_S + 1:
            return "", reading.parked
        time.sleep(1.0)
    return f"not at rest after {within_s:.0f} s: {'; '.join(reading.waiting[:6])}", reading.parked


def read(cluster: Cluster) -> Reading:
    """A partition is at rest when an instance says so: one that lost it may show an old number for ever."""
    waiting: list[str] = []
    parked: dict[str, int] = {}
    total = 0
    for service in cluster.services:
        least: dict[str, float] = {}
        for instance in cluster.of(service):
            numbers = _numbers(instance.port, service)
            if numbers is None:
                waiting.append(f"{instance.name} does not answer")
                continue
            for (name, labels), value in numbers.items():
                if labels.get("service") != service:
                    continue
                if name == "tocsin_outbox_unpublished" and value > 0:
                    waiting.append(f"{service}: {value:.0f} in the outbox")
                elif name == "tocsin_parked_open":
                    parked[service] = max(parked.get(service, 0), int(value))
                elif name == "tocsin_consumer_lag":
                    place = f"{labels['topic']}[{labels['partition']}]"
                    least[place] = min(value, least.get(place, value))
        behind = {place: lag for place, lag in least.items() if lag > 0}
        total += int(sum(behind.values()))
        if behind:
            waiting.append(f"{service}: behind by {sum(behind.values()):.0f} in {len(behind)} partitions")
        if len(least) < PARTITIONS:
            waiting.append(f"{service}: {len(least)} of {PARTITIONS} partitions are read")
    return Reading(tuple(waiting), parked, total)


class _Labels(dict[str, str]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def _numbers(port: int, service: str) -> dict[tuple[str, _Labels], float] | None:
    for path in (f"/ops/{service}/metrics", "/metrics"):
        answer = fetch(port, path, timeout_s=5.0)
        if answer is None:
            return None
        if answer[0] == 200:
            return {
                (found["name"], _Labels(_LABEL.findall(found["labels"]))): float(found["value"])
                for found in _LINE.finditer(answer[1])
            }
    return None
