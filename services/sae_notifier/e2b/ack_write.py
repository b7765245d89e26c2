"""Writing an acknowledgement, as an authority's system would: for the simulated authority and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from services.sae_notifier.e2b.ack import AckReport, MessageCode
from services.sae_notifier.e2b.hl7time import written_at
from services.sae_notifier.e2b.oids import (
    ACK_MESSAGE,
    ACK_ROOT,
    INTERACTION,
    NS,
    TYPE,
    XSI,
    namespace,
    system,
    tag,
)
from services.sae_notifier.e2b.path import Node
from services.sae_notifier.e2b.text import clean

_LINES = {"message": "1", "local": "2", "batch": "3"}


@dataclass(frozen=True)
class Answer:
    """`sender` answers `receiver`; `batch_sent` is N.1.5 as it was received."""

    number: str
    sender: str
    receiver: str
    created_at: datetime
    message_code: MessageCode
    batch_number: str
    batch_sent: str
    reports: tuple[AckReport, ...] = ()
    text: str = ""
    message_sender: str = ""
    """ACK.B.r.4; empty: the sender of the batch."""


def write_ack(answer: Answer) -> bytes:
    """The acknowledgement file, valid by the official schema."""
    root = etree.Element(tag(ACK_ROOT), nsmap={None: NS, "xsi": XSI})  # type: ignore[arg-type]  None is the default one
    root.set("ITSVersion", "XML_1.0")
    made_at = written_at(answer.created_at)
    _id(root, "3.20", answer.number)
    _value(root, "creationTime", made_at)
    etree.SubElement(root, tag("responseModeCode"), {"code": "D"})
    _interaction(root, ACK_ROOT)
    for number, report in enumerate(answer.reports, start=1):
        _report(root, answer, report, number, made_at)
    _device(root, "receiver", "RCV", "3.18", answer.receiver)
    _device(root, "sender", "SND", "3.17", answer.sender)
    _line(root, "local", {TYPE: "II", "root": namespace("3.21"), "extension": answer.number})
    _line(root, "batch", {TYPE: "TS", "value": answer.batch_sent})
    _verdict(root, answer.message_code, "targetBatch", "3.22", answer.batch_number, answer.text)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _report(root: Node, answer: Answer, report: AckReport, number: int, made_at: str) -> None:
    message = etree.SubElement(root, tag(ACK_MESSAGE))
    _id(message, "3.19", report.local_number or f"{answer.number}-{number}")
    _value(message, "creationTime", made_at)
    _interaction(message, ACK_MESSAGE)
    for name, code in (("processingCode", "P"), ("processingModeCode", "T"), ("acceptAckCode", "NE")):
        etree.SubElement(message, tag(name), {"code": code})
    _device(message, "receiver", "RCV", "3.16", answer.receiver)
    _device(message, "sender", "SND", "3.15", answer.message_sender or answer.sender)
    _line(message, "message", {TYPE: "TS", "value": report.created or answer.batch_sent})
    text = "\n".join(f"{place}: {one}" for place, one in enumerate(report.errors, start=1))
    _verdict(message, report.code, "targetMessage", "3.1", report.id, text)


def _verdict(parent: Node, code: str, target: str, root: str, number: str, text: str) -> None:
    made = etree.SubElement(parent, tag("acknowledgement"), {"typeCode": code})
    _id(etree.SubElement(made, tag(target)), root, number)
    if text:
        detail = etree.SubElement(made, tag("acknowledgementDetail"))
        etree.SubElement(detail, tag("text")).text = clean(text)


def _id(parent: Node, root: str, number: str) -> None:
    etree.SubElement(parent, tag("id"), {"root": namespace(root), "extension": clean(number)})


def _value(parent: Node, name: str, value: str) -> None:
    etree.SubElement(parent, tag(name), {"value": value})


def _interaction(parent: Node, name: str) -> None:
    etree.SubElement(parent, tag("interactionId"), {"root": INTERACTION, "extension": name})


def _device(parent: Node, name: str, kind: str, root: str, number: str) -> None:
    made = etree.SubElement(parent, tag(name), {"typeCode": kind})
    device = etree.SubElement(made, tag("device"), {"classCode": "DEV", "determinerCode": "INSTANCE"})
    _id(device, root, number)


def _line(parent: Node, name: str, value: dict[str, str]) -> None:
    made = etree.SubElement(parent, tag("attentionLine"))
    etree.SubElement(made, tag("keyWordText"), {"code": _LINES[name], "codeSystem": system("24")})
    etree.SubElement(made, tag("value"), value)
