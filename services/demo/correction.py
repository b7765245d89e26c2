"""What the first electronic report lacked: the child's weight, though two antibiotics are dosed by it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

ELEMENT = "D.3"
KG = "13.6"
REASONS = (f"{ELEMENT}: Data value required: doses are given per kg of body weight",)
"""As the authority words it."""


def recorded(child: str, day: datetime, zone: str) -> dict[str, Any]:
    """The measurement, known to the day."""
    taken = {"value": f"{day.astimezone(ZoneInfo(zone)):%Y-%m-%d}", "zone": zone}
    return {"subject_id": child, "test": "body_weight", "value": KG, "unit": "kg", "baseline": True, "taken": taken}
