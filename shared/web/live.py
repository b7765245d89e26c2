"""Live lists by FastAPI's own server-sent events: the stream says *that* something changed, the page fetches *what*.

    feed = LiveFeed("desk", lambda: str(database.read(store.desk_version)))

    @router.get("/desk/live", response_class=EventSourceResponse)
    async def desk_live(request: Request, who: Annotated[Identity, Depends(require("see_desk"))]):
        async for event in feed.stream(request, who):
            yield event

No data travels in the stream, so it can leak none. It ends when the process stops (an open stream would otherwise hold
the shutdown up) and when the sign-in ends. FastAPI adds the keep-alive comments.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from shared import metrics
from shared.auth.guard import authenticator
from shared.auth.identity import Identity
from shared.supervise import pause
from shared.telemetry import get_logger

__all__ = ["EventSourceResponse", "LiveFeed", "ServerSentEvent"]

log = get_logger(__name__)

MOST_STREAMS = 200
RECHECK_S = 15.0
RETRY_MS = 2_000


class LiveFeed:
    """`watch` (sync, in a thread, shared by all streams) returns a short text that differs when the list has changed."""

    def __init__(self, name: str, watch: Callable[[], str], *, every_s: float = 1.0) -> None:
        self.name, self._watch, self._every_s = name, watch, every_s
        self._token, self._read_at = "", float("-inf")
        self._lock = asyncio.Lock()
        self._open = 0

    async def stream(self, request: Request, who: Identity) -> AsyncIterator[ServerSentEvent]:
        """Events `changed` (id = the token), `signed-out` and `bye`; the browser reconnects after `bye` by itself."""
        if self._open >= MOST_STREAMS:
            yield ServerSentEvent(event="bye", data="busy", retry=30_000)
            return
        gauge = metrics.LIVE_STREAMS.labels(service=request.app.state.service)
        self._open += 1
        gauge.inc()
        try:
            async for event in self._events(request, who):
                yield event
        finally:
            self._open -= 1
            gauge.dec()

    async def _events(self, request: Request, who: Identity) -> AsyncIterator[ServerSentEvent]:
        stopping: asyncio.Event = request.app.state.stopping
        seen = request.headers.get("last-event-id")
        checked = time.monotonic()
        yield ServerSentEvent(comment="open", retry=RETRY_MS)
        while True:
            token = await self._current()
            if token is not None and token != seen:
                seen = token
                yield ServerSentEvent(event="changed", data=self.name, id=token)
            if time.monotonic() - checked >= RECHECK_S:
                checked = time.monotonic()
                if not await self._valid(request, who):
                    yield ServerSentEvent(event="signed-out", data=self.name)
                    return
            if await pause(stopping, self._every_s):
                yield ServerSentEvent(event="bye", data="stopping", retry=RETRY_MS)
                return

    async def _valid(self, request: Request, who: Identity) -> bool:
        try:
            return await asyncio.to_thread(authenticator(request).still_valid, who)
        except Exception as error:  # not knowing is not signed in
            log.warning("live.recheck-failed", name=self.name, exc_info=error)
            return False

    async def _current(self) -> str | None:
        """The token, read at most once per `every_s` for all streams; None when it cannot be read now."""
        async with self._lock:
            if time.monotonic() - self._read_at < self._every_s * 0.9:
                return self._token
            try:
                self._token = await asyncio.to_thread(self._watch)
            except Exception as error:
                log.warning("live.watch-failed", name=self.name, exc_info=error)
                return None
            self._read_at = time.monotonic()
            return self._token
