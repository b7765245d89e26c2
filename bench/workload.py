"""The reports that are sent: one shape, made-up words, every one of a different time and different text."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

ZONE = "Asia/Ho_Chi_Minh"
_WORDS = (
    "sốt cao", "nôn", "cứng gáy", "co giật", "đau lưng", "bỏ ăn", "phát ban", "tiêu chảy", "khó thở", "quấy khóc",
    "mệt", "đau đầu", "vàng da", "chảy máu mũi", "ho", "mất ngủ", "tăng trương lực", "viêm họng", "táo bón", "lơ mơ",
)  # fmt: skip
_TERMS = ("10016558", "10047700", "10027199", "10019211", "10008531", "10013950", None)
"""Codes of CTCAE 5.0; None is an event nobody has coded yet."""


def child(number: int) -> str:
    """The code of a child of the shipped trial's site."""
    return f"VN01-{number:05d}"


def report(subject_id: str, rng: random.Random, *, serious: bool | None = None) -> dict[str, Any]:
    """A body of `POST /api/v1/cases` of about 1 kB: one event, its onset, its six answers, what was given, when known."""
    onset = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(300 * 24 * 60))
    serious = rng.random() < 0.1 if serious is None else serious
    event: dict[str, Any] = {
        "verbatim": {"text": ", ".join(rng.sample(_WORDS, 3)), "language": "vi"},
        "onset": _moment(onset),
        "grades": [{"grade": 4 if serious else rng.randrange(1, 4)}],
        "seriousness": {
            "death": "no",
            "life_threatening": "yes" if serious else "no",
            "hospitalisation": "yes" if serious else "no",
            "disability": "no",
            "congenital_anomaly": "no",
            "medically_important": "no",
        },
        "outcome": "recovering",
        "admission": "unplanned" if serious else "none",
        "opinions": [{"kind": "bm_mnc_infusion", "related": "unknown"}],
        "description": {"text": ", ".join(rng.sample(_WORDS, 8)), "language": "vi"},
    }
    term = rng.choice(_TERMS)
    if term:
        event["term_code"] = term
    return {
        "subject_id": subject_id,
        "reporter_role": "clinician",
        "events": [event],
        "given": {"answer": "yes", "kinds": ["bm_mnc_infusion", "lumbar_puncture"]},
        "site_aware": _moment(onset + timedelta(hours=2)),
    }


def subject(subject_id: str) -> dict[str, Any]:
    """A body of `POST /api/v1/subjects`."""
    return {"subject_id": subject_id, "birth": {"value": "2021-03", "zone": ZONE}, "sex": "unknown"}


def _moment(at: datetime) -> dict[str, str]:
    return {"value": at.strftime("%Y-%m-%dT%H:%M"), "zone": ZONE}
