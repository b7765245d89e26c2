"""Onset windows: when an event of one term is usually seen after one kind of exposure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal, cast

from services.causality.knowledge.tables import rows
from shared.case import ExposureKind
from shared.terms.search import fold

Anchor = Literal["start", "end", "dose", "stop"]
Evidence = Literal["read", "mixed", "memory"]


@dataclass(frozen=True)
class Window:
    """Hours from the anchor to onset: plausible from `min_h` to `max_h`, both included."""

    id: str
    kind: ExposureKind
    agents: tuple[str, ...]
    codes: frozenset[str]
    anchor: Anchor
    min_h: Decimal
    typical_h: Decimal
    max_h: Decimal
    evidence: Evidence
    specific: bool
    sources: tuple[str, ...]

    @property
    def doubt(self) -> bool:
        """It rests on memory alone."""
        return self.evidence == "memory"

    def fits(self, name: str | None) -> bool:
        """Whether a named agent is meant; an agent that nobody named may be any of them."""
        if not self.agents or name is None or not fold(name):
            return True
        said = f" {fold(name)} "
        return any(f" {agent} " in said for agent in self.agents)


@cache
def _table() -> tuple[Window, ...]:
    return tuple(
        Window(
            id=row["id"],
            kind=cast(ExposureKind, row["kind"]),
            agents=tuple(fold(agent) for agent in row["agent"].split("|") if agent),
            codes=frozenset(row["terms"].split()),
            anchor=cast(Anchor, row["anchor"]),
            min_h=Decimal(row["min_h"]),
            typical_h=Decimal(row["typical_h"]),
            max_h=Decimal(row["max_h"]),
            evidence=cast(Evidence, row["evidence"]),
            specific=row["specific"] == "yes",
            sources=tuple(row["sources"].split()),
        )
        for row in rows("windows.csv")
    )


def windows(kind: ExposureKind, name: str | None, code: str) -> tuple[Window, ...]:
    """The windows of one exposure for one term, what was read before what is remembered."""
    found = [w for w in _table() if w.kind == kind and code in w.codes and w.fits(name)]
    return tuple(sorted(found, key=lambda w: (w.doubt, w.id)))


@cache
def _notes() -> dict[str, str]:
    return {row["id"]: row["note"] for row in rows("sources.csv")}


def note(window: Window) -> str:
    """Where the window comes from, in our own words; empty when it rests on memory alone."""
    return "; ".join(_notes()[source] for source in window.sources if source != "memory")
