"""Whoever is told to end while it waits, ends, in whichever turn of the event loop it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.bus.wake import Wake
from shared.supervise import pause

Waiting = tuple[Callable[[], Awaitable[object]], Callable[[], object]]


def _pause() -> Waiting:
    stop = asyncio.Event()
    return lambda: pause(stop, 60.0), stop.set


def _wake() -> Waiting:
    wake = Wake()
    return lambda: wake.wait(60.0), wake.set


@pytest.mark.parametrize("kind", [_pause, _wake], ids=["pause", "wake"])
@pytest.mark.parametrize("turns", range(4))
async def test_a_cancellation_in_the_turn_of_a_wake_is_heard(kind: Callable[[], Waiting], turns: int) -> None:
    wait, wake = kind()
    ended = 0

    async def work() -> None:
        nonlocal ended
        try:
            while True:
                await wait()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            ended += 1
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0.02)
    wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1.0)
    assert done and ended == 1
    assert task.cancelled()
