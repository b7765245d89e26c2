"""Background loops with somebody watching: a loop that dies makes the process unready and ends it.

An `asyncio` task that dies inside a FastAPI lifespan leaves `/livez` at 200 for ever, even in a TaskGroup. So every
loop of ours runs here. Loops stop in the reverse of the order they were added (add the relay before the consumer: the
consumer then stops first and the relay's last pass carries what it wrote), each within its own bound, all within one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import FrameType

from shared import metrics
from shared.telemetry import get_logger

log = get_logger(__name__)

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""`async def loop(stop)`: runs until `stop` is set; a return before that is a death like any other."""
Watchdog = Callable[[], str | None]
"""None while all is well, else why the process must end (a fixed sentence: it is logged and shown on /readyz)."""
Check = Callable[[], Awaitable[str | None]]
"""One reason not to be ready, or None; called for every /readyz."""

EXIT_GRACE_S = 15.0


def end_process(grace_s: float = EXIT_GRACE_S) -> None:
    """Ask the server to stop (SIGTERM to ourselves), and leave hard when it has not after `grace_s`."""
    timer = threading.Timer(grace_s, os._exit, (70,))
    timer.daemon = True
    timer.start()
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class _Running:
    name: str
    loop: Loop
    stop_s: float
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Owns the background loops of one service in one process; `end` is replaced in tests."""

    def __init__(
        self,
        service: str,
        *,
        end: Callable[[], None] = end_process,
        stop_s: float = 10.0,
        watch_every_s: float = 1.0,
        ring: Callable[[], object] | None = None,
    ) -> None:
        self.service, self.stopping = service, asyncio.Event()
        self._ring = ring
        self._end, self._stop_s, self._watch_every_s = end, stop_s, watch_every_s
        self._loops: list[_Running] = []
        self._watchdogs: dict[str, Watchdog] = {}
        self._checks: dict[str, Check] = {}
        self._dead: dict[str, str] = {}
        self._watch: asyncio.Task[None] | None = None
        self._started = False
        self._restore: list[Callable[[], None]] = []

    def add(self, name: str, loop: Loop, *, watchdog: Watchdog | None = None, stop_s: float = 5.0) -> None:
        """Register a loop before `start`; `stop_s` is what it gets after its stop event before it is cancelled."""
        if self._started:
            raise RuntimeError(f"loop {name} was added after start")
        if any(running.name == name for running in self._loops):
            raise ValueError(f"two loops are named {name}")
        self._loops.append(_Running(name, loop, stop_s))
        if watchdog is not None:
            self._watchdogs[name] = watchdog

    def add_watchdog(self, name: str, watchdog: Watchdog) -> None:
        self._watchdogs[name] = watchdog

    def add_check(self, name: str, check: Check) -> None:
        """A readiness check; it is bounded to 2 s and a failure of its own counts as a reason."""
        self._checks[name] = check

    async def start(self) -> None:
        """Start every loop in the order added; also hears SIGTERM and SIGINT early, so that open streams can end."""
        self._started = True
        self._hear_signals()
        for running in self._loops:
            running.task = asyncio.create_task(self._run(running), name=f"{self.service}:{running.name}")
        self._watch = asyncio.create_task(self._watch_over(), name=f"{self.service}:watch")

    async def _run(self, running: _Running) -> None:
        gauge = metrics.LOOPS_RUNNING.labels(service=self.service)
        gauge.inc()
        try:
            await running.loop(running.stop)
            if not running.stop.is_set():
                self._died(running.name, "ended by itself")
        except asyncio.CancelledError:
            if not running.stop.is_set():
                self._died(running.name, "was cancelled")
            raise
        except Exception as error:
            log.critical("loop.failed", service=self.service, loop=running.name, exc_info=error)
            self._died(running.name, f"failed with {type(error).__name__}")
        finally:
            gauge.dec()

    def _died(self, name: str, why: str) -> None:
        self._dead[name] = f"{name} {why}"
        if self.stopping.is_set():
            return
        log.critical("loop.died", service=self.service, loop=name, reason=why)
        self.stopping.set()
        if self._ring is not None:
            # In a thread that may die with the process: the bell must not hold the end up.
            threading.Thread(target=self._ring, daemon=True).start()
        self._end()

    async def _watch_over(self) -> None:
        while not self.stopping.is_set():
            for name, watchdog in self._watchdogs.items():
                try:
                    why = watchdog()
                except Exception as error:
                    why = f"its watchdog failed with {type(error).__name__}"
                if why is not None:
                    self._died(name, why)
                    return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._watch_every_s):
                    await self.stopping.wait()

    async def ready(self) -> list[str]:
        """Every reason not to be ready, in words; empty means ready."""
        if not self._started:
            return [f"{self.service}: not started"]
        reasons = [f"{self.service}: {why}" for why in self._dead.values()]
        if self.stopping.is_set():
            reasons.append(f"{self.service}: stopping")
        found = await asyncio.gather(*(self._check(name, check) for name, check in self._checks.items()))
        return reasons + [reason for reason in found if reason is not None]

    async def _check(self, name: str, check: Check) -> str | None:
        try:
            async with asyncio.timeout(2.0):
                why = await check()
        except TimeoutError:
            why = "no answer within 2 s"
        except Exception as error:
            why = f"failed with {type(error).__name__}"
        return None if why is None else f"{self.service}: {name}: {why}"

    async def stop(self) -> None:
        """Stop every loop, last added first; one that overstays is cancelled, one that ignores that is left behind."""
        self.stopping.set()
        deadline = time.monotonic() + self._stop_s
        for running in reversed(self._loops):
            running.stop.set()
            if running.task is None:
                continue
            left = max(0.05, min(running.stop_s, deadline - time.monotonic()))
            done, _ = await asyncio.wait({running.task}, timeout=left)
            if not done:
                log.warning("loop.cancelled", service=self.service, loop=running.name, seconds=round(left, 1))
                running.task.cancel()
                await asyncio.wait({running.task}, timeout=0.5)
        if self._watch is not None:
            await asyncio.wait({self._watch}, timeout=1.0)
        for restore in self._restore:
            restore()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Supervisor]:
        """`async with supervisor.running():` inside a FastAPI lifespan."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def _hear_signals(self) -> None:
        """The server waits for open connections before the lifespan ends: streams must learn of it from the signal."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if not callable(before):
                continue

            def chained(
                number: int, frame: FrameType | None, before: Callable[[int, FrameType | None], object] = before
            ) -> None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: there is nothing left to end
                    loop.call_soon_threadsafe(self.stopping.set)
                before(number, frame)

            signal.signal(number, chained)
            self._restore.append(lambda number=number, ours=chained, before=before: _restore(number, ours, before))


def _restore(number: int, ours: object, before: Callable[[int, FrameType | None], object]) -> None:
    if signal.getsignal(number) is ours:
        signal.signal(number, before)


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, but not beyond `stop`; True when it is time to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()


def dump_threads() -> None:
    """Write every thread's stack to stderr (code places only); for a watchdog that is about to end the process."""
    import faulthandler

    faulthandler.dump_traceback(file=sys.stderr)
