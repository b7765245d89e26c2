"""A few thousand values, each remembered for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass
class _Entry(Generic[V]):
    value: V
    until: float


class Cache(Generic[V]):
    """The least lately put go first."""

    def __init__(self, keep_s: float, monotonic: Callable[[], float], most: int = 4_096) -> None:
        self._keep_s, self._monotonic, self._most = keep_s, monotonic, most
        self._entries: OrderedDict[str, _Entry[V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> V | None:
        with self._lock:
            entry = self._entries.get(key)
            return entry.value if entry is not None and entry.until > self._monotonic() else None

    def put(self, key: str, value: V) -> None:
        with self._lock:
            self._entries[key] = _Entry(value, self._monotonic() + self._keep_s)
            self._entries.move_to_end(key)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
