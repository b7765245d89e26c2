"""Nothing leaves before it was read back: every cell of the draft, nothing more, and no XML that the table cannot explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from services.sae_notifier.e2b.block import Block, Cell
from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.draft.whole import draft
from services.sae_notifier.e2b.facts import Facts
from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.message import Message
from services.sae_notifier.e2b.read import ReadBack, read
from services.sae_notifier.e2b.render import render
from services.sae_notifier.e2b.safe import safe_parse
from services.sae_notifier.e2b.table import Profile, by_group, groups_below
from shared.case import CaseReport


@dataclass(frozen=True)
class Difference:
    """One element that does not say what it should; `where` counts the repeating groups, `N.2.r[1]/E.i[2]`."""

    element: str
    where: str
    expected: Cell | None
    found: Cell | None

    def as_finding(self) -> Finding:
        en, vi = f"{self.element} does not read back as it was meant", f"{self.element} đọc lại không đúng như dự định"
        return Finding("compare", "read-back", self.element, self.where, en, vi)


def compare(
    case: CaseReport, facts: Facts, profile: Profile, message: Message, xml: bytes, doubts: Doubts | None = None
) -> list[Difference]:
    """The file against the case it should tell."""
    return compare_read(draft(case, facts, profile, message, doubts).batch, read(xml), xml)


def compare_read(meant: Block, back: ReadBack, xml: bytes = b"") -> list[Difference]:
    """Cell by cell; then the file rendered anew from what was read, which shows whatever the table does not know."""
    found = list(_blocks(meant, back.batch, ""))
    if not found:
        again = render(back.batch)
        if again != xml and _canonical(back.root) != _canonical(safe_parse(again)):
            found.append(Difference("", "/", None, Cell("the file holds more than its data elements")))
    return found


def _blocks(meant: Block, read_back: Block, where: str) -> Iterator[Difference]:
    for element in by_group(meant.group):
        expected, found = meant.cells.get(element.name), read_back.cells.get(element.name)
        if expected != found:
            yield Difference(element.name, where, expected, found)
    for group in groups_below(meant.group):
        wanted, there = meant.of(group.name), read_back.of(group.name)
        for place in range(max(len(wanted), len(there))):
            here = f"{where}/{group.name}[{place + 1}]".lstrip("/")
            if place >= len(there) or place >= len(wanted):
                missing = place >= len(there)
                cells = (Cell("a block"), None) if missing else (None, Cell("a block"))
                yield Difference(group.name, here, *cells)
            else:
                yield from _blocks(wanted[place], there[place], here)


def _canonical(root: etree._Element) -> bytes:
    return etree.tostring(root, method="c14n2", with_comments=False)
