"""The one address in front of the four services, for where no nginx runs: the same `deploy/proxy/routes.map`, the same headers.

A path that the map does not know is a 404, a service that is away a 502; nothing is sent twice. Bodies and server-sent events
pass through as they come.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from deploy.dev.ports import LOOPBACK

MAP = Path(__file__).resolve().parents[1] / "proxy" / "routes.map"
OF_THE_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
WAITS = httpx.Timeout(60, connect=3)
MOST_BYTES = 12 * 1024 * 1024
LIVE = re.compile(r"^/(desk|alerts|fragments)(/|$)")
LIVE_WAITS = httpx.Timeout(3600, connect=3)


@cache
def owners() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The map's lines: what a path must look like, and whose it is."""
    lines = [one.strip().removesuffix(";") for one in MAP.read_text(encoding="utf-8").splitlines()]
    told = [one.split() for one in lines if one and not one.startswith("#")]
    return tuple(
        (re.compile(path[1:] if path.startswith("~") else f"^{re.escape(path)}$"), owner) for path, owner in told
    )


def owner_of(path: str) -> str | None:
    return next((owner for pattern, owner in owners() if pattern.search(path)), None)


class Proxy:
    """An ASGI application; `ports` are those of the services on this machine."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = dict(ports)
        # Not a client: that would keep one person's cookies and send them with the next one's request.
        self._way = httpx.AsyncHTTPTransport(trust_env=False, limits=httpx.Limits(max_connections=None))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer(Request(scope, receive))
            await answer(scope, receive, send)

    async def close(self) -> None:
        await self._way.aclose()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        port = self._ports.get(owner_of(path) or "")
        if port is None:
            return PlainTextResponse("no service answers this path\n", status_code=404)
        if int(request.headers.get("content-length", 0)) > MOST_BYTES:
            return PlainTextResponse("too large\n", status_code=413)
        query = request.scope["query_string"]
        target = request.scope["raw_path"] + (b"?" + query if query else b"")
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        asked = httpx.Request(
            request.method,
            httpx.URL(f"http://{LOOPBACK}:{port}").copy_with(raw_path=target),
            headers=_forwarded(request),
            content=request.stream() if has_body else None,
            extensions={"timeout": (LIVE_WAITS if LIVE.match(path) else WAITS).as_dict()},
        )
        try:
            answer = await self._way.handle_async_request(asked)
        except httpx.TimeoutException:
            return PlainTextResponse("the service does not answer\n", status_code=504)
        except httpx.TransportError:
            return PlainTextResponse("the service is away\n", status_code=502)
        passed = StreamingResponse(_body(answer), status_code=answer.status_code)
        headers = [(name.lower(), value) for name, value in answer.headers.raw]
        passed.raw_headers = [one for one in headers if one[0].decode() not in OF_THE_CONNECTION]
        return passed


def _forwarded(request: Request) -> list[tuple[str, str]]:
    """`Host` as it came; who asked, and how, as nginx.conf says it."""
    ours = {"x-forwarded-for", "x-forwarded-proto"}
    kept = [one for one in request.headers.items() if one[0] not in OF_THE_CONNECTION | ours]
    peer = request.client.host if request.client else LOOPBACK
    before = request.headers.get("x-forwarded-for")
    return [
        *kept,
        ("x-forwarded-for", f"{before}, {peer}" if before else peer),
        ("x-forwarded-proto", request.headers.get("x-forwarded-proto", request.url.scheme)),
    ]


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()
