"""What the safety desk has open, as numbers: alerts, duties by the hours left, files and answers that wait."""

from __future__ import annotations

from datetime import datetime

from services.sae_notifier import store
from services.sae_notifier.handlers.law import Laws
from shared import metrics
from shared.db import Database

BANDS: tuple[tuple[str, float], ...] = (
    ("overdue", 0.0),
    ("under_4", 4.0),
    ("under_24", 24.0),
    ("under_72", 72.0),
    ("more", float("inf")),
)
"""Label and the hours to the strict date below which a duty counts there."""


def count(db: Database, laws: Laws, now: datetime) -> None:
    """Refresh the gauges; duties that nobody has met yet, by the strict date that the alarms follow."""
    metrics.ALERTS_OPEN.labels(service="sae_notifier").set(db.read(store.count_open_alerts))
    metrics.RULES_WAITING.labels(service="sae_notifier").set(1 if db.read(laws.waits) else 0)
    metrics.ACKNOWLEDGEMENTS_PARKED.labels(service="sae_notifier").set(db.read(store.count_parked_acks))
    metrics.ACKNOWLEDGEMENTS_MISSED.labels(service="sae_notifier").set(
        len(db.read(lambda tx: store.unanswered(tx, now)))
    )
    left = [(due - now).total_seconds() / 3600 for due in db.read(store.strict_dates_owed)]
    below = float("-inf")
    for band, limit in BANDS:
        inside = sum(below <= hours < limit for hours in left)
        metrics.OBLIGATIONS_OPEN_BY_HOURS.labels(service="sae_notifier", hours_left=band).set(inside)
        below = limit
