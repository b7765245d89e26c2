"""The demonstration history: a cohort with published counts, sent through the public API of the server just started.

What was sent is never sent twice: the example's key is the Idempotency-Key, and `history.json` beside the databases says
whether the loading was begun or is done. So it can be stopped at any record, and the next start goes on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx

from examples import replay
from examples.replay import Request
from shared.auth.demo import DEMO_USERS

COHORT = Path(replay.__file__).parent / "cohort"
USER = next(user for user in DEMO_USERS if user.role == "system")
PARALLEL = 4
TRIES = 5


class NotLoaded(Exception):
    """Why the history is not there; the system itself goes on."""


@dataclass(frozen=True)
class Marker:
    """`moved_days`: the cohort's dates are moved into the past where the clock has not reached them yet."""

    state: Literal["begun", "loaded"]
    moved_days: int = 0

    @classmethod
    def read(cls, folder: Path) -> Marker | None:
        path = folder / "history.json"
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def write(self, folder: Path) -> None:
        fresh = folder / "history.json.new"
        fresh.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        fresh.replace(folder / "history.json")


def past(requests: Sequence[Request], now: datetime) -> int:
    """By how many whole days the cohort must move so that none of it lies in the future: 0 or less."""
    return min(0, (now - replay.last_instant(requests)) // timedelta(days=1))


def by_child(requests: Iterable[Request]) -> list[tuple[Request, ...]]:
    """One child's records keep their order; children do not wait for each other."""
    children: dict[str, list[Request]] = {}
    for request in requests:
        children.setdefault(request.body["subject_id"], []).append(request)
    return [tuple(one) for one in children.values()]


class Loader:
    """Sends the cohort with a few requests at a time. `told(done, total)` hears of every record."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        folder: Path,
        *,
        told: Callable[[int, int], None],
        stopping: asyncio.Event,
        cohort: Path = COHORT,
    ) -> None:
        self._http, self._folder, self._told, self._stopping = http, folder, told, stopping
        self._requests = tuple(replay.cohort(cohort))
        self._done = 0

    async def load(self, now: datetime) -> int | None:
        """Records loaded; None when there was nothing to do or a stop came first. Raises NotLoaded."""
        marker = Marker.read(self._folder)
        if marker is not None and marker.state == "loaded":
            return None
        try:
            await self._sign_in()
            if marker is None:
                if await self._anything_there():
                    return None
                marker = Marker("begun", past(self._requests, now))
                marker.write(self._folder)
            children = iter(by_child(request.moved(marker.moved_days) for request in self._requests))
            self._told(0, len(self._requests))
            await asyncio.gather(*(self._send_children(children) for _ in range(PARALLEL)))
        except (httpx.HTTPError, KeyError, ValueError, OSError) as error:
            if self._stopping.is_set():
                return None
            raise NotLoaded(f"{type(error).__name__}: {error}") from error
        if self._stopping.is_set():
            return None
        Marker("loaded", marker.moved_days).write(self._folder)
        return self._done

    async def _sign_in(self) -> None:
        answer = await self._send("POST", "/api/v1/sign-in", {"username": USER.user_id, "password": USER.password})
        self._http.headers["Authorization"] = f"Bearer {answer['token']}"

    async def _anything_there(self) -> bool:
        answer = await self._send("GET", "/api/v1/subjects?limit=1", None)
        return bool(answer["subjects"])

    async def _send_children(self, children: Iterable[tuple[Request, ...]]) -> None:
        for child in children:  # the iterator is shared: whoever is free takes the next child
            ids: dict[str, str] = {}
            for request in child:
                if self._stopping.is_set():
                    return
                ready = request.resolved(ids)
                answer = await self._send(ready.method, ready.path, ready.body, key=ready.key)
                if answer:  # an arm is taken and never shown again
                    ids[request.key] = replay.identity(request, answer)
                self._done += 1
                self._told(self._done, len(self._requests))

    async def _send(self, method: str, path: str, body: object, *, key: str = "") -> dict[str, object]:
        """One call; a server that is busy or has not opened its door yet is asked again."""
        headers = {"Idempotency-Key": key} if key else {}
        for attempt in range(TRIES):
            last = attempt == TRIES - 1 or self._stopping.is_set()
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if answer.is_success:
                    found: dict[str, object] = answer.json() if answer.content else {}
                    return found
                if last or answer.status_code not in (429, 503):
                    raise NotLoaded(f"{method} {path} was answered {answer.status_code}: {answer.text[:300]}")
            await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")
