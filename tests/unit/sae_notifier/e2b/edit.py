"""Changing a good file in one place: through its data elements, or through its XML."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from services.sae_notifier.e2b import Block, Cell, Profile, draft
from services.sae_notifier.e2b.read import ReadBack, read
from services.sae_notifier.e2b.render import render
from services.sae_notifier.e2b.table import by_name
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, message


def good(profile: Profile = "ich") -> Block:
    return draft(CASE, FACTS, profile, message(profile)).batch


def report(batch: Block) -> Block:
    return batch.of("N.2.r")[0]


def owner(batch: Block, element: str) -> Block:
    """The first block of the element's group."""
    return next(one for one in batch.walk() if one.group == by_name()[element].group)


def with_cell(profile: Profile, element: str, cell: Cell | None) -> ReadBack:
    """A good file with one element changed, or (None) taken out, as it reads."""
    batch = good(profile)
    block = owner(batch, element)
    if cell is None:
        block.cells.pop(element, None)
    else:
        block.cells[element] = cell
    return read(render(batch))


def edited(profile: Profile, change: Callable[[etree._Element], None]) -> bytes:
    """A good file with its XML changed by hand."""
    root = etree.fromstring(render(good(profile)))
    change(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def first(root: etree._Element, path: str) -> etree._Element:
    """By local names (`PORR_IN049016UV/id`), or by an XPath that begins with a dot and calls the name space `h`."""
    if not path.startswith("."):
        path = "/".join(f"h:{name}" for name in path.split("/"))
    found = root.xpath(path, namespaces={"h": "urn:hl7-org:v3"})
    assert isinstance(found, list) and found, path
    assert isinstance(found[0], etree._Element)
    return found[0]
