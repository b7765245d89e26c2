"""A fuse between the log and the parking table."""

from __future__ import annotations

import time
from collections import deque


class Breaker:
    """Opens when too much is parked: a bad deploy must not drain the log into the parking table."""

    def __init__(self, consecutive: int = 20, window: int = 100, ratio: float = 0.5, rest_s: float = 30.0) -> None:
        self.consecutive, self.ratio, self.rest_s = consecutive, ratio, rest_s
        self._recent: deque[bool] = deque(maxlen=window)
        self._run = 0
        self.opened_at: float | None = None

    def success(self, count: int = 1) -> None:
        self._run = 0
        self._recent.extend([True] * count)
        self.opened_at = None

    def failure(self) -> bool:
        """Count one; True when this one opens the breaker."""
        self._run += 1
        self._recent.append(False)
        bad = self._recent.count(False)
        full = len(self._recent) == self._recent.maxlen
        if self._run >= self.consecutive or (full and bad / len(self._recent) > self.ratio):
            self._run = 0
            self._recent.clear()
            self.opened_at = time.monotonic()
            return True
        return False

    def remaining_s(self) -> float:
        return 0.0 if self.opened_at is None else max(0.0, self.opened_at + self.rest_s - time.monotonic())
