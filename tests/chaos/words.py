"""What the load sends: six fields about one of a few children, and news that changes what is owed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = "Asia/Ho_Chi_Minh"
PROFILES: dict[str, dict[str, str]] = {
    "life_threatening": {"death": "no", "life_threatening": "yes", "hospitalisation": "yes"},
    "serious": {"death": "no", "life_threatening": "no", "hospitalisation": "yes"},
    "not_serious": {"death": "no", "life_threatening": "no", "hospitalisation": "no"},
    "unanswered": {},
}
_REST = {"disability": "no", "congenital_anomaly": "no", "medically_important": "no"}
TERMS = ("10016558", "10047700", "10019211")
"""CTCAE codes: without one an electronic report has an error and may not leave."""
MARK = "chaos-key:"
"""Stands before the Idempotency-Key in the words of a case, so that two cases of one submission can be told."""


def moment(rng: random.Random, most_hours: float = 20.0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(hours=rng.uniform(0.1, most_hours))
    return {"value": at.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M"), "zone": ZONE}


def seriousness(profile: str) -> dict[str, str]:
    return {**PROFILES[profile], **_REST} if PROFILES[profile] else {}


def report(rng: random.Random, child: str, key: str, profile: str) -> dict[str, Any]:
    """A first report of six fields; what is not known is left out."""
    body: dict[str, Any] = {
        "subject_id": child,
        "reporter_role": rng.choice(["clinician", "investigator", "technician"]),
        "events": [
            {
                "verbatim": {"text": f"Sốt cao, nôn ({MARK}{key})", "language": "vi"},
                **({"term_code": rng.choice(TERMS)} if rng.random() < 0.9 else {}),
                "onset": moment(rng, 40),
                "seriousness": seriousness(profile),
                "admission": "none" if profile == "not_serious" else "unknown",
            }
        ],
        "given": {"answer": rng.choice(["yes", "unknown"]), "kinds": ["bm_mnc_infusion"]},
        "source": "phone_page",
    }
    if rng.random() < 0.8:
        body["site_aware"] = moment(rng)
    return body


def news(rng: random.Random, event: dict[str, Any], profile: str) -> dict[str, Any]:
    """An amendment: another seriousness, another awareness, or only a word."""
    body: dict[str, Any] = {"reason": f"news {rng.randrange(10**6)}", "news_known": moment(rng, 2)}
    if rng.random() < 0.75:
        told = {name: event["verbatim"][name] for name in ("text", "language")}
        body["events"] = [{"event_id": event["event_id"], "verbatim": told, "seriousness": seriousness(profile)}]
    if rng.random() < 0.5:
        body["site_aware"] = moment(rng)
    return body


def exposure(rng: random.Random, child: str) -> dict[str, Any]:
    return {
        "subject_id": child,
        "kind": rng.choice(["bm_mnc_infusion", "lumbar_puncture", "piracetam"]),
        "start": moment(rng, 90),
    }
