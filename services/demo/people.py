"""The instance's users as the demonstration plays them: each signs in, and an answer that was not expected ends the story."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from services import SERVICES
from shared.auth.demo import DEMO_USERS

T = TypeVar("T")
PASSWORDS = {user.user_id: user.password for user in DEMO_USERS}
LOOK_EVERY_S = 0.1


class NotAsTold(Exception):
    """What happened instead, in words."""


class NotThere(NotAsTold):
    """Nobody answers, or it is not ready: a moment later it may be."""


class Unexpected(NotAsTold):
    """Another answer than a success; `code` is that of its problem, empty when it has none."""

    def __init__(self, words: str, status: int, code: str) -> None:
        super().__init__(words)
        self.status, self.code = status, code


class People:
    """`as_(user)` sends a request of that user's and returns the JSON of a success."""

    def __init__(self, base_url: str, transport: httpx.BaseTransport | None = None) -> None:
        # No proxy: the instance is on this machine.
        self._http = httpx.Client(base_url=base_url, timeout=30, trust_env=False, transport=transport)
        self._tokens: dict[str, str] = {}
        self.base_url = base_url

    def close(self) -> None:
        self._http.close()

    def knock(self, within_s: float = 0.0) -> None:
        """Until somebody opens. Raises NotThere when nobody did in time, NotAsTold when somebody else lives there."""
        end = time.monotonic() + within_s
        while True:
            try:
                return self._knock()
            except NotThere:
                if time.monotonic() >= end:
                    raise
            time.sleep(LOOK_EVERY_S)

    def _knock(self) -> None:
        alone = self._lacks("/readyz")
        # Behind a proxy each service answers for itself.
        found = {one: self._lacks(f"/ops/{one}/readyz") for one in SERVICES} if alone is None else {"": alone}
        if all(lacks is None for lacks in found.values()):
            raise NotAsTold(f"what answers at {self.base_url} is not Tocsin: choose another PORT")
        told = {one: ("does not answer",) if lacks is None else lacks for one, lacks in found.items()}
        if any(told.values()):
            why = "; ".join(f"{one} {', '.join(lacks)}".strip() for one, lacks in told.items() if lacks)
            raise NotThere(f"the instance is not ready: {why}")

    def _lacks(self, path: str) -> tuple[str, ...] | None:
        """Why it is not ready; None when no Tocsin answers there."""
        try:
            told = self._http.get(path).json()
            return () if told["ready"] else (*told["reasons"],) or ("not ready",)
        except httpx.TransportError:
            raise NotThere(
                f"no instance answers at {self.base_url}: start one with `make run` or `make rehearsal` in another terminal "
                "(the same PORT)"
            ) from None
        except (ValueError, KeyError, TypeError):
            return None

    def send(self, user: str, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            if user not in self._tokens:
                self._tokens[user] = self._sign_in(user)
            sent["Authorization"] = f"Bearer {self._tokens[user]}"
            answer = self._http.request(method, path, json=body, headers=sent)
        except httpx.TransportError as error:
            raise NotAsTold(f"{method} {path}: the instance went away ({type(error).__name__})") from error
        if not answer.is_success:
            words = f"{method} {path} by {user} was answered {answer.status_code}: {answer.text[:500]}"
            raise Unexpected(words, answer.status_code, _code(answer))
        return answer

    def get(self, user: str, path: str) -> Any:
        return self.send(user, "GET", path).json()

    def post(self, user: str, path: str, body: object = None, **headers: str) -> Any:
        return self.send(user, "POST", path, body, **headers).json()

    def _sign_in(self, user: str) -> str:
        answer = self._http.post("/api/v1/sign-in", json={"username": user, "password": PASSWORDS[user]})
        if not answer.is_success:
            raise NotAsTold(
                f"{user} cannot sign in ({answer.status_code}): the instance has no demonstration users. `make run` and "
                "`make rehearsal` have them, and so has a rehearsal with TOCSIN_DEMO=1. An installation that others can reach has "
                "none on purpose: their passwords are public. This story cannot be told there"
            )
        return str(answer.json()["token"])


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def until(look: Callable[[], T | None], within_s: float, what: str) -> T:
    """The first answer that is neither None nor empty; raises NotAsTold when there was none in time."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise NotAsTold(f"after {within_s:.0f} s there is still no {what}")
        time.sleep(LOOK_EVERY_S)
