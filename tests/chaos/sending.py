"""Electronic reports of the load: first ones, later versions of them, and corrected ones where an authority turned one down."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

from tests.chaos.authorities import PROFILES, Authorities
from tests.chaos.client import Client, Unanswered

if TYPE_CHECKING:
    from tests.chaos.load import Load

OFFICER = "safety-officer-1"
MAKING = httpx.Timeout(20.0, connect=1.0)
"""A process that has just begun reads the schemas first."""
NEW, AMENDED = 0.4, 0.5
"""How often a report is about a case of which nothing was sent, and how often news comes before it otherwise."""


class Sending:
    """`reports` cases are told of electronically; a case may be told of many times."""

    def __init__(self, load: Load, reports: int) -> None:
        self._load, self._left = load, reports
        self._cases: list[str] = []
        self._lock = threading.Lock()

    def one(self, client: Client, rng: random.Random) -> None:
        """A first report, or another one of a case that has some."""
        case_id, known = self._choose(rng)
        if case_id is None:
            return
        if known and rng.random() < AMENDED:
            self._load.amend(client, rng, case_id, profile=rng.choice(["life_threatening", "serious", "unanswered"]))
        if duties := self._duties(client, case_id):
            self._send(client, rng, rng.choice(duties))

    def tell_all(self, client: Client, rng: random.Random, case_id: str) -> None:
        """To both authorities, where they are owed something."""
        for duty in self._duties(client, case_id):
            self._send(client, rng, duty)

    def _choose(self, rng: random.Random) -> tuple[str | None, bool]:
        with self._lock:
            fresh = [ack.id for ack in self._load.cases if ack.id not in self._cases] if self._left > 0 else []
            if fresh and (not self._cases or rng.random() < NEW):
                self._left -= 1
                self._cases.append(rng.choice(fresh))
                return self._cases[-1], False
            return (rng.choice(self._cases[-12:]), True) if self._cases else (None, False)

    def _duties(self, client: Client, case_id: str) -> list[dict[str, Any]]:
        """What an authority is owed; only what was turned down where there is such."""
        found = client.get("sae_notifier", f"/api/v1/obligations?case_id={case_id}", user=OFFICER)
        able = [one for one in (found or {}).get("obligations", ()) if one["recipient_id"] in PROFILES]
        owed = [one for one in able if one["state"] != "ended"]
        return [one for one in owed if one["state"] == "rejected"] or owed

    def _send(self, client: Client, rng: random.Random, duty: dict[str, Any]) -> None:
        """Made and filed in one request, or looked at in between, as a careful officer does."""
        path = f"/api/v1/obligations/{duty['obligation_id']}"
        body = {"method": "gateway"}
        if rng.random() < 0.4:
            where = f"{path}/documents?kind=e2b_r3"
            made = client.send("sae_notifier", "POST", where, user=OFFICER, timeout=MAKING)
            if made.status_code != 201:
                self._load.refuse("electronic document", made.status_code)
                return
            body["document_id"] = made.json()["document_id"]
        answer = client.send("sae_notifier", "POST", f"{path}/filings", user=OFFICER, body=body, timeout=MAKING)
        if answer.status_code == 201:
            self._load.acknowledge("transmission", duty["obligation_id"], answer.json()["filing_id"])
        else:
            self._load.refuse("transmission", answer.status_code)


def settle(authorities: Authorities, client: Client, *, within_s: float) -> str:
    """Wait until every report has left and every answer was fetched; why not, or nothing. Both must accept by now."""
    deadline = time.monotonic() + within_s
    waiting, unfetched, rested = ["nothing was read"], 0, 0
    while time.monotonic() < deadline:
        try:
            found = client.get("sae_notifier", "/api/v1/filings", user=OFFICER, bound_s=20)["filings"]
        except Unanswered:
            continue
        waiting = [one["message_number"] for one in found if one["method"] == "gateway" and one["state"] == "waiting"]
        unfetched = authorities.unfetched
        rested = 0 if waiting or unfetched else rested + 1
        if rested == 2:
            return ""
        time.sleep(1.0)
    return f"after {within_s:.0f} s {len(waiting)} electronic reports wait ({', '.join(waiting[:3])}), {unfetched} answers too"
