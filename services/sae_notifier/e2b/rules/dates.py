"""Times: in the calendar, precise enough, not in the future, in an order that can be."""

from __future__ import annotations

from collections.abc import Iterator

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.finding import Finding, Severity
from services.sae_notifier.e2b.hl7time import Stamp, stamp
from services.sae_notifier.e2b.rules.scope import Scope
from services.sae_notifier.e2b.table import by_group

FULL = frozenset({"N.1.5", "N.2.r.4", "C.1.2"})
DAY = frozenset({"C.1.4", "C.1.5", "D.2.1"})
ORDER: tuple[tuple[str, str, str], ...] = (
    # group, this is not after, that
    ("N.2.r", "C.1.4", "C.1.5"),
    ("N.2.r", "C.1.5", "C.1.2"),
    ("N.2.r", "D.2.1", "C.1.4"),
    ("N.2.r", "D.2.1", "D.9.1"),
    ("D.7.1.r", "D.7.1.r.2", "D.7.1.r.4"),
    ("D.8.r", "D.8.r.4", "D.8.r.5"),
    ("E.i", "E.i.4", "E.i.5"),
    ("G.k.4.r", "G.k.4.r.4", "G.k.4.r.5"),
)


_DAYS = {"a": 365.25, "10.a": 3652.5, "mo": 30.44, "wk": 7.0, "d": 1.0}


def dates(scope: Scope) -> Iterator[Finding]:
    for block in scope.back.batch.walk():
        read = {one.name: stamp(block.text(one.name) or "") for one in by_group(block.group) if one.kind == "date"}
        for name, value in read.items():
            if block.text(name):
                yield from _one(scope, block, name, value)
        for group, before, after in ORDER:
            first, second = read.get(before), read.get(after)
            if group == block.group and first and second and first.earliest > second.latest:
                severity = scope.doubts.news_after_creation if (before, after) == ("C.1.5", "C.1.2") else "error"
                yield _late(scope, block, before, after, severity)
    yield from _creation(scope)
    yield from _told_before(scope)
    yield from _age(scope)


def _one(scope: Scope, block: Block, name: str, value: Stamp | None) -> Iterator[Finding]:
    if value is None:
        en, vi = (
            f"{name} is no date of the calendar in the form CCYYMMDDhhmmss+ZZzz",
            f"{name} không phải ngày giờ hợp lệ",
        )
        yield scope.find(block, name, "date", en, vi)
        return
    if name in FULL and value.digits < 14:
        en, vi = f"{name} does not contain a full precision date", f"{name} phải ghi đến giây"
        yield scope.find(block, name, "date-precision", en, vi)
    elif name in DAY and value.digits < 8:
        en = f"{name} does not contain the minimum precision of CCYYMMDD"
        yield scope.find(block, name, "date-precision", en, f"{name} phải ghi ít nhất đến ngày")
    if scope.now is not None and value.earliest > scope.now:
        yield scope.find(
            block, name, "date-future", f"{name} contains a future date", f"{name} là ngày trong tương lai"
        )


def _creation(scope: Scope) -> Iterator[Finding]:
    """A message is not younger than its batch."""
    sent = stamp(scope.back.batch.text("N.1.5") or "")
    for report in scope.back.reports:
        made = stamp(report.text("N.2.r.4") or "")
        if sent and made and made.earliest > sent.latest:
            yield _late(scope, report, "N.2.r.4", "N.1.5")


def _told_before(scope: Scope) -> Iterator[Finding]:
    """Nobody reports what has not happened yet; how far the clocks of two systems differ is not ours to judge: a warning."""
    for report in scope.back.reports:
        made = stamp(report.text("C.1.2") or "")
        for block, name in ((report, "D.9.1"), *((one, "E.i.4") for one in report.of("E.i"))):
            told = stamp(block.text(name) or "")
            if made and told and told.earliest > made.latest:
                yield _late(scope, block, name, "C.1.2", "warning")


def _age(scope: Scope) -> Iterator[Finding]:
    """D.2.2 against D.2.1 and the first onset, with a year to spare: what remains is a slip, and one of them is wrong."""
    for report in scope.back.reports:
        born = stamp(report.text("D.2.1") or "")
        onsets = [found for one in report.of("E.i") if (found := stamp(one.text("E.i.4") or ""))]
        days, age = _DAYS.get(report.text("D.2.2b") or ""), report.text("D.2.2a") or ""
        if born is None or not onsets or days is None or not age.isdecimal():
            continue
        first = min(onsets, key=lambda one: one.earliest)
        told, spare = int(age) * days, 366 + days
        if not (first.earliest - born.latest).days - spare <= told <= (first.latest - born.earliest).days + spare:
            en, vi = "D.2.2 is not the age by D.2.1 and E.i.4", "D.2.2 không khớp tuổi tính từ D.2.1 và E.i.4"
            yield scope.find(report, "D.2.2a", "age", en, vi, "warning")


def _late(scope: Scope, block: Block, before: str, after: str, severity: Severity = "error") -> Finding:
    return scope.find(block, before, "date-order", f"{before} lies after {after}", f"{before} sau {after}", severity)
