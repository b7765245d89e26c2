"""Conditions of the ICH guide that hold for every receiver. FDA enforces most of them too: then the id is FDA's."""

from __future__ import annotations

from collections.abc import Iterator

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.rules.scope import Scope
from services.sae_notifier.e2b.table import by_name
from shared.terms import VERSIONS, find

MEDDRA_OF_CTCAE = {"5.0": "20.1", "6.0": "28.0"}
"""The MedDRA version whose lowest-level terms NCI printed in each CTCAE."""


def sender_and_sources(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        if report.text("C.3.1") != "7" and "C.3.2" not in report.cells:
            yield scope.missing(report, "C.3.2", "R0022", "C.3.1 is not 7 (patient)", "C.3.1 khác 7 (bệnh nhân)")
        primary = [one for one in report.of("C.2.r") if one.text("C.2.r.5") == "1"]
        if report.of("C.2.r") and len(primary) != 1:
            en = f"exactly one source has C.2.r.5 = 1; here {len(primary)}"
            vi = f"đúng một nguồn có C.2.r.5 = 1; ở đây có {len(primary)}"
            yield scope.find(report, "C.2.r.5", "R0021", en, vi)
        for one in primary:
            for name, rule in (("C.2.r.3", "R0019"), ("C.2.r.4", "R0020")):
                if name not in one.cells:
                    yield scope.missing(one, name, rule, "C.2.r.5 is 1", "C.2.r.5 = 1")


def documents_and_numbers(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        if report.text("C.1.6.1") == "true" and not report.of("C.1.6.1.r"):
            yield scope.missing(report, "C.1.6.1.r.1", "R0009", "C.1.6.1 is true", "C.1.6.1 = true")
        if report.text("C.1.9.1") == "true" and not report.of("C.1.9.1.r"):
            yield scope.missing(report, "C.1.9.1.r.1", "R0017", "C.1.9.1 is true", "C.1.9.1 = true")
        if report.text("C.1.6.1") == "false" and report.of("C.1.6.1.r"):
            en, vi = "C.1.6.1 is false, but documents are named", "C.1.6.1 = false nhưng có nêu tài liệu"
            yield scope.find(report, "C.1.6.1", "contradiction", en, vi)
        if report.of("C.1.9.1.r") and report.text("C.1.9.1") != "true":
            en, vi = "other case numbers are given: C.1.9.1 must be true", "có số ca khác: C.1.9.1 phải là true"
            yield scope.find(report, "C.1.9.1", "contradiction", en, vi)
        if report.text("C.1.11.1") and scope.initial:
            en = "a first transmission is neither a nullification nor an amendment"
            yield scope.find(report, "C.1.11.1", "R0101", en, "lần gửi đầu không thể là hủy bỏ hay sửa đổi")
        if report.text("C.1.3") == "2" and "C.5.4" not in report.cells:
            yield scope.missing(report, "C.5.4", "R0023", "C.1.3 is 2 (study)", "C.1.3 = 2 (nghiên cứu)")


def patient(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        if not report.of("D.7.1.r") and "D.7.2" not in report.cells:
            en = "no history is given in D.7.1: write it, None, or UNK"
            yield scope.missing(report, "D.7.2", "R0035", en, "D.7.1 không có tiền sử")
        parent = [name for name in report.cells if name.startswith("D.10.") and name != "D.10.6"]
        if (parent or report.of("D.10.7.1.r") or report.of("D.10.8.r")) and "D.10.6" not in report.cells:
            yield scope.missing(report, "D.10.6", "R0051", "section D.10 is used", "có dùng mục D.10")
        for drug in report.of("D.8.r"):
            if "D.8.r.1" not in drug.cells:
                yield scope.missing(drug, "D.8.r.1", "R0036", "section D.8.r is used", "có dùng mục D.8.r")


def reactions(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        for one in report.of("E.i"):
            fatal, death = one.text("E.i.7") == "5", one.text("E.i.3.2a") == "true"
            if fatal and not death:
                en = "the outcome E.i.7 is fatal, but E.i.3.2a does not say results in death"
                vi = "E.i.7 là tử vong nhưng E.i.3.2a không ghi tử vong"
                yield scope.find(one, "E.i.3.2a", "fatal", en, vi)
            if death and one.text("E.i.7") in ("1", "2", "3", "4"):
                en = "E.i.3.2a says results in death, but by its outcome E.i.7 the patient outlived it"
                vi = "E.i.3.2a ghi tử vong nhưng theo kết cục E.i.7 người bệnh còn sống"
                yield scope.find(one, "E.i.7", "fatal", en, vi, "warning")
            yield from _dictionary(scope, one)


def _dictionary(scope: Scope, reaction: Block) -> Iterator[Finding]:
    code, version = reaction.text("E.i.2.1b"), reaction.text("E.i.2.1a")
    for ctcae in VERSIONS:
        if code and version in (MEDDRA_OF_CTCAE[ctcae], ctcae) and find(code, ctcae):
            en = (
                f"E.i.2.1b is a code that CTCAE {ctcae} prints (MedDRA {MEDDRA_OF_CTCAE[ctcae]}): "
                "coded without a MedDRA licence, or with an old version; some receivers take only current MedDRA codes"
            )
            vi = (
                f"E.i.2.1b là mã in trong CTCAE {ctcae} (MedDRA {MEDDRA_OF_CTCAE[ctcae]}): mã hóa không có giấy phép MedDRA "
                "hoặc theo phiên bản cũ; một số nơi chỉ nhận mã MedDRA hiện hành"
            )
            yield scope.find(reaction, "E.i.2.1b", "coded-by-ctcae", en, vi, scope.doubts.coded_by_ctcae)
            return


def one_dictionary(scope: Scope) -> Iterator[Finding]:
    """One MedDRA version in the whole report."""
    versioned = {
        name for name, one in by_name().items() if one.length == 4 and one.places[0].leaf == "@codeSystemVersion"
    }
    for report in scope.back.reports:
        found = {cell.text for block in report.walk() for name, cell in block.cells.items() if name in versioned}
        if len(found - {None}) > 1:
            en, vi = "more than one MedDRA version is used in this report", "báo cáo dùng nhiều phiên bản MedDRA"
            yield scope.find(report, "E.i.2.1a", "meddra-versions", en, vi, scope.doubts.meddra_versions_mixed)


def tests(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        for one in report.of("F.r"):
            named = "F.r.2.1" in one.cells or "F.r.2.2b" in one.cells
            if named and "F.r.1" not in one.cells:
                yield scope.missing(
                    one, "F.r.1", "R0061", "a test is named; write its date or UNK", "có tên xét nghiệm"
                )
            if "F.r.1" in one.cells and not named:
                yield scope.missing(one, "F.r.2.1", "R0062", "F.r.1 is given", "có F.r.1")
            if named and not {"F.r.3.1", "F.r.3.2", "F.r.3.4"} & set(one.cells):
                yield scope.missing(one, "F.r.3.2", "R0066", "a test needs a result", "xét nghiệm phải có kết quả")


def drugs(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        roles = {one.text("G.k.1") for one in report.of("G.k.1")}
        if report.of("G.k") and not roles & {"1", "3", "4"}:
            en = "no drug is suspect, interacting or not administered"
            yield scope.find(report, "G.k.1", "minimum-case", en, "không có thuốc nào bị nghi ngờ")
