"""Reading an acknowledgement (MCCI_IN200101UV01): what the authority's system says it did with a batch.

Read leniently: real gateways leave out mandatory elements and send empty ids, so the XSD decides nothing here. The transmission
code (ACK.A.4) decides; only AE asks the reports. CE is known to HL7 but not to E2B: it is no acceptance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from services.sae_notifier.e2b.oids import ACK_MESSAGE, ACK_ROOT, NS
from services.sae_notifier.e2b.path import Node
from services.sae_notifier.e2b.safe import Limits, XmlRefused, safe_parse

MessageCode = Literal["AA", "AE", "AR"]
Decision = Literal["accepted", "rejected", "partly", "unreadable"]
ACK_LIMITS = Limits(max_bytes=10_000_000)
_CODES: dict[str, MessageCode] = {"AA": "AA", "AE": "AE", "AR": "AR"}
_NUMBERED = re.compile(r"^\s*(?:\d{1,4}\s*[:.)](?!\d)\s*|[-*•]\s+)(?P<said>.*)$")
_VERDICT = re.compile(r"^\s*(safety )?report (was )?not loaded[.;]?\s*$", re.IGNORECASE)
_HEADING = re.compile(r"^\s*(rejections?|warnings?|errors?)\s*:\s*$", re.IGNORECASE)
_WELL = re.compile(
    r"^\s*((safety )?report (was )?loaded( successfully)?|validated against .* business rules"
    r"|message successfully processed, no further action)[.;]?\s*$",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"\b((?:FDA\.)?(?:[NCDEFGH]\.[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*))\b")


@dataclass(frozen=True)
class AckReport:
    """One report of the batch. `id` is as it stands (ACK.B.r.1); FDA joins N.2.r.1 and C.1.1 with a space there."""

    id: str
    code: str
    errors: tuple[str, ...] = ()
    created: str = ""
    """ACK.B.r.5, HL7 time: it tells versions of one case apart."""
    local_number: str = ""

    def is_about(self, *numbers: str) -> bool:
        """Whether one of our numbers (C.1.1, N.2.r.1) is meant."""
        said = {self.id.strip(), *self.id.split()}
        return any(number and number.strip() in said for number in numbers)


@dataclass(frozen=True)
class Ack:
    """`why` says why it is unreadable; `contradicts` is true where a report says the opposite of the decision."""

    message_code: MessageCode | None
    reports: tuple[AckReport, ...]
    decision: Decision
    batch_number: str = ""
    batch_errors: tuple[str, ...] = ()
    number: str = ""
    created: str = ""
    why: str = ""

    @property
    def contradicts(self) -> bool:
        codes = {one.code for one in self.reports}
        return (self.decision == "accepted" and codes - {"CA"} != set()) or (
            self.decision == "rejected" and "CA" in codes
        )

    def about(self, *numbers: str) -> tuple[AckReport, ...]:
        return tuple(one for one in self.reports if one.is_about(*numbers))

    def as_json(self) -> dict[str, object]:
        return {
            "message_code": self.message_code,
            "reports": [{"id": one.id, "code": one.code, "errors": list(one.errors)} for one in self.reports],
            "decision": self.decision,
        }


def read_ack(xml: bytes) -> Ack:
    """Whatever arrives becomes an answer; what cannot be read is `unreadable`, never an error and never an acceptance."""
    try:
        root = safe_parse(xml, ACK_LIMITS)
    except XmlRefused as refused:
        return _unreadable(refused.en)
    if _name(root) != ACK_ROOT:
        return _unreadable(f"the root is not {ACK_ROOT}")
    if str(root.tag) not in (ACK_ROOT, f"{{{NS}}}{ACK_ROOT}"):
        return _unreadable(f"the root is not of {NS}")
    whole = _child(root, "acknowledgement")
    reports = tuple(_report(one) for one in root if _name(one) == ACK_MESSAGE)
    if " " in _codes(root):
        return _unreadable("there are several transmission codes (ACK.A.4), and they differ", reports)
    code = _CODES.get(_codes(root))
    if code is None:
        return _unreadable("the transmission code (ACK.A.4) is not AA, AE or AR", reports)
    return Ack(
        code,
        reports,
        _decision(code, [one.code for one in reports]),
        batch_number=_attribute(_down(whole, "targetBatch", "id"), "extension"),
        batch_errors=tuple(_errors(whole)),
        number=_attribute(_child(root, "id"), "extension"),
        created=_attribute(_child(root, "creationTime"), "value"),
    )


def elements_in(text: str) -> tuple[str, ...]:
    """The data elements an error text names, so that it can stand next to the field."""
    return tuple(dict.fromkeys(_ELEMENT.findall(text)))


def _decision(code: MessageCode, codes: list[str]) -> Decision:
    if code == "AA":
        return "accepted"
    if code == "AR":
        return "rejected"
    if codes and set(codes) == {"CA"}:
        return "accepted"
    return "rejected" if codes and set(codes) == {"CR"} else "partly"


def _unreadable(why: str, reports: tuple[AckReport, ...] = ()) -> Ack:
    return Ack(None, reports, "unreadable", why=why)


def _report(node: Node) -> AckReport:
    said = _child(node, "acknowledgement")
    return AckReport(
        id=_attribute(_down(said, "targetMessage", "id"), "extension"),
        code=_codes(node),
        errors=tuple(_errors(said)),
        created=_created(node),
        local_number=_attribute(_child(node, "id"), "extension"),
    )


def _codes(node: Node) -> str:
    """The code of the acknowledgement here; of several that differ all, which is none that anybody knows."""
    told = (_attribute(one, "typeCode").strip() for one in node if _name(one) == "acknowledgement")
    return " ".join(dict.fromkeys(told))


def _created(node: Node) -> str:
    """ACK.B.r.5 (CL24: 1); the only line where none says what it is."""
    lines = [one for one in node if _name(one) == "attentionLine"]
    named = [one for one in lines if _attribute(_child(one, "keyWordText"), "code") == "1"]
    return _attribute(_child(next(iter(named or lines[:1]), None), "value"), "value")


def _errors(said: Node | None) -> Iterator[str]:
    """Each complaint by itself, in the forms gateways use: numbered lines, lists with semicolons, or one sentence."""
    for detail in said if said is not None else ():
        if _name(detail) != "acknowledgementDetail":
            continue
        text = "".join(str(part) for one in detail if _name(one) == "text" for part in one.itertext(etree.Element))
        yield from complaints(text)


def complaints(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    begun = next((place for place, line in enumerate(lines) if _NUMBERED.match(line)), None)
    if begun is None:
        return _listed(lines)
    return [*(one for one in _listed(lines[:begun]) if not _VERDICT.match(one)), *_numbered(lines[begun:])]


def _listed(lines: list[str]) -> list[str]:
    parts = [
        part.strip() for part in re.split(r";(?![^\[]*\])", " ".join(one for one in lines if not _HEADING.match(one)))
    ]
    return [part for part in parts if part and not _WELL.match(part)]


def _numbered(lines: list[str]) -> list[str]:
    """`1: …` begins a complaint, a line without a number goes on with it."""
    found: list[str] = []
    for line in lines:
        match = _NUMBERED.match(line)
        if match is not None:
            found.append(match["said"].strip())
        elif found and not _HEADING.match(line):
            found[-1] = f"{found[-1]} {line}"
    return [one for one in found if one]


def _name(node: Node) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _child(node: Node | None, name: str) -> Node | None:
    return next((one for one in node if _name(one) == name), None) if node is not None else None


def _down(node: Node | None, *names: str) -> Node | None:
    for name in names:
        node = _child(node, name)
    return node


def _attribute(node: Node | None, name: str) -> str:
    return (node.get(name) or "") if node is not None else ""
