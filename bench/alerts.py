"""From the clinician's POST to the mail server's 250: the whole way of one alert, at a calm rate."""

from __future__ import annotations

import time
from datetime import datetime

import httpx

from bench.load import Order
from bench.results import Results
from bench.stage import Stage, send, sign_in
from deploy.dev.ports import LOOPBACK

WAIT_S = 30.0


def measure(stage: Stage, results: Results, *, seconds: float) -> None:
    """Serious cases, two every half second, each of another child."""
    intake, notifier = stage.service("ae_intake"), stage.service("sae_notifier")
    token = sign_in(intake.url)
    order = Order(
        LOOPBACK,
        intake.port,
        "/api/v1/cases",
        clients=2,
        token=token,
        seconds=seconds,
        warm_s=1.0,
        children=100_000,
        pause_s=0.5,
        serious=True,
    )
    sent = send(order).sent_at
    deadline = time.monotonic() + WAIT_S
    taken: dict[str, float] = {}
    while time.monotonic() < deadline and sent.keys() - taken.keys():
        time.sleep(0.3)
        taken = _taken(stage.catcher_url)
    missed = sent.keys() - taken.keys()
    if missed:
        raise RuntimeError(f"{len(missed)} of {len(sent)} alerts were not handed over within {WAIT_S:.0f} s")
    waits = sorted((taken[number] - at) * 1000 for number, at in sent.items())
    results.note("alerts handed over", len(waits))
    results.note("POST to alert handed over, p50 ms", waits[len(waits) // 2])
    results.note("POST to alert handed over, p99 ms", waits[min(len(waits) - 1, int(0.99 * len(waits)))])
    stage.stop(notifier)
    stage.stop(intake)


def _taken(catcher: str) -> dict[str, float]:
    """Case number → when its first mail was taken."""
    found: dict[str, float] = {}
    for mail in httpx.get(f"{catcher}/messages", timeout=10, trust_env=False).json():
        number = mail["subject"].removeprefix("[Tocsin] ").partition(":")[0]
        found.setdefault(number, datetime.fromisoformat(mail["received_at"]).timestamp())
    return found
