"""One thing found in a file: which layer and rule, at which data element and place, in both languages, without values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.sae_notifier.e2b.path import Node
from services.sae_notifier.e2b.structure import local

Layer = Literal["parse", "xsd", "rules", "mapping", "compare"]
Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """`element` is the E2B(R3) number, empty where none stands; an error keeps the file from being sent, a warning does not."""

    layer: Layer
    rule: str
    element: str
    xpath: str
    en: str
    vi: str
    severity: Severity = "error"

    def as_json(self) -> dict[str, object]:
        return {
            "layer": self.layer,
            "rule": self.rule,
            "element": self.element,
            "xpath": self.xpath,
            "severity": self.severity,
            "message": {"vi": self.vi, "en": self.en},
        }


class Places:
    """Where elements of one tree stand; equals are counted once per parent, since a hostile file has 100,000 of them."""

    def __init__(self) -> None:
        self._counted: dict[tuple[Node, object], dict[Node, int]] = {}

    def xpath(self, node: Node | None) -> str:
        """With positions where it has equals: `/MCCI_IN200100UV01/PORR_IN049016UV[2]/id`."""
        steps: list[str] = []
        while node is not None:
            parent = node.getparent()
            equals = {} if parent is None else self._equals(parent, node)
            number = f"[{equals[node]}]" if len(equals) > 1 else ""
            steps.append(f"{local(node)}{number}")
            node = parent  # type: ignore[assignment]
        return "/" + "/".join(reversed(steps)) if steps else ""

    def _equals(self, parent: Node, node: Node) -> dict[Node, int]:
        key = (parent, node.tag)
        if key not in self._counted:
            same = (one for one in parent if one.tag == node.tag)
            self._counted[key] = {one: number for number, one in enumerate(same, 1)}
        return self._counted[key]


def xpath_of(node: Node | None) -> str:
    """As `Places.xpath`, for a single question."""
    return Places().xpath(node)


def has_errors(findings: list[Finding]) -> bool:
    return any(one.severity == "error" for one in findings)
