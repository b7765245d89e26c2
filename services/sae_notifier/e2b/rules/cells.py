"""Every cell against its row of the table: mandatory, length, form, code list, code system, null flavour."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.sae_notifier.e2b.block import Block, Cell
from services.sae_notifier.e2b.codes import allowed
from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.rules.scope import Scope
from services.sae_notifier.e2b.table import Element, by_group
from services.sae_notifier.e2b.ucum import is_unit

_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$", re.ASCII)
_MEDDRA_VERSION = re.compile(r"^\d{1,2}\.\d$", re.ASCII)
_SIGNED = frozenset({"F.r.3.2"})
"""The one number that can be below zero (a base excess); ages, doses and intervals cannot."""
_SAYING = frozenset({"@value", "@code", "@extension", "text()"})
_MEDDRA_CODE = re.compile(r"^\d{8}$", re.ASCII)


def cells(scope: Scope) -> Iterator[Finding]:
    for block in scope.back.batch.walk():
        for element in by_group(block.group):
            cell = block.cells.get(element.name)
            if cell is None:
                yield from _absent(scope, block, element)
            elif cell.text is None:
                yield from _null(scope, block, element, cell)
            else:
                yield from _value(scope, block, element, cell.text)


def said_once(scope: Scope) -> Iterator[Finding]:
    """What does not repeat is said once: of two answers a reader would take either. So is a value beside the reason for none."""
    for _block, name, node in scope.back.again:
        en, vi = f"{name} is said more than once", f"{name} được ghi nhiều lần"
        yield Finding("rules", "said-twice", name, scope.back.where.xpath(node), en, vi)
    for block in scope.back.batch.walk():
        for element in by_group(block.group):
            cell, node = block.cells.get(element.name), scope.back.node(block, element.name)
            if cell is not None and cell.text is not None and element.places[0].leaf in _SAYING:
                if node is not None and node.get("nullFlavor") is not None:
                    en = f"{element.name} has a value and the null flavour {(node.get('nullFlavor') or '')[:10]}; only one can hold"
                    vi = f"{element.name} vừa có giá trị vừa có nullFlavor; chỉ được một trong hai"
                    yield scope.find(block, element.name, "value-and-null", en, vi)


def _absent(scope: Scope, block: Block, element: Element) -> Iterator[Finding]:
    if element.conformance(scope.profile) == "M":
        yield scope.missing(block, element.name, "mandatory", "it is mandatory", "đây là mục bắt buộc")


def _null(scope: Scope, block: Block, element: Element, cell: Cell) -> Iterator[Finding]:
    flavour = cell.null or ""
    if flavour in element.nulls or not flavour:
        return
    allowed_here = ", ".join(sorted(element.nulls)) or "none"
    old = scope.fda and flavour in element.nulls_fda
    en = f"{element.name} does not take the null flavour {flavour[:10]}; allowed: {allowed_here}"
    if old:
        en += " (FDA's tables still list it)"
    vi = f"{element.name} không nhận nullFlavor {flavour[:10]}; cho phép: {allowed_here}"
    severity = scope.doubts.fda_null_flavours if old else "error"
    yield scope.find(block, element.name, "null-flavor", en, vi, severity)


def _value(scope: Scope, block: Block, element: Element, text: str) -> Iterator[Finding]:
    name = element.name
    if element.length and len(text) > element.length:
        en = f"Maximum length exceeded for {name}: {len(text)} of {element.length} characters"
        yield scope.find(block, name, "length", en, f"{name} dài {len(text)} ký tự, tối đa {element.length}")
    if not text.strip():
        yield scope.find(block, name, "blank", f"{name} holds nothing but spaces", f"{name} chỉ có khoảng trắng")
    elif element.codes and not allowed(element.codes, text):
        en = f"{name} contains an invalid value; allowed: {element.codes}"
        yield scope.find(block, name, "code-list", en, f"{name} có giá trị không hợp lệ; cho phép: {element.codes}")
    elif not element.codes and not _in_form(element, text):
        en, vi = f"{name} does not have the form of its type ({element.kind})", f"{name} sai kiểu dữ liệu"
        yield scope.find(block, name, "format", en, vi)
    elif element.codes == "ucum" and not is_unit(text):
        en = f"{name} is no unit of UCUM that we know; some receivers refuse it"
        yield scope.find(
            block, name, "unit", en, f"{name} không phải đơn vị UCUM đã biết; có nơi sẽ từ chối", "warning"
        )
    yield from _system(scope, block, element)


def _in_form(element: Element, text: str) -> bool:
    system = element.places[0].steps[-1].system if element.places[0].leaf == "@code" else ""
    if system.endswith(".6.163"):
        return bool(_MEDDRA_CODE.match(text))
    if element.length == 4 and element.places[0].leaf == "@codeSystemVersion":
        return bool(_MEDDRA_VERSION.match(text))
    if element.kind == "bool":
        return text in ("true", "false")
    if element.kind == "num" and text.startswith("-") and element.name not in _SIGNED:
        return False
    return element.kind != "num" or bool(_NUMBER.match(text))


def _system(scope: Scope, block: Block, element: Element) -> Iterator[Finding]:
    where = element.places[0]
    wanted = where.steps[-1].system
    node = scope.back.node(block, element.name)
    if wanted and where.leaf == "@code" and node is not None and node.get("codeSystem") != wanted:
        en = f"{element.name} does not name its code system {wanted}"
        yield scope.find(block, element.name, "code-system", en, f"{element.name} thiếu hoặc sai hệ mã {wanted}")


def present(scope: Scope) -> Iterator[Finding]:
    """A batch has reports; a report has a source, a reaction and a drug."""
    batch = scope.back.batch
    if not scope.back.reports:
        yield scope.missing(batch, "N.2.r", "mandatory", "the batch holds no report", "lô không có báo cáo nào")
    for report in scope.back.reports:
        for group, en, vi in (
            ("C.2.r", "a report needs a source", "báo cáo phải có nguồn"),
            ("E.i", "a report needs a reaction or event", "báo cáo phải có biến cố"),
            ("G.k", "a report needs a drug", "báo cáo phải có thuốc"),
        ):
            if not report.of(group):
                yield scope.missing(report, group, "minimum-case", en, vi)
