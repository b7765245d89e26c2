"""Clients that report, amend, record, allocate, confirm, file and send until told to stop, and remember every 2xx."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass

from tests.chaos import words
from tests.chaos.client import Client, Tokens, Unanswered
from tests.chaos.cluster import Cluster
from tests.chaos.history import AckKind, Acknowledged
from tests.chaos.sending import Sending

CLINICIAN, INVESTIGATOR, OFFICER = "clinician", "investigator", "safety-officer-1"


SENDING, ALLOCATING = 0.25, 0.06
"""How often a client does that instead of everything else."""


@dataclass(frozen=True)
class Pace:
    """How much and how fast. `pause_s` lies between two requests of one client.

    Every change of a child's documents is judged again for each of its cases: few children with many cases are a load
    that grows with the square.
    """

    children: int = 24
    clients: int = 3
    most_cases: int = 60
    pause_s: float = 1.5
    filings: int = 6
    reports: int = 10
    """Cases that an authority is told of by computer, where the schemas are."""


class Load:
    """`start`, then `stop`: afterwards no request is under way and `acknowledged` is final."""

    def __init__(self, cluster: Cluster, seed: int, pace: Pace) -> None:
        self.cluster, self.pace, self.seed = cluster, pace, seed
        self.acknowledged: list[Acknowledged] = []
        self.refused: Counter[str] = Counter()
        self.unanswered = 0
        self.tokens = Tokens(cluster)
        self._numbers = iter(range(10**9))
        self._filings = pace.filings if "sae_notifier" in cluster.services else 0
        self._filed: set[str] = set()
        able = cluster.authorities is not None and "sae_notifier" in cluster.services
        self.sending = Sending(self, pace.reports) if able else None
        self.allocations_tried: dict[str, int] = {}
        self._lock = threading.Lock()
        self._enough, self._abandon = threading.Event(), threading.Event()
        self.held = threading.Event()
        """Set while the consumers are too far behind: then nothing more is sent."""
        self._threads: list[threading.Thread] = []

    @property
    def cases(self) -> list[Acknowledged]:
        with self._lock:
            return [ack for ack in self.acknowledged if ack.kind == "case"]

    def start(self) -> None:
        for number in range(self.pace.clients):
            thread = threading.Thread(target=self._client, args=(number,), name=f"load-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def resume(self) -> None:
        """Begin, or begin again after `stop`."""
        self._threads.clear()
        self._enough, self._abandon = threading.Event(), threading.Event()
        self.start()

    def stop(self, within_s: float = 60.0) -> None:
        """Let every client get its last answer."""
        self._enough.set()
        for thread in self._threads:
            thread.join(within_s)
        self._abandon.set()
        for thread in self._threads:
            thread.join(10)

    def client(self, number: int, *, until: threading.Event | None = None) -> Client:
        """A client of this load, or one that goes on after it has stopped."""
        return Client(self.cluster, random.Random(f"{self.seed}/{number}"), until or self._abandon, self.tokens)

    def _client(self, number: int) -> None:
        rng = random.Random(f"{self.seed}/load/{number}")
        client = self.client(number)
        try:
            while not self._enough.is_set():
                if not self.held.is_set():
                    try:
                        self._one(client, rng)
                    except Unanswered:
                        self.unanswered += 1
                self._enough.wait(rng.uniform(0.2, 1.8) * self.pace.pause_s)
        finally:
            client.close()

    def _one(self, client: Client, rng: random.Random) -> None:
        cases = self.cases
        if cases and self.sending is not None and rng.random() < SENDING:
            self.sending.one(client, rng)
            return
        if cases and rng.random() < ALLOCATING:
            self.allocate(client, rng, rng.choice(cases).subject_id)
            return
        wanted = rng.random()
        if not cases or (wanted < 0.55 and len(cases) < self.pace.most_cases):
            self.report(client, rng, self.child(rng))
        elif wanted < 0.8:
            self.amend(client, rng, rng.choice(cases[-40:]).id)
        elif wanted < 0.86:
            self.record(client, rng, rng.choice(cases).subject_id)
        elif "sae_notifier" in self.cluster.services:
            if wanted < 0.95:
                self.confirm(client, rng.choice(cases[-40:]).id)
            else:
                self.file(client, rng.choice(cases).id)

    def child(self, rng: random.Random) -> str:
        return f"VN01-{1 + rng.randrange(self.pace.children):03d}"

    def key(self, kind: str) -> str:
        with self._lock:
            return f"{kind}-{self.seed}-{next(self._numbers)}"

    def report(self, client: Client, rng: random.Random, child: str, profile: str | None = None) -> Acknowledged | None:
        key = self.key("case")
        profile = profile or rng.choice(["life_threatening", "serious", "serious", "not_serious", "unanswered"])
        body = words.report(rng, child, key, profile)
        headers = {"Idempotency-Key": key}
        answer = client.send("ae_intake", "POST", "/api/v1/cases", user=CLINICIAN, body=body, headers=headers)
        if answer.status_code != 201:
            return self.refuse("case", answer.status_code)
        told = answer.json()
        return self.acknowledge("case", key, told["case_id"], told["version"], told["case_number"], told["subject_id"])

    def amend(
        self, client: Client, rng: random.Random, case_id: str, profile: str | None = None
    ) -> Acknowledged | None:
        """The newest version is read first; somebody quicker makes it 412, which is an answer too."""
        if case_id in self._filed:
            return None
        document = client.get("ae_intake", f"/api/v1/cases/{case_id}", user=CLINICIAN)
        if document is None:
            return self.refuse("read", 404)
        case = document["case"]
        event = case["events"][0]
        key = self.key("amend")
        body = words.news(rng, event, profile or rng.choice(list(words.PROFILES)))
        headers = {"Idempotency-Key": key, "If-Match": f'"{case["version"]}"'}
        path = f"/api/v1/cases/{case_id}"
        answer = client.send("ae_intake", "PATCH", path, user=CLINICIAN, body=body, headers=headers)
        if answer.status_code != 200:
            return self.refuse("amendment", answer.status_code)
        told = answer.json()
        return self.acknowledge("amendment", key, case_id, told["version"], told["case_number"], told["subject_id"])

    def record(self, client: Client, rng: random.Random, child: str) -> Acknowledged | None:
        key = self.key("exposure")
        body, headers = words.exposure(rng, child), {"Idempotency-Key": key}
        answer = client.send("ae_intake", "POST", "/api/v1/exposures", user=CLINICIAN, body=body, headers=headers)
        if answer.status_code != 201:
            return self.refuse("exposure", answer.status_code)
        told = answer.json()
        return self.acknowledge("exposure", key, told["exposure_id"], told["version"], "", child)

    def allocate(self, client: Client, rng: random.Random, child: str) -> None:
        """Once per child; there is no key, so a request that has to be repeated may record the same arm again."""
        with self._lock:
            if child in self.allocations_tried:
                return
            self.allocations_tried[child] = 1
        before = client.retries
        body = {"subject_id": child, "arm": rng.choice("AB")}
        try:
            answer = client.send("ae_intake", "POST", "/api/v1/allocations", user=INVESTIGATOR, body=body)
        finally:
            with self._lock:
                self.allocations_tried[child] += client.retries - before
        if answer.status_code == 204:
            self.acknowledge("allocation", f"allocation/{child}", child, subject=child)
        else:
            self.refuse("allocation", answer.status_code)

    def confirm(self, client: Client, case_id: str) -> None:
        found = client.get("sae_notifier", f"/api/v1/alerts?case_id={case_id}", user=OFFICER) or {"alerts": []}
        for alert in found["alerts"]:
            if alert["state"] == "open":
                path = f"/api/v1/alerts/{alert['alert_id']}/confirm"
                answer = client.send("sae_notifier", "POST", path, user=OFFICER, body={})
                if answer.status_code == 200:
                    self.acknowledge("confirmation", alert["alert_id"], alert["alert_id"])
                else:
                    self.refuse("confirmation", answer.status_code)
                return

    def file(self, client: Client, case_id: str) -> None:
        """To one recipient by mail; the case is not amended afterwards, so that its duties stay comparable."""
        with self._lock:
            if self._filings <= 0 or case_id in self._filed:
                return
            self._filings -= 1
            self._filed.add(case_id)
        found = client.get("sae_notifier", f"/api/v1/obligations?case_id={case_id}", user=OFFICER)
        owed = [one for one in (found or {}).get("obligations", ()) if one["recipient_id"] in ("necbr", "sponsor")]
        for duty in owed[:1]:
            path = f"/api/v1/obligations/{duty['obligation_id']}/filings"
            answer = client.send("sae_notifier", "POST", path, user=OFFICER, body={"method": "mail"})
            if answer.status_code == 201:
                self.acknowledge("filing", duty["obligation_id"], answer.json()["filing_id"])
            else:
                self.refuse("filing", answer.status_code)

    def file_somewhere(self, client: Client, rng: random.Random) -> None:
        """One telling more than planned: electronically, or by mail of a case that has none."""
        if self.sending is not None and rng.random() < 0.5:
            self.sending.one(client, rng)
            return
        with self._lock:
            self._filings += 1
            open_cases = [ack.id for ack in self.acknowledged if ack.kind == "case" and ack.id not in self._filed]
        if open_cases:
            self.file(client, rng.choice(open_cases))

    def acknowledge(
        self, kind: AckKind, key: str, identity: str, version: int = 1, number: str = "", subject: str = ""
    ) -> Acknowledged:
        ack = Acknowledged(kind, key, identity, version, number, subject)
        with self._lock:
            self.acknowledged.append(ack)
        return ack

    def refuse(self, what: str, status: int) -> None:
        with self._lock:
            self.refused[f"{what} {status}"] += 1
