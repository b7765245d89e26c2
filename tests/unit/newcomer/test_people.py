"""The demonstration at the door: one process, four behind a proxy, somebody else, or an installation that it cannot be told in."""

from __future__ import annotations

import time

import httpx
import pytest

from services.demo.people import SERVICES, NotAsTold, People

READY, AWAY = {"ready": True, "reasons": []}, {"ready": False, "reasons": ["the log is away"]}


def people(answers: dict[str, object]) -> People:
    """At an address that gives these JSON bodies, and a page of nginx for every other path."""

    def answer(request: httpx.Request) -> httpx.Response:
        told = answers.get(request.url.path)
        if told is None:
            return httpx.Response(404, text="<html>404 Not Found</html>")
        return httpx.Response(503 if told is AWAY else 401 if told == {} else 200, json=told)

    return People("http://127.0.0.1:8080", httpx.MockTransport(answer))


def test_one_process_is_asked_once() -> None:
    people({"/readyz": READY}).knock()


def test_behind_a_proxy_every_service_is_asked() -> None:
    ready: dict[str, object] = {f"/ops/{one}/readyz": READY for one in SERVICES}
    people(ready).knock()
    with pytest.raises(NotAsTold, match=r"not ready: causality the log is away$"):
        people(ready | {"/ops/causality/readyz": AWAY}).knock()
    del ready["/ops/dsmb/readyz"]
    with pytest.raises(NotAsTold, match=r"not ready: dsmb does not answer$"):
        people(ready).knock()


def test_one_that_is_not_ready_says_why() -> None:
    with pytest.raises(NotAsTold, match=r"not ready: the log is away$"):
        people({"/readyz": AWAY}).knock()


@pytest.mark.parametrize("somebody", [{}, {"/readyz": {"status": "up"}}, {"/readyz": ["ready"]}])
def test_somebody_else_is_known_as_such(somebody: dict[str, object]) -> None:
    with pytest.raises(NotAsTold, match="not Tocsin"):
        people(somebody).knock()


def test_without_demonstration_users_it_says_that_there_are_none_on_purpose() -> None:
    with pytest.raises(NotAsTold, match=r"no demonstration users\..*on purpose"):
        people({"/api/v1/sign-in": {}}).get("clinician", "/api/v1/me")


def test_an_instance_that_is_still_starting_is_waited_for() -> None:
    answers: list[dict[str, object]] = [READY, AWAY, AWAY]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 1:
            raise httpx.ConnectError("nobody listens yet", request=request)
        return httpx.Response(200, json=answers.pop())

    People("http://127.0.0.1:8080", httpx.MockTransport(answer)).knock(within_s=5)
    assert asked == ["/readyz"] * 4


def test_nobody_waits_for_somebody_else() -> None:
    began = time.monotonic()
    with pytest.raises(NotAsTold, match="not Tocsin"):
        people({}).knock(within_s=60)
    assert time.monotonic() - began < 30
