"""One transmission of one version of one case: its numbers, its times, its receiver, and what it does to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.case import Moment


@dataclass(frozen=True)
class Amendment:
    """C.1.11: `1` voids the whole case, `2` corrects without news from outside. Never on a first transmission."""

    code: Literal["1", "2"]
    reason: str


@dataclass(frozen=True)
class Message:
    """Everything here is decided, and kept, before the bytes are made: the same message is always the same bytes.

    `created_at` is C.1.2 and N.2.r.4 and tells versions of one case apart; after a rejection it must be a new one.
    """

    batch_number: str
    batch_sender: str
    batch_receiver: str
    sender: str
    receiver: str
    created_at: datetime
    transmitted_at: datetime
    initial: bool = True
    expedited: bool = True
    """C.1.7."""
    criteria: Literal["1", "2", "4", "5", "6"] = "1"
    """FDA.C.1.7.1: 1 is 15 days, 6 is 7 days, 2 is not expedited."""
    worldwide_id: str = ""
    """C.1.8.1; empty: we are the first sender, so it is C.1.1."""
    first_sender: Literal["1", "2"] = "2"
    other_numbers: tuple[tuple[str, str], ...] = ()
    """C.1.9.1.r: (source, number)."""
    linked: tuple[str, ...] = ()
    """C.1.10.r."""
    amendment: Amendment | None = None
    first_received: Moment | None = None
    """C.1.4 as it was sent the first time; it never changes afterwards."""
    most_recent: Moment | None = None
    """C.1.5, where it is not to be taken from the case."""

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None or self.transmitted_at.tzinfo is None:
            raise ValueError("a message needs aware times")
