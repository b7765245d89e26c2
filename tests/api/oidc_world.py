"""An installation whose people come from an OpenID provider, and browsers that go there and back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import httpx

from shared.auth.demo import DEMO_USERS
from shared.auth.guard import COOKIE
from tests.api.world import ELSEWHERE, ApiWorld
from tests.support.provider import MACHINE, TestProvider

PEOPLE: dict[str, dict[str, Any]] = {
    one.user_id: {"roles": [one.role], "sites": list(one.sites)} for one in DEMO_USERS if one.role != "system"
} | {ELSEWHERE: {"roles": ["clinician"], "sites": ["ELSEWHERE"]}}
"""What the provider says about each user; the user id is the provider's `preferred_username`."""


class Visitor:
    """A browser with its own cookies. Redirects are followed by hand: the provider is a real server, we are not."""

    def __init__(self, world: OidcWorld) -> None:
        self.world = world
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=world.app, client=("192.0.2.7", 1)), base_url=world.settings.base_url
        )

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        return self.world.loop.run_until_complete(self.http.request(method, path, **how))

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("POST", path, **how)

    def goes(self, start: str = "/sign-in/start") -> str:
        """The address at the provider where we are sent."""
        sent = self.get(start)
        assert sent.status_code == 303, sent.text
        return sent.headers["location"]

    def comes_back(self, start: str, sub: str, **orders: Any) -> httpx.Response:
        """There, in as `sub`, and back: our answer to the callback."""
        return self.get(self.back_from(self.goes(start), sub, **orders))

    def back_from(self, there: str, sub: str, **orders: Any) -> str:
        """The callback's address, after proving there who we are."""
        self.world.provider.order(now=int(self.world.clock.now().timestamp()), **orders)
        return self.world.provider.log_in(there, sub)

    def signs_in(self, user: str = "clinician", to: str = "") -> httpx.Response:
        answer = self.comes_back(f"/sign-in/start?next={to}" if to else "/sign-in/start", f"sub-{user}")
        assert answer.status_code == 303, answer.text
        return answer

    def close(self) -> None:
        self.world.loop.run_until_complete(self.http.aclose())


class OidcWorld(ApiWorld):
    """`as_` signs in at the provider; the machine brings an access token."""

    left_out = ("auth.db",)

    def __init__(self, provider: TestProvider, **environ: str) -> None:
        super().__init__(**(provider.environment | environ))
        self.provider = provider
        self.visitors: list[Visitor] = []
        for user_id, claims in PEOPLE.items():
            self.person(user_id, **claims)

    def person(self, user_id: str, **claims: Any) -> None:
        self.provider.user(f"sub-{user_id}", preferred_username=user_id, name=f"Demo {user_id}", **claims)

    def visitor(self) -> Visitor:
        self.visitors.append(Visitor(self))
        return self.visitors[-1]

    def as_(self, user_id: str) -> dict[str, str]:
        token, ends = self._tokens.get(user_id, ("", self.clock.now()))
        if ends <= self.clock.now():
            token, ends = self._machine() if user_id == MACHINE else self._person(user_id)
            self._tokens[user_id] = token, ends
        return {"Authorization": f"Bearer {token}"}

    def _person(self, user_id: str) -> tuple[str, datetime]:
        visitor = self.visitor()
        visitor.signs_in(user_id)
        token = visitor.http.cookies[COOKIE]
        found = self.app.state.auth.sign_ins.read(token, self.clock.now(), "bearer")
        return token, found.expires_at

    def _machine(self) -> tuple[str, datetime]:
        now = self.clock.now()
        self.provider.order(now=int(now.timestamp()))
        return self.provider.machine_token(), now + timedelta(seconds=290)

    def close(self) -> None:
        for one in self.visitors:
            one.close()
        super().close()


def hidden(page: str, name: str) -> str:
    """The value of a hidden input."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert found, page
    return unescape(found[1])


def link(page: str, start: str) -> str:
    """The first link whose address begins so."""
    found = re.search(rf'href="({re.escape(start)}[^"]*)"', page)
    assert found, page
    return unescape(found[1])


def fields(page: str) -> dict[str, str]:
    """What the one-button page after a sign-in would post."""
    found = re.findall(r'<textarea name="([^"]*)" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert found, page
    return {unescape(name): unescape(value) for name, value in found}
