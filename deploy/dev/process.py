"""Starting and ending one server process, whatever state it is in."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable


class ServerFailed(RuntimeError):
    """The server did not come up; the message ends with the tail of its log."""


def end(process: subprocess.Popen[bytes], first: signal.Signals, *, within_s: float) -> None:
    """Ask with `first`, wait, then SIGKILL. A stopped (SIGSTOP) process is continued first, else it cannot hear."""
    if process.poll() is not None:
        return
    process.send_signal(first)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def hold(announce: str, stop: Callable[[], None]) -> None:
    """Print where the server is, wait for SIGTERM or SIGINT, then stop it: the body of every `start` command."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    print(announce, flush=True)
    try:
        asked.wait()
    finally:
        stop()
