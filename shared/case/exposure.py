"""What a child was given or went through: each exposure is versioned and can be voided, never deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published
from shared.case.moment import Moment
from shared.case.quantity import Quantity
from shared.case.text import FreeText, Judged, Typed

ExposureKind = Literal[
    "bm_mnc_infusion",
    "lumbar_puncture",
    "bone_marrow_harvest",
    "sedation",
    "anaesthetic_agent",
    "piracetam",
    "muscle_relaxant",
    "botulinum_toxin",
    "antiepileptic",
    "opioid",
    "antibiotic",
    "vitamin",
    "rehabilitation",
    "planned_stay",
    "other",
]
ActionTaken = Literal["withdrawn", "reduced", "increased", "unchanged", "unknown", "not_applicable"]
"""E2B(R3) G.k.8."""


class RehabilitationCourse(Published):
    """One of the ten-day courses: its number, where it was held and who gave it."""

    number: int | None = None
    setting: Literal["centre", "home", "unknown"] = "unknown"
    deliverer: Literal["technician", "family", "both", "unknown"] = "unknown"


class Exposure(Published):
    """One exposure of one child (E2B(R3) section G; E6(R3) investigational product and other treatment)."""

    exposure_id: str
    version: int
    trial_id: str
    subject_id: str
    kind: ExposureKind
    name: Judged | None = None
    """The agent or product, by its catalogue name in the trial file (never a brand typed with a patient's name)."""
    indication: Typed | None = None
    dose: Quantity | None = None
    route: Judged | None = None
    start: Moment | None = None
    end: Moment | None = None
    ongoing: bool | None = None
    infusion_number: int | None = None
    batch_id: str | None = None
    action_taken: ActionTaken = "unknown"
    rehabilitation: RehabilitationCourse | None = None
    note: FreeText | None = None
    voided: bool = False
    void_reason: Typed | None = None
    recorded_at: datetime
