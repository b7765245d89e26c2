"""What a file holds that no data element of ours explains: whoever reads only the rest has not read the report.

Gateways accept what they do not recognise; a code nobody knows looks like an answer and is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.path import Node
from services.sae_notifier.e2b.rules.scope import Scope
from services.sae_notifier.e2b.structure import local

MOST = 50
_TECHNICAL = frozenset(
    [
        "interactionId",
        "responseModeCode",
        "processingCode",
        "acceptAckCode",
        "statusCode",
        "denominator",
        "attentionLine",
    ]
)
"""Said by every message alike, or read together with what stands beside it."""


def unread(scope: Scope) -> Iterator[Finding]:
    """A warning for each, up to MOST: regional elements of others are legal, and unknown to us."""
    known: set[Node] = set()
    for node in scope.back.owners:
        up: Node | None = node
        while up is not None and up not in known:
            known.add(up)
            up = up.getparent()
    for number, node in enumerate(_strangers(scope.back.root, known, set(scope.back.owners))):
        if number == MOST:
            return
        name = local(node)
        en = f"{name} says something that is none of the data elements we know; it was not read"
        vi = f"{name} có nội dung không thuộc phần tử dữ liệu nào đã biết; không được đọc"
        yield Finding("rules", "not-read", "", scope.back.where.xpath(node), en, vi, "warning")


def _strangers(root: Node, known: set[Node], owners: set[Node]) -> Iterator[Node]:
    """The topmost elements that say something and lead to nothing that was read."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if local(node) in _TECHNICAL:
            continue
        if node in known:
            if node not in owners and _says(node):
                yield node
            waiting.extend(reversed([one for one in node if isinstance(one.tag, str)]))
        elif any(local(one) not in _TECHNICAL and _says(one) for one in node.iter(etree.Element)):
            yield node


def _says(node: Node) -> bool:
    """A text, a value, a number; a code only where it is an answer, not where it says what is asked."""
    if (node.text or "").strip() or node.get("value") or node.get("extension"):
        return True
    return local(node) == "value" and node.get("code") is not None
