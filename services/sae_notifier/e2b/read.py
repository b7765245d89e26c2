"""From XML back to content, by the same table; lenient, so that the rules can speak about files we did not write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from services.sae_notifier.e2b.block import Block, Cell
from services.sae_notifier.e2b.finding import Places
from services.sae_notifier.e2b.path import Finder, Node, Place
from services.sae_notifier.e2b.safe import Limits, safe_parse
from services.sae_notifier.e2b.table import REPORT, ROOT_GROUP, by_group, groups_below


@dataclass(frozen=True)
class ReadBack:
    """What a file says. `places` leads from a block and an element to the XML element that says it."""

    batch: Block
    root: Node
    places: dict[tuple[int, str], Node] = field(default_factory=dict)
    where: Places = field(default_factory=Places)
    again: list[tuple[Block, str, Node]] = field(default_factory=list)
    """Where something that can be said once is said once more: which of the two counts, nobody can know."""

    @property
    def reports(self) -> list[Block]:
        return self.batch.of(REPORT)

    def node(self, block: Block, element: str = "") -> Node | None:
        """The XML element of this cell, or of the block when there is no such cell."""
        found = self.places.get((id(block), element))
        return found if found is not None else self.places.get((id(block), ""))

    def element_at(self, node: Node) -> str:
        """The number of the data element that stands at this XML element or nearest above it; empty when there is none."""
        while node is not None and node not in self.owners:
            node = node.getparent()  # type: ignore[assignment]
        return self.owners.get(node, "")

    @cached_property
    def owners(self) -> dict[Node, str]:
        """The XML elements that say something, each with its data element."""
        return {one: name for (_, name), one in self.places.items() if name}


def read(xml: bytes, limits: Limits | None = None) -> ReadBack:
    """Read a batch. Raises XmlRefused when the file is not safe to read or not XML."""
    return read_tree(safe_parse(xml, limits))


def read_tree(root: Node) -> ReadBack:
    back = ReadBack(Block(ROOT_GROUP), root)
    _read(Finder(), root, back.batch, back)
    return back


def _read(finder: Finder, node: Node, block: Block, back: ReadBack) -> None:
    back.places[id(block), ""] = node
    for element in by_group(block.group):
        for where in element.places:
            found = _cells(finder, node, where)
            first = next(found, None)
            if first is not None:
                owner, cell = first
                block.cells[element.name] = cell
                back.places[id(block), element.name] = owner
                back.again.extend((block, element.name, other) for other, _ in found)
                break
    for group in groups_below(block.group):
        for one in finder.find(node, group.anchor):
            _read(finder, one, block.add(group.name), back)


def _cells(finder: Finder, node: Node, where: Place) -> Iterator[tuple[Node, Cell]]:
    """The elements that have this value or say why not, of which the first counts; an empty one says nothing."""
    for owner in finder.find(node, where.steps):
        flavour = owner.get("nullFlavor")
        if flavour is not None and (where.steps[-1].scheme or not _value(owner, where)):
            yield owner, Cell(null=flavour)
            continue
        value = _value(owner, where)
        if value:
            yield owner, Cell(value)


def _value(owner: Node, where: Place) -> str:
    if where.leaf == "text()":
        return "".join(str(part) for part in owner.itertext(etree.Element)) if len(owner) else owner.text or ""
    value = owner.get(where.leaf[1:]) or ""
    scheme = where.steps[-1].scheme
    return value.removeprefix(scheme).removeprefix(":") if scheme else value
