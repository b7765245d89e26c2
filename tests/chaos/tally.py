"""What was done to the system, counted while it happens."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Kills are SIGKILLs of a living process, by a failpoint or by us. `say` prints a line with the time since start."""

    kills: int = 0
    at_failpoints: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    zombies: Counter[str] = field(default_factory=Counter)
    """By kind, those that were stopped inside an open transaction; `… not in a transaction` do not count."""
    others: Counter[str] = field(default_factory=Counter)
    """Broker and database restarts, duplicated and reordered deliveries, instances added and removed."""
    ended_by_themselves: Counter[str] = field(default_factory=Counter)
    """A process that could not go on (no database at start, a watchdog) and was started again, as an orchestrator would."""
    began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def killed(self, failpoint: str = "") -> None:
        with self._lock:
            self.kills += 1
            if failpoint:
                self.at_failpoints[failpoint] += 1

    def say(self, text: str) -> None:
        with self._lock:
            sys.stdout.write(f"[{time.monotonic() - self.began:6.1f} s] {text}\n")
            sys.stdout.flush()
