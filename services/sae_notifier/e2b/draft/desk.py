"""The desk a report is drafted on: what every section needs, and the notices of what could not be carried as it stands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.facts import Facts
from services.sae_notifier.e2b.finding import Finding, Severity
from services.sae_notifier.e2b.hl7time import written
from services.sae_notifier.e2b.message import Message
from services.sae_notifier.e2b.table import Profile, by_name
from services.sae_notifier.e2b.text import clean
from shared.case import Assessment, CaseReport, Moment

_IDS = uuid.UUID("6a1d1c2e-2f2b-5c0e-9d3b-8b1f3d9e7a10")
"""Name space of the ids by which reactions and drugs refer to each other inside a message."""


@dataclass
class Desk:
    case: CaseReport
    facts: Facts
    profile: Profile
    message: Message
    doubts: Doubts
    notices: list[Finding] = field(default_factory=list)
    overflow: list[tuple[str, str]] = field(default_factory=list)
    """(element, whole text) of what was cut: the narrative takes it in."""

    @property
    def fda(self) -> bool:
        return self.profile == "fda-premarket"

    @property
    def signed(self) -> Assessment | None:
        return self.facts.signed(self.case)

    def reference(self, kind: str, own: str) -> str:
        return str(uuid.uuid5(_IDS, f"{self.case.case_number}|{kind}|{own}"))

    def notice(self, element: str, rule: str, en: str, vi: str, severity: Severity = "warning") -> None:
        found = Finding("mapping", rule, element, "", en, vi, severity)
        if found not in self.notices:
            self.notices.append(found)

    def words(self, block: Block, element: str, text: str) -> None:
        """Free text: cleaned, and cut to the element's length with the whole kept for the narrative."""
        whole = clean(text)
        if whole != text:
            en, vi = (
                f"{element}: characters that XML cannot hold were replaced",
                f"{element}: ký tự không ghi được đã bị thay",
            )
            self.notice(element, "unwritable", en, vi)
        most = by_name()[element].length
        if most and len(whole) > most:
            en = f"{element} was cut to {most} characters; the whole stands in H.1"
            self.notice(element, "cut", en, f"{element} bị cắt còn {most} ký tự; toàn văn ở H.1")
            self.overflow.append((element, whole))
            whole = f"{whole[: most - 1]}…"
        if whole.strip():
            block.put(element, whole)

    def code(self, block: Block, element: str, text: str) -> None:
        """A number or an identifier: never cut; one that is too long is the rules' to refuse."""
        if text.strip():
            block.put(element, clean(text))

    def words_or(self, block: Block, element: str, text: str, flavour: str) -> None:
        if text.strip():
            self.words(block, element, text)
        else:
            block.null(element, flavour)

    def time(self, block: Block, element: str, moment: Moment | None) -> None:
        """A time that can have been: one after this message was made is left out, and said."""
        if moment is None:
            return
        if moment.is_future(self.message.created_at):
            en, vi = f"{element}: a time in the future is left out", f"{element}: bỏ thời điểm trong tương lai"
            self.notice(element, "future", en, vi)
            return
        block.put(element, written(moment))
