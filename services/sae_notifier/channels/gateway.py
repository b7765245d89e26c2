"""The way to a recipient's computer and back: one file goes out, answers come in. Three adapters keep this protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MOST_ANSWER_BYTES = 10_000_000
MOST_ANSWERS = 20
"""Fetched at a time; the rest waits for the next turn."""


@dataclass(frozen=True)
class Parcel:
    """One E2B(R3) file. `number` (N.1.2) is the same on every attempt, so that a repeat can be recognised."""

    number: str
    content: bytes
    sha256: str


@dataclass(frozen=True)
class Handed:
    """What the other side said when it took the file; `receipt` is its number for "we have received this", empty where
    it gave none. Handing over alone is no receipt."""

    said: str
    receipt: str = ""


@dataclass(frozen=True)
class Waiting:
    """One answer as it lies there, at most MOST_ANSWER_BYTES + 1 of it: what is longer is not read anyway."""

    name: str
    content: bytes


class Gateway(Protocol):
    async def hand_over(self, parcel: Parcel) -> Handed:
        """Raises HandoverFailed within 10 s unless the other side holds the whole file."""
        ...

    async def answers(self) -> list[Waiting]:
        """What waits, oldest first; asked again it is the same until `done_with`. Raises HandoverFailed."""
        ...

    async def done_with(self, name: str) -> None:
        """The answer is kept here: it need not be given again. Raises HandoverFailed; twice is as once."""
        ...
