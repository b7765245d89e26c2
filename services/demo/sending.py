"""Sends the story's requests as its people, and remembers the ids and versions that the server gave."""

from __future__ import annotations

from typing import Any

from examples import replay
from examples.replay import Request
from services.demo.people import People


class Sending:
    """`run` stands before every Idempotency-Key, so that telling the story again is not mistaken for a repeat."""

    def __init__(self, people: People, run: str) -> None:
        self._people, self._run = people, run
        self._ids: dict[str, str] = {}
        self._versions: dict[str, int] = {}

    def send(self, user: str, request: Request) -> dict[str, Any]:
        """The server's answer."""
        ready = request.resolved(self._ids)
        headers = {"Idempotency_Key": f"{self._run}-{ready.key}"}
        if ready.if_match:
            headers["If_Match"] = f'"{self._versions[ready.if_match]}"'
        answer = self._people.send(user, ready.method, ready.path, ready.body, **headers).json()
        if ready.if_match:
            self._versions[ready.if_match] = answer["version"]
        else:
            self._ids[request.key] = replay.identity(request, answer)
            self._versions[request.key] = answer["version"]
        return answer

    def learn_events(self, user: str, key: str) -> None:
        """The ids of a case's events, under `key#0`, `key#1`, …"""
        case = self._people.get(user, f"/api/v1/cases/{self._ids[key]}")["case"]
        self._ids |= {f"{key}#{index}": event["event_id"] for index, event in enumerate(case["events"])}

    def version(self, key: str) -> int:
        return self._versions[key]
