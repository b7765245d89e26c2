"""What the checker finds: one broken promise each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AnomalyKind = Literal["lost", "doubled", "out_of_order", "phantom", "missed", "audit", "parked", "undrained"]
KINDS: tuple[AnomalyKind, ...] = (
    "lost",
    "doubled",
    "out_of_order",
    "phantom",
    "missed",
    "audit",
    "parked",
    "undrained",
)


@dataclass(frozen=True)
class Anomaly:
    """One broken promise: which, where, and what was seen."""

    kind: AnomalyKind
    place: str
    what: str
