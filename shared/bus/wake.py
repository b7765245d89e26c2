"""Wakes a loop from any thread, so that a commit is relayed now and not at the next poll."""

from __future__ import annotations

import asyncio
import contextlib


class Wake:
    """`set` from anywhere; `wait` in the loop that first waits on it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None
        self._pending = False

    def set(self) -> None:
        loop, event = self._loop, self._event
        if loop is None or event is None:
            self._pending = True
            return
        with contextlib.suppress(RuntimeError):  # the loop has closed: the process is ending
            loop.call_soon_threadsafe(event.set)

    async def wait(self, timeout_s: float) -> None:
        """Return when set, or after `timeout_s`."""
        if self._event is None:
            self._loop, self._event = asyncio.get_running_loop(), asyncio.Event()
            if self._pending:
                self._event.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        self._event.clear()
