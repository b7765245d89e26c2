"""From content to XML, by the mapping table and nothing else: the same content always gives the same bytes."""

from __future__ import annotations

from lxml import etree

from services.sae_notifier.e2b.block import Block, Cell
from services.sae_notifier.e2b.oids import BATCH_ROOT, NS, XSI, tag
from services.sae_notifier.e2b.path import Maker, Node, Place
from services.sae_notifier.e2b.structure import CONSTANTS, put_in_order
from services.sae_notifier.e2b.table import by_group, groups_below, place


def render(batch: Block) -> bytes:
    """The file of this batch, UTF-8."""
    root = etree.Element(tag(BATCH_ROOT), nsmap={None: NS, "xsi": XSI})  # type: ignore[arg-type]  None is the default one
    root.set("ITSVersion", "XML_1.0")
    root.set(f"{{{XSI}}}schemaLocation", f"{NS} {BATCH_ROOT}.xsd")
    _fill(Maker(), root, batch)
    put_in_order(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _fill(maker: Maker, node: Node, block: Block) -> None:
    for constant in CONSTANTS.get(block.group, ()):
        maker.make(node, place(constant).steps)
    for element in by_group(block.group):
        cell = block.cells.get(element.name)
        if cell is not None:
            _write(maker, node, element.places[0], cell)
    for group in groups_below(block.group):
        for one in block.of(group.name):
            _fill(maker, maker.make(node, group.anchor), one)


def _write(maker: Maker, node: Node, where: Place, cell: Cell) -> None:
    """Put one value in its place below `node`."""
    owner = maker.make(node, where.steps)
    last = where.steps[-1]
    if cell.text is None:
        owner.set("nullFlavor", cell.null or "NI")
        if last.scheme:
            owner.set("value", last.scheme)
        return
    if where.leaf == "text()":
        owner.text = cell.text
        return
    name = where.leaf[1:]
    owner.set(name, f"{last.scheme}:{cell.text}" if last.scheme else cell.text)
    if last.system and name == "code":
        owner.set("codeSystem", last.system)
