"""Speaks to whatever instance lives, as a person who presses again until somebody answers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.chaos.cluster import Cluster

TIMEOUT = httpx.Timeout(6.0, connect=1.0)


class Unanswered(Exception):
    """Nobody answered within the bound."""


class Client:
    """One thread's connections. `stopping` ends every wait early."""

    def __init__(self, cluster: Cluster, rng: random.Random, stopping: threading.Event, tokens: Tokens) -> None:
        self._cluster, self._rng, self._stopping, self._tokens = cluster, rng, stopping, tokens
        self._http = httpx.Client(timeout=TIMEOUT, trust_env=False)
        self.retries = 0

    def send(
        self,
        service: str,
        method: str,
        path: str,
        *,
        user: str,
        body: object | None = None,
        headers: Mapping[str, str] | None = None,
        bound_s: float = 90.0,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> httpx.Response:
        """The first answer below 500, from any instance; the same bytes and key every time. Raises Unanswered."""
        deadline = time.monotonic() + bound_s
        pause = 0.05
        while time.monotonic() < deadline and not self._stopping.is_set():
            instance = self._rng.choice(self._cluster.of(service))
            if instance.pid:
                try:
                    every = {"Authorization": f"Bearer {self._tokens.of(user)}", **(headers or {})}
                    answer = self._http.request(method, instance.url + path, json=body, headers=every, timeout=timeout)
                    if answer.status_code < 500 and answer.status_code not in (401, 429):
                        return answer
                except (httpx.HTTPError, Unanswered):
                    pass
            self.retries += 1
            self._stopping.wait(pause)
            pause = min(1.0, pause * 1.6)
        raise Unanswered(f"{method} {path}")

    def get(self, service: str, path: str, *, user: str, bound_s: float = 60.0) -> Any:
        """The JSON of a 200, or None for a 404."""
        answer = self.send(service, "GET", path, user=user, bound_s=bound_s)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        self._http.close()


class Tokens:
    """Signs each demonstration user in once per run."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._tokens, self._lock = cluster, dict[str, str](), threading.Lock()

    def of(self, user: str) -> str:
        with self._lock:
            if user not in self._tokens:
                self._tokens[user] = self._sign_in(user)
            return self._tokens[user]

    def _sign_in(self, user: str) -> str:
        for instance in self._cluster.of("ae_intake"):
            try:
                body = {"username": user, "password": f"tocsin-demo-{user}"}
                answer = httpx.post(instance.url + "/api/v1/sign-in", json=body, timeout=10, trust_env=False)
            except httpx.HTTPError:
                continue
            if answer.status_code == 200:
                return str(answer.json()["token"])
        raise Unanswered(f"sign-in of {user}")
