"""What a rule is given: the file, the profile, the doubts, the time; and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.finding import Finding, Severity
from services.sae_notifier.e2b.read import ReadBack
from services.sae_notifier.e2b.table import Profile


@dataclass(frozen=True)
class Scope:
    """`now` None: nothing is said about the future. `initial` None: not known whether this is the first transmission."""

    back: ReadBack
    profile: Profile
    doubts: Doubts
    now: datetime | None = None
    initial: bool | None = None

    @property
    def fda(self) -> bool:
        return self.profile == "fda-premarket"

    def find(self, block: Block, element: str, rule: str, en: str, vi: str, severity: Severity = "error") -> Finding:
        return Finding("rules", rule, element, self.back.where.xpath(self.back.node(block, element)), en, vi, severity)

    def missing(self, block: Block, element: str, rule: str, why_en: str, why_vi: str) -> Finding:
        """`element` should be there because of `why`."""
        return self.find(block, element, rule, f"{element} is missing: {why_en}", f"Thiếu {element}: {why_vi}")


Rule = Callable[[Scope], Iterator[Finding]]
