"""From XML back to content, by the same table; lenient, so that the rules can speak about files we did not write."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from services.sae_notifier.e2b.block import Block, Cell
from services.sae_notifier.e2b.path import Finder, Node, Place
from services.sae_notifier.e2b.safe import Limits, safe_parse
from services.sae_notifier.e2b.table import REPORT, ROOT_GROUP, by_group, groups_below


@dataclass(frozen=True)
class ReadBack:
    """What a file says. `places` leads from a block and an element to the XML element that says it."""

    batch: Block
    root: Node
    places: dict[tuple[int, str], Node] = field(default_factory=dict)

    @property
    def reports(self) -> list[Block]:
        return self.batch.of(REPORT)

    def node(self, block: Block, element: str = "") -> Node | None:
        """The XML element of this cell, or of the block when there is no such cell."""
        found = self.places.get((id(block), element))
        return found if found is not None else self.places.get((id(block), ""))

    def element_at(self, node: Node) -> str:
        """The number of the data element that stands at this XML element or nearest above it; empty when there is none."""
        owners = {one: name for (_, name), one in self.places.items() if name}
        while node is not None and node not in owners:
            node = node.getparent()  # type: ignore[assignment]
        return owners.get(node, "")


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
            found = _cell(finder, node, where)
            if found is not None:
                owner, cell = found
                block.cells[element.name] = cell
                back.places[id(block), element.name] = owner
                break
    for group in groups_below(block.group):
        for one in finder.find(node, group.anchor):
            _read(finder, one, block.add(group.name), back)


def _cell(finder: Finder, node: Node, where: Place) -> tuple[Node, Cell] | None:
    """The first element that has this value or says why not; an empty one says nothing."""
    for owner in finder.find(node, where.steps):
        flavour = owner.get("nullFlavor")
        if flavour is not None and (where.steps[-1].scheme or not _value(owner, where)):
            return owner, Cell(null=flavour)
        value = _value(owner, where)
        if value:
            return owner, Cell(value)
    return None


def _value(owner: Node, where: Place) -> str:
    if where.leaf == "text()":
        return "".join(str(part) for part in owner.itertext(etree.Element)) if len(owner) else owner.text or ""
    value = owner.get(where.leaf[1:]) or ""
    scheme = where.steps[-1].scheme
    return value.removeprefix(scheme).removeprefix(":") if scheme else value
