"""What a cut is: which document versions it holds, and how they are to be counted. Its hash is the cut's.

Offsets are not in it: a log that was republished has other ones, and the same cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.dsmb.domain.plan import Plan
from shared.canonical import canonical, sha256


@dataclass(frozen=True, order=True)
class Entry:
    """One version of one aggregate and the SHA-256 of its bytes on the log."""

    aggregate: str
    version: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """`salt` keeps the hash from being guessed: few arms and known documents would otherwise be tried one after another.

    `coding_sha256` is that of the arms' letters (with the salt), which are kept apart.
    """

    cut_id: str
    at: datetime
    program: str
    salt: str
    coding_sha256: str
    plan: Plan
    entries: tuple[Entry, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "cut_id": self.cut_id,
            "at": self.at.isoformat(),
            "program": self.program,
            "salt": self.salt,
            "coding_sha256": self.coding_sha256,
            "plan": self.plan.as_json(),
            "entries": [[one.aggregate, one.version, one.sha256] for one in sorted(self.entries)],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Manifest:
        return cls(
            cut_id=data["cut_id"],
            at=datetime.fromisoformat(data["at"]),
            program=data["program"],
            salt=data["salt"],
            coding_sha256=data["coding_sha256"],
            plan=Plan.from_json(data["plan"]),
            entries=tuple(Entry(*one) for one in data["entries"]),
        )

    def body(self) -> bytes:
        return canonical(self.as_json())

    @property
    def sha256(self) -> str:
        return sha256(self.body())


def coding_sha256(coding: Iterable[tuple[str, str]], salt: str) -> str:
    """The seal on the letters of the arms."""
    return sha256(canonical({"coding": sorted(map(list, coding)), "salt": salt}))
