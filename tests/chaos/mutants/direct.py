"""Publishing past the relay, for the mutants that do: on the relay's bus and event loop, as soon as the relay has run once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from shared.audit import Written
from shared.bus import relay
from shared.bus.port import Record

_relay: relay.Relay | None = None


def watch_relay() -> None:
    """Remember the relay of this process, whose bus and loop are used."""
    init = relay.Relay.__init__

    def remember(self: relay.Relay, *args: Any, **kwargs: Any) -> None:
        global _relay
        init(self, *args, **kwargs)
        _relay = self

    relay.Relay.__init__ = remember  # type: ignore[method-assign]


def record_of(row: Written) -> Record:
    pairs = json.loads(row.headers)
    return Record(row.topic, row.key, row.body.encode(), tuple((name, value.encode()) for name, value in pairs))


def publish_later(row: Written, *, after_s: float) -> None:
    """As a background task does: nobody waits for it."""
    record = record_of(row)

    async def send() -> None:
        assert _relay is not None
        await asyncio.sleep(after_s)
        await _relay.bus.publish([record])

    assert _relay is not None and _relay._loop is not None
    asyncio.run_coroutine_threadsafe(send(), _relay._loop)


def publish_now(row: Written) -> None:
    """Block until the log has taken it. Before the relay's first pass there is no loop yet; then the relay sends it."""
    if _relay is None or _relay._loop is None:
        return
    asyncio.run_coroutine_threadsafe(_relay.bus.publish([record_of(row)]), _relay._loop).result(10)
