"""A person without a browser: plain requests, cookies kept, the provider's form filled in by hand."""

from __future__ import annotations

import re
from html import unescape
from types import TracebackType
from typing import Any

import httpx


class Person:
    """`url` is the installation. `Secure` cookies go back over http too, as browsers do on this machine."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30, event_hooks={"response": [self._loosen]})
        self.user, self.password = user, password

    def __enter__(self) -> Person:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def _loosen(self, _: httpx.Response) -> None:
        for cookie in self.http.cookies.jar:
            cookie.secure = False

    def asked(self, start: str = "/sign-in/start") -> httpx.Response:
        """What the provider answers: its form, or (who is known there already) the way back."""
        sent = self.http.get(start)
        assert sent.status_code == 303, sent.text
        return self.http.get(sent.headers["location"])

    def proves(self, form: httpx.Response, password: str | None = None) -> httpx.Response:
        """Fills in the form; what the provider answers."""
        found = re.search(r'<form[^>]*action="([^"]+)"', form.text)
        assert form.status_code == 200 and found, form.text
        body = {"username": self.user, "password": password or self.password, "credentialId": ""}
        return self.http.post(unescape(found[1]), data=body)

    def signs_in(self, start: str = "/sign-in/start") -> httpx.Response:
        """There and back; our answer to the callback."""
        back = self.proves(self.asked(start))
        assert back.status_code == 302, back.text
        return self.http.get(back.headers["location"])

    def api(self, method: str, path: str, **how: Any) -> Any:
        """JSON with the cookie of the pages."""
        return self.http.request(method, path, **how).raise_for_status().json()
