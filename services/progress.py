"""`tocsin run` loads the demonstration history while it serves, and shows how far it is."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from services.history import Loader, NotLoaded
from shared.clock import Clock
from shared.settings import Settings
from shared.supervise import Supervisor

WORDS = "Lịch sử minh họa / demonstration history"
EVERY_S = 0.1
QUARTERS = 4


def local_url(settings: Settings) -> str:
    """Where this machine reaches the server, whatever name others know it by."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104  compared, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen there: otherwise the history would be sent to whoever does."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        return False
    return True


def history_supervisor(settings: Settings, clock: Clock, console: Console) -> Supervisor:
    """One supervised loop that loads what is missing and then waits for the end; a failure is told and ends nothing."""
    supervisor = Supervisor("demonstration")

    async def loop(stop: asyncio.Event) -> None:
        with _Told(console) as told:
            async with httpx.AsyncClient(base_url=local_url(settings), timeout=30, trust_env=False) as http:
                loader = Loader(http, settings.var, told=told, stopping=supervisor.stopping)
                try:
                    loaded = await loader.load(clock.now())
                except NotLoaded as why:
                    told.end(f"Chưa nạp xong lịch sử / the history is not loaded: {why}\n`tocsin run` goes on with it.")
                else:
                    if loaded is not None:
                        told.end(f"{WORDS}: {loaded} records in {told.seconds:.0f} s")
        await stop.wait()

    supervisor.add("history", loop, stop_s=3.0)
    return supervisor


class _Told:
    """A bar on a terminal, a line per quarter elsewhere; drawn by the caller's thread, so that nothing outlives it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn(WORDS),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task: TaskID | None = None
        self._began = self._drawn = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        if self._task is None:
            self._began = time.monotonic()
            self._task = self._bar.add_task(WORDS, total=total)
            if self._console.is_terminal:
                self._bar.start()
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done)
            if time.monotonic() - self._drawn >= EVERY_S:
                self._drawn = time.monotonic()
                self._bar.refresh()
        elif done * QUARTERS // total != (done - 1) * QUARTERS // total:
            self._console.print(f"{WORDS}: {done}/{total}", highlight=False)

    def end(self, words: str) -> None:
        self._bar.stop()
        self._console.print(words, highlight=False, markup=False)
