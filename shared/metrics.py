"""Every metric of the product, declared once, with its unit and a sentence; all carry the label `service`.

    from shared import metrics
    metrics.OUTBOX_UNPUBLISHED.labels(service="ae_intake").set(3)

No label ever holds a child's code, a case number or a person: labels are few and bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

Kind = Literal["counter", "gauge", "histogram"]
REGISTRY = CollectorRegistry()
CONTENT_TYPE = CONTENT_TYPE_LATEST

for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=REGISTRY)


@dataclass(frozen=True)
class Declared:
    """One line of the metrics table in docs/operations.md."""

    name: str
    kind: Kind
    unit: str
    sentence: str
    labels: tuple[str, ...]


DECLARED: list[Declared] = []


def _declare(
    name: str, kind: Kind, unit: str, sentence: str, labels: tuple[str, ...]
) -> tuple[str, str, tuple[str, ...]]:
    every = ("service", *labels)
    DECLARED.append(Declared(f"tocsin_{name}", kind, unit, sentence, every))
    return f"tocsin_{name}", f"{sentence} [{unit}]", every


def _gauge(name: str, unit: str, sentence: str, *labels: str) -> Gauge:
    full, text, every = _declare(name, "gauge", unit, sentence, labels)
    return Gauge(full, text, every, registry=REGISTRY)


def _counter(name: str, unit: str, sentence: str, *labels: str) -> Counter:
    full, text, every = _declare(name, "counter", unit, sentence, labels)
    return Counter(full, text, every, registry=REGISTRY)


def _histogram(name: str, unit: str, sentence: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    full, text, every = _declare(name, "histogram", unit, sentence, labels)
    return Histogram(full, text, every, registry=REGISTRY, buckets=buckets)


_REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ALERT_S = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)

OUTBOX_UNPUBLISHED = _gauge("outbox_unpublished", "rows", "Events that are true here but not yet on the log.")
OUTBOX_OLDEST_SECONDS = _gauge("outbox_oldest_seconds", "seconds", "Age of the oldest event not yet on the log.")
OUTBOX_OLDEST_SERIOUS_SECONDS = _gauge(
    "outbox_oldest_serious_seconds",
    "seconds",
    "Age of the oldest serious event not yet on the log; 60 s ring the last bell.",
)
RELAY_PUBLISHED = _counter("relay_published_total", "events", "Events the relay saw placed on the log.")
RELAY_FAILURES = _counter("relay_failures_total", "batches", "Relay batches that failed and will be tried again.")
RELAY_LEADER = _gauge("relay_leader", "0 or 1", "1 in the instance that sent the last batch.")
CONSUMER_LAG = _gauge("consumer_lag", "events", "End of the log minus this consumer's cursor.", "topic", "partition")
EVENTS_CONSUMED = _counter("events_consumed_total", "events", "Events whose effect was committed.", "type")
EVENTS_DROPPED = _counter(
    "events_dropped_total", "events", "Deliveries that were already known: same version, same bytes."
)
EVENT_GAPS = _counter("event_gaps_total", "gaps", "Versions that were skipped over; each one rings the last bell.")
CONSUME_RETRIES = _counter(
    "consume_retries_total", "attempts", "Transactions of a consumer that were tried again.", "reason"
)
PARKED_OPEN = _gauge("parked_open", "events", "Parked events that wait for a named person.")
BREAKER_OPEN = _gauge("breaker_open", "0 or 1", "1 while a consumer is stopped because it parked too much.")
HELD = _gauge("held", "0 or 1", "1 while a service writes and sends nothing: it is held or not verified yet.")
REJECTED_OPEN = _gauge("rejected_open", "submissions", "Rejected submissions that nobody has closed.")
CASES = _counter("cases_total", "versions", "Case versions stored.", "serious")
ALERTS_OPEN = _gauge("alerts_open", "alerts", "Alerts that no named person has confirmed.")
ALERT_HANDOVER_SECONDS = _histogram(
    "alert_handover_seconds",
    "seconds",
    "From the case being recorded to its alert being taken by a channel.",
    _ALERT_S,
    "channel",
)
DELIVERIES = _counter("deliveries_total", "attempts", "Attempts to hand something to a channel.", "channel", "outcome")
OBLIGATIONS_OPEN_BY_HOURS = _gauge(
    "obligations_open_by_hours", "duties", "Open duties by the hours left to the strict due date.", "hours_left"
)
RULES_WAITING = _gauge(
    "rules_waiting",
    "0 or 1",
    "1 while the configured rule, calendar and trial files wait for a person to activate them.",
)
FILINGS = _counter("filings_total", "filings", "Filings by what became of them.", "outcome")
ACKNOWLEDGEMENTS = _counter(
    "acknowledgements_total",
    "files",
    "Files that came back from recipients' computers, by what became of them.",
    "outcome",
)
ACKNOWLEDGEMENTS_PARKED = _gauge("acknowledgements_parked", "files", "Answers that fit nothing and wait for a person.")
ACKNOWLEDGEMENTS_MISSED = _gauge("acknowledgements_missed", "filings", "Reports sent that no answer came to in time.")
AUDIT_UNSEALED = _gauge("audit_unsealed", "rows", "Audit rows not yet covered by a seal.")
ALARMS_RUNG = _counter("alarms_rung_total", "alarms", "Times the bell of last resort was asked to ring.", "kind")
ALARM_FAILURES = _counter(
    "alarm_failures_total", "attempts", "Times the bell of last resort could not be heard.", "channel"
)
HTTP_REQUESTS = _counter("http_requests_total", "requests", "Requests answered.", "method", "route", "status")
HTTP_REQUEST_SECONDS = _histogram(
    "http_request_seconds",
    "seconds",
    "Time to answer a request (event streams excepted).",
    _REQUEST_S,
    "method",
    "route",
)
SIGN_INS = _counter("sign_ins_total", "attempts", "Sign-in attempts.", "outcome")
LIVE_STREAMS = _gauge("live_streams", "streams", "Server-sent event streams open now.")
LOOPS_RUNNING = _gauge("loops_running", "loops", "Background loops alive.")


def exposition() -> bytes:
    """The text that `/metrics` answers with."""
    return generate_latest(REGISTRY)
