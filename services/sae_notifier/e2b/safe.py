"""Reading XML from outside: no document type, no entities, bounded in size, depth, elements and text. Anything else is refused.

A stream of events is judged first (expat, nothing is built), so an attack costs no more than the bytes until it shows.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from lxml import etree

from services.sae_notifier.e2b.oids import MESSAGE
from shared.errors import Refused

_OTHER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class XmlRefused(Refused):
    """The file is not read; `rule` says which bound it broke."""

    code = "xml-refused"
    title = "The XML is not safe to read or not well-formed"

    def __init__(self, rule: str, en: str, vi: str, line: int = 0) -> None:
        super().__init__(en)
        self.rule = rule
        self.en, self.vi = en, vi
        self.line = line


@dataclass(frozen=True)
class Limits:
    """Far above any real report: the largest we know has 2 MB, 3,000 elements and 28 levels. 20 MB is the EU's own bound."""

    max_bytes: int = 20_000_000
    max_depth: int = 100
    max_elements: int = 400_000
    max_text: int = 9_000_000
    """Characters of one text or attribute."""
    max_attributes: int = 40
    max_reports: int = 2_000
    """Reports of one batch; PMDA takes 1,000."""


class _Judge:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.depth = self.elements = self.text = self.reports = 0
        self.parser = expat.ParserCreate("UTF-8")
        self.parser.buffer_text = False
        self.parser.XmlDeclHandler = self.declared
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.entity
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.CommentHandler = self.comment

    def refuse(self, rule: str, en: str, vi: str) -> NoReturn:
        raise XmlRefused(rule, en, vi, self.parser.CurrentLineNumber)

    def declared(self, version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in ("UTF-8", "US-ASCII"):
            self.refuse(
                "encoding", f"the file says it is {encoding[:20]}; send UTF-8", "tệp không phải UTF-8; hãy gửi UTF-8"
            )

    def doctype(self, *_: object) -> None:
        self.refuse(
            "doctype",
            "a document type declaration (DTD) is not accepted; remove <!DOCTYPE …>",
            "không nhận khai báo kiểu tài liệu (DTD); hãy bỏ <!DOCTYPE …>",
        )

    def entity(self, *_: object) -> None:
        self.refuse("entity", "entity declarations are not accepted", "không nhận khai báo thực thể")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        self.text = 0
        if self.depth > self.limits.max_depth:
            most = self.limits.max_depth
            self.refuse("depth", f"elements are nested more than {most} deep", f"phần tử lồng nhau quá {most} mức")
        if self.elements > self.limits.max_elements:
            most = self.limits.max_elements
            self.refuse("elements", f"there are more than {most:,} elements", f"có hơn {most:,} phần tử")
        self.reports += name.rpartition(":")[2] == MESSAGE
        if self.reports > self.limits.max_reports:
            most = self.limits.max_reports
            self.refuse("reports", f"there are more than {most:,} reports", f"có hơn {most:,} báo cáo")
        if len(attributes) > self.limits.max_attributes or any(
            len(one) > self.limits.max_text for one in attributes.values()
        ):
            self.refuse(
                "attributes", "an element has too many or too long attributes", "thuộc tính quá nhiều hoặc quá dài"
            )

    def end(self, _name: str) -> None:
        self.depth -= 1
        self.text = 0

    def characters(self, data: str) -> None:
        self.text += len(data)
        if self.text > self.limits.max_text:
            most = self.limits.max_text
            self.refuse(
                "text", f"one text is longer than {most:,} characters", f"một đoạn văn bản dài hơn {most:,} ký tự"
            )

    def comment(self, data: str) -> None:
        self.characters(data)


def safe_parse(xml: bytes, limits: Limits | None = None) -> etree._Element:
    """The root element. Raises XmlRefused; nothing is fetched, expanded or believed."""
    limits = limits or Limits()
    if len(xml) > limits.max_bytes:
        raise XmlRefused(
            "size",
            f"the file is larger than {limits.max_bytes:,} bytes; a larger one is not read",
            f"tệp lớn hơn {limits.max_bytes:,} byte; tệp lớn hơn không được đọc",
        )
    if xml.startswith(_OTHER_MARKS):
        raise XmlRefused(
            "encoding", "the file is UTF-16 or UTF-32; send UTF-8", "tệp là UTF-16 hoặc UTF-32; hãy gửi UTF-8"
        )
    judge = _Judge(limits)
    try:
        judge.parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise XmlRefused(
            "well-formed",
            f"not well-formed XML: {expat.ErrorString(error.code)} (line {error.lineno})",
            f"không phải XML đúng cú pháp (dòng {error.lineno})",
            error.lineno,
        ) from None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, encoding="UTF-8"
    )
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise XmlRefused(
            "well-formed", f"not well-formed XML: {error.msg}", "không phải XML đúng cú pháp", error.lineno or 0
        ) from None
