"""Numbers: the case, the message, the batch; and references inside a message, which the XSD does not follow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.codes import COUNTRIES
from services.sae_notifier.e2b.finding import Finding, Severity
from services.sae_notifier.e2b.path import find
from services.sae_notifier.e2b.rules.scope import Scope
from services.sae_notifier.e2b.structure import CONSTANTS
from services.sae_notifier.e2b.table import place

_NUMBER = re.compile(r"^(?P<country>[A-Z]{2})-(?P<organisation>[^-\s][^-]*)-(?P<number>\S.*)$")
REFERENCES = (
    ("G.k.1", "G.k.1.drug", "G.k.id"),
    ("G.k.9.i.2.r", "G.k.9.i.2.r.drug", "G.k.id"),
    ("G.k.9.i.2.r", "G.k.9.i.2.r.reaction", "E.i.id"),
    ("G.k.9.i.3.1", "G.k.9.i.3.1.reaction", "E.i.id"),
    ("G.k.9.i.3.2", "G.k.9.i.3.2.reaction", "E.i.id"),
    ("G.k.9.i.4", "G.k.9.i.4.reaction", "E.i.id"),
)


def numbers(scope: Scope) -> Iterator[Finding]:
    by_profile: Severity = "warning" if scope.fda else "error"
    doubt = scope.doubts.message_id_differs
    for report in scope.back.reports:
        for message, case in (("N.2.r.1", "C.1.1"), ("N.2.r.4", "C.1.2")):
            one, other = report.text(message), report.text(case)
            if one and other and one != other:
                severity = by_profile if doubt == "by-profile" else doubt
                en, vi = f"{message} must be the same as {case}", f"{message} phải trùng với {case}"
                yield scope.find(report, message, "same-number", en, vi, severity)
        for name in ("C.1.1", "C.1.8.1"):
            number = report.text(name)
            if number and not _is_case_number(number):
                en = f"{name} is not country-organisation-number with an ISO 3166 country in front"
                yield scope.find(report, name, "case-number", en, f"{name} phải có dạng nước-tổ chức-số")
    counted = Counter(report.text("C.1.1") for report in scope.back.reports)
    for report in scope.back.reports:
        number = report.text("C.1.1")
        if number and counted[number] > 1:
            en, vi = "C.1.1 stands twice in this batch", "C.1.1 lặp lại trong lô"
            yield scope.find(report, "C.1.1", "case-twice", en, vi)


def _is_case_number(number: str) -> bool:
    match = _NUMBER.match(number)
    return match is not None and match["country"] in COUNTRIES


def constants(scope: Scope) -> Iterator[Finding]:
    """The technical elements that carry no case data: interaction, trigger event, processing codes."""
    for block in (scope.back.batch, *scope.back.reports):
        node = scope.back.node(block)
        if node is None:
            continue
        for path in CONSTANTS[block.group]:
            if next(find(node, place(path).steps), None) is None:
                en, vi = f"the message does not say {path}", f"thông điệp thiếu {path}"
                yield scope.find(block, "", "constant", en, vi)


def references(scope: Scope) -> Iterator[Finding]:
    """Roles, causality and intervals point at reactions and drugs that exist; every drug has exactly one role."""
    for report in scope.back.reports:
        known = {
            "E.i.id": Counter(one.text("E.i.id") for one in report.of("E.i")),
            "G.k.id": Counter(one.text("G.k.id") for one in report.of("G.k")),
        }
        for target, group in (("E.i.id", "E.i"), ("G.k.id", "G.k")):
            for one in report.of(group):
                if one.text(target) and known[target][one.text(target)] > 1:
                    en, vi = f"the id of this {group} is used twice", f"mã nội bộ của {group} bị dùng hai lần"
                    yield scope.find(one, target, "reference-twice", en, vi)
        for block in report.walk():
            for group, name, target in REFERENCES:
                value = block.text(name) if block.group == group else None
                if value and value not in known[target]:
                    en = f"{name} points at no {target.removesuffix('.id')} of this report"
                    yield scope.find(block, name, "reference", en, f"{name} trỏ tới mục không có trong báo cáo")
        yield from _roles(scope, report)


def _roles(scope: Scope, report: Block) -> Iterator[Finding]:
    counted = Counter(one.text("G.k.1.drug") for one in report.of("G.k.1") if one.text("G.k.1"))
    for drug in report.of("G.k"):
        if counted[drug.text("G.k.id")] == 0:
            yield scope.missing(drug, "G.k.1", "mandatory", "this drug has no role", "thuốc này chưa có vai trò")
        elif counted[drug.text("G.k.id")] > 1:
            en, vi = "this drug has more than one role", "thuốc này có nhiều vai trò"
            yield scope.find(drug, "G.k.1", "role-twice", en, vi)
