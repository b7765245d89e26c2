"""The proxy of a rehearsal, before real servers: it sends a path where nginx would, and neither adds nor keeps anything."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from deploy.dev import proxy
from tests.support.routes import SERVICES

WITHIN_S = 10.0


class Service(ThreadingHTTPServer):
    """Tells what it was asked; `/desk/live` says one thing and then waits for `go_on`."""

    def __init__(self, name: str) -> None:
        self.name, self.go_on = name, threading.Event()
        super().__init__(("127.0.0.1", 0), Echo)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def service(self) -> Service:
        assert isinstance(self.server, Service)
        return self.server

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = {"service": self.service.name, "path": self.path, "method": self.command, "body": sent}
        told |= {"forwarded": self.headers.get_all("X-Forwarded-For")}
        body = json.dumps(told | {"headers": {name.lower(): value for name, value in self.headers.items()}}).encode()
        self.send_response(203)
        self.send_header("Set-Cookie", "one=1")
        self.send_header("Set-Cookie", "two=2")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self.path != "/desk/live":
            self._answer()
            return
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b": open\n\n")
        self.wfile.flush()
        self.service.go_on.wait(WITHIN_S)
        self.wfile.write(b"data: more\n\n")

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def services() -> Iterator[dict[str, Service]]:
    made = {name: Service(name) for name in SERVICES}
    yield made
    for one in made.values():
        one.go_on.set()
        one.shutdown()
        one.server_close()


@pytest.fixture
async def http(services: dict[str, Service]) -> AsyncIterator[httpx.AsyncClient]:
    app = proxy.Proxy({name: one.port for name, one in services.items()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://people.example:8080") as client:
        yield client
    await app.close()


async def test_a_request_and_its_answer_pass_as_they_are(http: httpx.AsyncClient) -> None:
    sent = {"Authorization": "Bearer x", "Connection": "keep-alive, x-mine", "X-Forwarded-For": "198.51.100.7"}
    answer = await http.post("/api/v1/alerts/a%2Fb?note=%C3%A1&x=1", content="chuông báo".encode(), headers=sent)
    assert answer.status_code == 203
    assert answer.headers.get_list("set-cookie") == ["one=1", "two=2"]
    told = answer.json()
    assert (told["service"], told["method"], told["body"]) == ("sae_notifier", "POST", "chuông báo")
    assert told["path"] == "/api/v1/alerts/a%2Fb?note=%C3%A1&x=1"
    headers = told["headers"]
    assert headers["host"] == "people.example:8080" and headers["authorization"] == "Bearer x"
    assert told["forwarded"] == ["198.51.100.7, 127.0.0.1"] and headers["x-forwarded-proto"] == "http"
    assert "connection" not in headers


async def test_one_person_s_cookie_is_never_sent_for_another(http: httpx.AsyncClient) -> None:
    await http.get("/desk", headers={"Cookie": "tocsin=mine"})
    http.cookies.clear()
    assert "cookie" not in (await http.get("/desk")).json()["headers"]


async def test_what_cannot_be_answered_says_so(http: httpx.AsyncClient, services: dict[str, Service]) -> None:
    assert (await http.get("/nothing")).status_code == 404
    assert (await http.post("/api/v1/cases", content=b"x" * (proxy.MOST_BYTES + 1))).status_code == 413
    services["dsmb"].shutdown()
    services["dsmb"].server_close()
    assert (await http.get("/dsmb")).status_code == 502
    assert (await http.get("/desk")).status_code == 203


async def test_what_is_live_is_not_held_back(services: dict[str, Service]) -> None:
    app = proxy.Proxy({name: one.port for name, one in services.items()})
    parts: list[bytes] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message.get("body"):
            parts.append(message["body"])
            services["sae_notifier"].go_on.set()  # else it waits, and nothing more comes

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/desk/live",
        "raw_path": b"/desk/live",
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "asgi": {"spec_version": "2.4"},
    }
    await app(scope, receive, send)
    await app.close()
    assert parts == [b": open\n\n", b"data: more\n\n"]
