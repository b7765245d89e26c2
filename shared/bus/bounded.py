"""Starting and stopping a network client within a bound, whatever the other side does."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol, TypeVar

from shared.telemetry import get_logger

log = get_logger(__name__)


class Client(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


C = TypeVar("C", bound=Client)


async def started(client: C) -> C:
    """Start it, or leave nothing of it behind."""
    try:
        await client.start()
    except BaseException:
        await stopped(client, 1.0)
        raise
    return client


async def stopped(client: Client, within_s: float) -> None:
    """Say goodbye within the bound; a goodbye that hangs (it can, for ever) or fails is logged and the connections cut."""
    try:
        async with asyncio.timeout(within_s):
            await client.stop()
    except (Exception, asyncio.CancelledError) as error:
        log.warning("bus.stop_failed", seconds=within_s, error_type=type(error).__name__)
        for name in ("_fetcher", "_client", "client"):
            part = getattr(client, name, None)
            if part is not None:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(0.5):
                        await part.close()
        if isinstance(error, asyncio.CancelledError):
            raise
