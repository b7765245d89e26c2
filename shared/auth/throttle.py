"""Slows down whoever guesses passwords, without letting a stranger lock the safety officer out.

Failures are counted per (user, address) and per address. Nobody waits longer than a quarter of an hour, and a person at
another address is not hindered by what strangers try. In memory, per process: several processes are as lax as many.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import TocsinError

FREE_FAILURES = 5
ADDRESS_FACTOR = 10
MAX_WAIT_S = 900.0
_FORGET_S = 3_600.0
_MOST_KEYS = 20_000


class TooManyAttempts(TocsinError):
    status = 429
    code = "too-many-attempts"
    title = "Too many failed sign-ins; wait before the next one"

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many failed sign-ins; try again in {max(1, round(wait_s))} s")
        self.wait_s = max(1, round(wait_s))


@dataclass
class _Tally:
    failures: int = 0
    last: float = 0.0


class Throttle:
    """`check` before a password is verified, then `failed` or `succeeded`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._tallies: OrderedDict[tuple[str, str], _Tally] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, user_id: str, address: str) -> None:
        """Raises TooManyAttempts while the wait after earlier failures lasts."""
        with self._lock:
            for key, free in self._keys(user_id, address):
                tally = self._tallies.get(key)
                if tally is None or tally.failures < free:
                    continue
                wait = min(MAX_WAIT_S, 2.0 ** min(20, tally.failures - free + 1))
                left = tally.last + wait - self._monotonic()
                if left > 0:
                    raise TooManyAttempts(left)

    def failed(self, user_id: str, address: str) -> None:
        now = self._monotonic()
        with self._lock:
            for key, _ in self._keys(user_id, address):
                tally = self._tallies.setdefault(key, _Tally())
                if now - tally.last > _FORGET_S:
                    tally.failures = 0
                tally.failures, tally.last = tally.failures + 1, now
                self._tallies.move_to_end(key)
            while len(self._tallies) > _MOST_KEYS:
                self._tallies.popitem(last=False)

    def succeeded(self, user_id: str, address: str) -> None:
        """Clears the person at that address, not the address: one known password must not buy guesses at others."""
        with self._lock:
            self._tallies.pop((user_id, address), None)

    @staticmethod
    def _keys(user_id: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
        return ((user_id, address), FREE_FAILURES), (("", address), FREE_FAILURES * ADDRESS_FACTOR)
