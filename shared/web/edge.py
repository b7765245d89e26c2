"""The outermost layer of an application, as plain ASGI: trace, request id, size limit, security headers, one log line.

Whatever a handler fails with ends here as a 500 without details; only the error's type and places are logged, because
its text may quote what somebody typed (and Starlette's own handler would hand that text to the server's log).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics
from shared.ids import new_id
from shared.telemetry import get_logger, span
from shared.web.frames import is_fragment
from shared.web.problem import problem_response

log = get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors "
)
"""Without its last word: who may show this answer in a frame."""
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY + "'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_FRAMED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY + "'self'",
    "X-Frame-Options": "SAMEORIGIN",
}
_QUIET = ("/livez", "/readyz", "/metrics", "/static/")
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class Edge:
    """`unexpected` renders the answer to an error nobody handled (a page or a problem document)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        max_body_bytes: int,
        https: bool,
        unexpected: Callable[[Scope], Response],
    ) -> None:
        self._app, self._service, self._max = app, service, max_body_bytes
        self._unexpected = unexpected
        self._headers = dict(_HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        self._framed = self._headers | _FRAMED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        structlog.contextvars.clear_contextvars()
        with span(headers.get("traceparent")), structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._serve(scope, receive, send, headers, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, headers: Headers, request_id: str) -> None:
        started = time.perf_counter()
        status = 0
        streaming = False
        ours = self._framed if is_fragment(scope["path"]) else self._headers

        async def secured(message: Message) -> None:
            nonlocal status, streaming
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = request_id
                for name, value in ours.items():
                    answer.setdefault(name, value)
                answer.setdefault("Cache-Control", "no-store")
                streaming = answer.get("content-type", "").startswith("text/event-stream")
            await send(message)

        try:
            length = headers.get("content-length", "0")
            if length.isdigit() and int(length) > self._max:
                await self._too_large()(scope, receive, secured)
            else:
                await self._app(scope, _bounded(receive, self._max), secured)
        except Exception as error:
            log.error("request.failed", exc_info=error, method=scope["method"], route=_route(scope))
            if status:  # the answer has begun: cut it off, the client must not take it for whole
                raise ConnectionAbortedAfterStart from None
            await self._unexpected(scope)(scope, receive, secured)
        finally:
            self._account(scope, status, time.perf_counter() - started, streaming)

    def _account(self, scope: Scope, status: int, seconds: float, streaming: bool) -> None:
        route, method = _route(scope), scope["method"]
        method = method if method in _METHODS else "other"
        metrics.HTTP_REQUESTS.labels(self._service, method, route, str(status)).inc()
        if not streaming:
            metrics.HTTP_REQUEST_SECONDS.labels(self._service, method, route).observe(seconds)
        if not scope["path"].startswith(_QUIET):
            identity = scope.get("state", {}).get("identity")
            log.info(
                "request",
                method=method,
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 1),
                user_id=identity.user_id if identity is not None else None,
            )

    def _too_large(self) -> Response:
        return problem_response(
            413,
            "too-large",
            "The request is too large",
            f"at most {self._max:,} bytes are read",
            headers={"Connection": "close"},
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ConnectionAbortedAfterStart(Exception):
    """An answer failed half way; what it failed with has been logged."""


def _route(scope: Scope) -> str:
    """The route's template, so that neither logs nor labels hold what stands in a path."""
    path = getattr(scope.get("route"), "path", None)
    if scope["path"].startswith("/static/"):
        return "/static"
    return path if isinstance(path, str) and path else "unmatched"


def _bounded(receive: Receive, most: int) -> Receive:
    total = 0

    async def bounded() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > most:
                raise HTTPException(413, f"at most {most:,} bytes are read")
        return message

    return bounded
