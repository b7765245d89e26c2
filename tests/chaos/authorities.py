"""Two authorities in processes of their own, which nothing kills: their books judge what we sent and how we took answers.

They need the official E2B(R3) schemas (`TOCSIN_E2B_SCHEMAS` or `TOCSIN_REFERENCE`). Without them nothing electronic is sent,
and the run says so.
"""

from __future__ import annotations

import json
import random
import threading
from typing import Any

from services.sae_notifier.e2b import installed
from tests.support.authority import Authority
from tests.support.e2b import SCHEMAS

PROFILES = {"eudravigilance": "ich", "fda": "fda-premarket"}
"""Recipient, which is its endpoint too -> what it validates."""
MOODS: dict[str, tuple[float, float]] = {
    "accept": (3.0, 8.0),
    "reject": (4.0, 9.0),
    "late": (3.0, 6.0),
    "twice": (3.0, 6.0),
    "again": (3.0, 6.0),
    "warn": (2.0, 5.0),
    "never": (2.0, 5.0),
    "garbage": (2.0, 5.0),
    "unmatched": (2.0, 5.0),
    "unavailable": (2.0, 4.0),
    "deaf": (2.0, 4.0),
}
"""How long each lasts, in seconds: the last two are short, since every attempt that fails doubles the wait for the next."""
LATE_S = 2.5


def missing() -> str:
    """Why nothing electronic can be sent here; empty when it can."""
    return "" if installed(SCHEMAS) else f"no E2B(R3) schemas in {SCHEMAS}: set TOCSIN_E2B_SCHEMAS or TOCSIN_REFERENCE"


class Authorities:
    """Started on making; `stop` ends both processes."""

    def __init__(self) -> None:
        self.by_endpoint: dict[str, Authority] = {}
        try:
            for endpoint, profile in PROFILES.items():
                self.by_endpoint[endpoint] = Authority(profile=profile)
        except BaseException:
            self.stop()
            raise
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.changes = 0
        self._count = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What every instance is told about them."""
        ways = {
            endpoint: {"address": f"{one.url}/in", "answers": f"{one.url}/out"}
            for endpoint, one in self.by_endpoint.items()
        }
        return {"TOCSIN_E2B_SCHEMAS": str(SCHEMAS), "TOCSIN_ENDPOINTS": json.dumps(ways)}

    def all(self, mood: str) -> None:
        for one in self.by_endpoint.values():
            one.mode(mood, delay_s=LATE_S)

    def begin(self, seed: int) -> None:
        """Each goes through its moods in an order of its own, until `calm`."""
        self._over.clear()
        for endpoint, one in self.by_endpoint.items():
            thread = threading.Thread(target=self._moods, args=(one, random.Random(f"{seed}/{endpoint}")), daemon=True)
            thread.start()
            self._threads.append(thread)

    def calm(self) -> None:
        """From now on both accept."""
        self._over.set()
        for thread in self._threads:
            thread.join(20)
        self._threads.clear()
        self.all("accept")

    def _moods(self, one: Authority, rng: random.Random) -> None:
        while not self._over.is_set():
            for mood in rng.sample(list(MOODS), len(MOODS)):
                one.mode(mood, delay_s=LATE_S)
                with self._count:
                    self.changes += 1
                if self._over.wait(rng.uniform(*MOODS[mood])):
                    return

    def books(self) -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
        """By endpoint: what it received, oldest first, and what it answered."""
        return {endpoint: (one.received(), one.given()) for endpoint, one in self.by_endpoint.items()}

    @property
    def unfetched(self) -> int:
        """Answers that lie there."""
        return sum(len(one.waiting()) for one in self.by_endpoint.values())

    def stop(self) -> None:
        for one in self.by_endpoint.values():
            one.stop()
