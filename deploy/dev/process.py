"""Starting and ending one server process, whatever state it is in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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


def hold(announce: str, stop: Callable[[], None], *, with_parent: bool = False) -> None:
    """Print where the server is, wait for SIGTERM or SIGINT, then stop it: the body of every `start` command.

    `with_parent`: it ends too when standard input does, so that whoever started it cannot die and leave it behind.
    """
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    if with_parent:
        threading.Thread(target=_until_input_ends, args=(asked,), daemon=True).start()
    try:
        print(announce, flush=True)
    except BrokenPipeError:
        if not with_parent:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter says it again at its end
        asked.set()
    try:
        asked.wait()
    finally:
        stop()


def _until_input_ends(asked: threading.Event) -> None:
    # Not sys.stdin.read(): a thread that holds its buffer is an error when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    asked.set()
