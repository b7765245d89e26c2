"""What the processes under test are told: rehearsal settings, fresh secrets, and a trial whose alerts can be waited for."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SESSION_TIMEOUT_MS = 4_000
ESCALATION_S = 10


def write_trial(directory: Path) -> Path:
    """The trial in three countries, its two authorities reached over HTTP, with mail as the only channel of alerts, two
    persons on call and one quick round."""
    yaml = YAML(typ="safe", pure=True)
    trial = yaml.load((ROOT / "deploy/trials/demo-multinational.yaml").read_text(encoding="utf-8"))
    persons = [one for one in trial["roster"]["persons"] if one["id"] in ("safety-1", "safety-2")]
    for person in persons:
        person["channels"] = [channel for channel in person["channels"] if channel["kind"] == "mail"]
    every_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    duty = {"person": "safety-1", "days": every_day, "starts": "00:00", "ends": "00:00", "stand_ins": ["safety-2"]}
    trial["roster"] |= {
        "persons": persons,
        "duties": [duty],
        "escalation": {"next_person_after_s": ESCALATION_S, "new_round_after_s": 36_000},
    }
    trial["alerts"]["channels"] = ["mail"]
    for recipient in trial["recipients"]:
        if "transport" in recipient:
            recipient["transport"] |= {"kind": "http_gateway"}
    path = directory / "trial.yaml"
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(trial, file)
    return path


def bare_environment() -> dict[str, str]:
    """Ours without anything that speaks to Tocsin or to its tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_") and name != "PORT"}


def common(directory: Path, smtp_port: int) -> dict[str, str]:
    """Alike for every instance of one run."""
    return {
        "TOCSIN_TRIAL": str(write_trial(directory)),
        "TOCSIN_DEMO": "1",
        "TOCSIN_ALLOW_ILLUSTRATIVE": "1",
        "TOCSIN_SECRET_KEY": secrets.token_urlsafe(48),
        "TOCSIN_AUDIT_KEY": secrets.token_urlsafe(48),
        "TOCSIN_WEBHOOK_SECRET": secrets.token_urlsafe(48),
        "TOCSIN_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "TOCSIN_ALARM_MAIL": "bell@example.org",
        "TOCSIN_LOG_LEVEL": "warning",
        "PYTHONUNBUFFERED": "1",
    }


def production(database_url: str, kafka: str, base_url: str) -> dict[str, str]:
    return {
        "TOCSIN_MODE": "production",
        "TOCSIN_BASE_URL": base_url,
        "TOCSIN_DATABASE_URL": database_url,
        "TOCSIN_KAFKA": kafka,
        "TOCSIN_KAFKA_SESSION_TIMEOUT_MS": str(SESSION_TIMEOUT_MS),
        "TOCSIN_KAFKA_HEARTBEAT_MS": "1000",
    }
