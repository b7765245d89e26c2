"""Nobody dies silently, and a stop has an end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

import pytest

from shared.supervise import Supervisor, pause


class Ended:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


async def steady(stop: asyncio.Event) -> None:
    await stop.wait()


async def until(condition: object, seconds: float = 2.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.005)


async def test_a_healthy_service_is_ready_and_stops_quickly() -> None:
    ended = Ended()
    supervisor = Supervisor("s", end=ended)
    supervisor.add("steady", steady)
    assert await supervisor.ready() == ["s: not started"]
    async with supervisor.running():
        assert await supervisor.ready() == []
    assert ended.times == 0
    assert await supervisor.ready() == ["s: stopping"]


@pytest.mark.parametrize("how", ["raises", "returns", "is cancelled"])
async def test_a_loop_that_dies_makes_the_process_unready_and_ends_it(how: str) -> None:
    async def dying(stop: asyncio.Event) -> None:
        await asyncio.sleep(0.01)
        if how == "raises":
            raise ValueError("patient text")
        if how == "is cancelled":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)

    ended = Ended()
    supervisor = Supervisor("s", end=ended)
    supervisor.add("steady", steady)
    supervisor.add("dying", dying)
    async with supervisor.running():
        await until(lambda: ended.times)
        reasons = await supervisor.ready()
    assert ended.times == 1
    assert any("dying" in reason for reason in reasons) and "patient" not in " ".join(reasons)


async def test_a_watchdog_that_barks_ends_the_process() -> None:
    ended = Ended()
    moving = [True]
    supervisor = Supervisor("s", end=ended, watch_every_s=0.01)
    supervisor.add("worker", steady, watchdog=lambda: None if moving[0] else "has lag and does not move")
    async with supervisor.running():
        await asyncio.sleep(0.05)
        assert ended.times == 0
        moving[0] = False
        await until(lambda: ended.times)
        assert "s: worker has lag and does not move" in await supervisor.ready()


async def test_a_watchdog_that_fails_counts_as_barking() -> None:
    def broken() -> str | None:
        raise KeyError("x")

    ended = Ended()
    supervisor = Supervisor("s", end=ended, watch_every_s=0.01)
    supervisor.add_watchdog("lag", broken)
    async with supervisor.running():
        await until(lambda: ended.times)


async def test_loops_stop_in_the_reverse_order_one_after_the_other() -> None:
    order: list[str] = []

    def loop(name: str, seconds: float) -> object:
        async def run(stop: asyncio.Event) -> None:
            await stop.wait()
            await asyncio.sleep(seconds)
            order.append(name)

        return run

    supervisor = Supervisor("s", end=Ended())
    supervisor.add("relay", loop("relay", 0))  # type: ignore[arg-type]
    supervisor.add("worker", loop("worker", 0.05))  # type: ignore[arg-type]
    async with supervisor.running():
        pass
    assert order == ["worker", "relay"]


async def test_a_loop_that_will_not_stop_is_cancelled_within_its_bound() -> None:
    async def deaf(stop: asyncio.Event) -> None:
        await asyncio.sleep(60)

    async def stubborn(stop: asyncio.Event) -> None:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    supervisor = Supervisor("s", end=Ended(), stop_s=0.3)
    supervisor.add("deaf", deaf, stop_s=0.1)
    supervisor.add("stubborn", stubborn, stop_s=0.1)
    await supervisor.start()
    await asyncio.sleep(0)
    started = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - started < 2.5
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        for _ in range(4):
            task.cancel()
            await asyncio.sleep(0)


async def test_readiness_checks_are_bounded_and_told() -> None:
    async def away() -> str | None:
        return "the database does not answer"

    async def broken() -> str | None:
        raise OSError("host name with a secret")

    supervisor = Supervisor("s", end=Ended())
    supervisor.add_check("database", away)
    supervisor.add_check("log", broken)
    async with supervisor.running():
        reasons = await supervisor.ready()
    assert reasons == ["s: database: the database does not answer", "s: log: failed with OSError"]


async def test_a_signal_is_heard_at_once_and_passed_on() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        supervisor = Supervisor("s", end=Ended())
        async with supervisor.running():
            os.kill(os.getpid(), signal.SIGTERM)
            await until(supervisor.stopping.is_set)
            assert heard == [signal.SIGTERM]
        after = signal.getsignal(signal.SIGTERM)
        assert callable(after)
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_two_loops_of_one_name_or_a_late_one_are_refused() -> None:
    supervisor = Supervisor("s", end=Ended())
    supervisor.add("a", steady)
    with pytest.raises(ValueError, match="two loops"):
        supervisor.add("a", steady)
    async with supervisor.running():
        with pytest.raises(RuntimeError, match="after start"):
            supervisor.add("b", steady)


async def test_pause_ends_with_the_stop() -> None:
    stop = asyncio.Event()
    assert await pause(stop, 0.001) is False
    stop.set()
    assert await pause(stop, 60) is True
