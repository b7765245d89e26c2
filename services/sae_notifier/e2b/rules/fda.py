"""FDA's rules for premarket reports (IND, IND-exempt BA/BE), as far as a file alone can show them.

Not checkable here: whether an IND number exists (R0105, R0106, W0012) or the product is registered under it (W0009).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.path import find
from services.sae_notifier.e2b.rules.scope import Scope
from services.sae_notifier.e2b.table import place

IND = ("CDER_IND", "CBER_IND")
BA_BE = "CDER_IND_EXEMPT_BA_BE"
RECEIVER, TEST_RECEIVER = "ZZFDA_PREMKT", "ZZFDATST_PREMKT"
_DIGITS = re.compile(r"^\d{1,10}$", re.ASCII)


def routing(scope: Scope) -> Iterator[Finding]:
    batch = scope.back.batch
    receivers = {RECEIVER, TEST_RECEIVER} if scope.doubts.test_receivers else {RECEIVER}
    if batch.text("N.1.4") not in receivers:
        en, vi = f"a premarket report goes to N.1.4 = {RECEIVER}", f"báo cáo tiền thị trường gửi tới N.1.4 = {RECEIVER}"
        yield scope.find(batch, "N.1.4", "R0005", en, vi)
    for report in scope.back.reports:
        if report.text("N.2.r.3") not in (*IND, BA_BE):
            en = f"N.2.r.3 must be {', '.join(IND)} or {BA_BE}"
            yield scope.find(report, "N.2.r.3", "R0007", en, en.replace("must be", "phải là").replace(" or ", " hoặc "))
        if report.text("N.2.r.2") != batch.text("N.1.3"):
            en, vi = "N.2.r.2 does not match N.1.3", "N.2.r.2 không trùng N.1.3"
            yield scope.find(report, "N.2.r.2", "R0100", en, vi)


def report_type(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        kind, study, receiver = report.text("C.1.3"), report.text("C.5.4"), report.text("N.2.r.3")
        number = report.text("FDA.C.5.5a") or report.text("FDA.C.5.5b")
        found: list[tuple[str, str, str]] = []
        if number and study in ("1", "2", "3") and kind != "2":
            found.append(("C.1.3", "R0008", "C.1.3 must be 2 when an IND or pre-ANDA number and C.5.4 are given"))
        if receiver in IND and report.text("FDA.C.5.5a") and not study and kind != "1":
            found.append(("C.1.3", "R0110", "C.1.3 must be 1 when an IND number is given and no C.5.4"))
        if receiver == BA_BE and kind != "2":
            found.append(("C.1.3", "R0111", "C.1.3 must be 2 for a BA/BE study"))
        if receiver in IND and kind in ("3", "4"):
            found.append(("C.1.3", "R0112", "C.1.3 must not be 3 or 4 for an IND report"))
        if receiver in IND and kind == "1" and study:
            found.append(("C.5.4", "R0113", "C.5.4 must not be given when C.1.3 is 1"))
        if kind == "2" and study and study not in ("1", "2", "3"):
            found.append(("C.5.4", "R0102", "C.5.4 must be 1, 2 or 3 when C.1.3 is 2"))
        for element, rule, en in found:
            yield scope.find(report, element, rule, en, _vi(en))


def numbers(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        receiver, kind = report.text("N.2.r.3"), report.text("C.1.3")
        ind = report.text("FDA.C.5.5a")
        if receiver in IND and kind in ("1", "2") and not ind:
            yield scope.missing(
                report, "FDA.C.5.5a", "R0024", "an IND report names its IND", "báo cáo IND phải có số IND"
            )
        if receiver == BA_BE and kind == "2" and not report.text("FDA.C.5.5b"):
            en, vi = "a BA/BE report names its pre-ANDA", "báo cáo BA/BE phải có số pre-ANDA"
            yield scope.missing(report, "FDA.C.5.5b", "R0025", en, vi)
        if ind and not report.of("FDA.C.5.6.r"):
            en = "other INDs, or the null flavour NA when there is none"
            yield scope.missing(report, "FDA.C.5.6.r", "R0026", en, "các IND khác, hoặc nullFlavor NA")
        for block in (report, *report.of("FDA.C.5.6.r")):
            for name in ("FDA.C.5.5a", "FDA.C.5.5b", "FDA.C.5.6.r"):
                value = block.text(name)
                if value and not _DIGITS.match(value):
                    en, vi = f"{name} holds digits only, without a prefix", f"{name} chỉ gồm chữ số"
                    yield scope.find(block, name, "R0024", en, vi)


def expedited(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        cell, criteria = report.cells.get("C.1.7"), report.text("FDA.C.1.7.1")
        if cell and cell.null == "NI" and scope.initial is not False:
            en = "C.1.7 must not be NI in a first report"
            yield scope.find(report, "C.1.7", "R0011", en, "C.1.7 không được là NI trong báo cáo đầu")
        if report.text("C.1.7") == "true" and report.text("C.1.3") in ("1", "2") and criteria not in (None, "1", "6"):
            en = "FDA.C.1.7.1 must be 1 (15 days) or 6 (7 days) when C.1.7 is true"
            yield scope.find(report, "FDA.C.1.7.1", "R0016", en, _vi(en))
        if report.text("C.1.7") == "false" and criteria not in (None, "2"):
            en = "FDA.C.1.7.1 must be 2 (not expedited) when C.1.7 is false"
            yield scope.find(report, "FDA.C.1.7.1", "R0015", en, _vi(en))


def death(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        fatal = any(one.text("E.i.3.2a") == "true" for one in report.of("E.i"))
        if fatal and report.text("C.1.3") == "2" and report.text("N.2.r.3") in IND and "D.9.1" not in report.cells:
            yield scope.missing(report, "D.9.1", "R0041", "an event resulted in death", "có biến cố tử vong")


def suspects(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        roles = {one.text("G.k.1.drug"): one.text("G.k.1") for one in report.of("G.k.1")}
        receiver, study = report.text("N.2.r.3"), report.text("C.1.3") == "2"
        if study and receiver in IND and not {"1", "3"} & set(roles.values()):
            en, vi = "at least one G.k.1 must be 1 or 3", "ít nhất một G.k.1 phải là 1 hoặc 3"
            yield scope.find(report, "G.k.1", "R0070", en, vi)
        if receiver in IND and "4" in roles.values():
            en, vi = "an IND report uses only the roles 1, 2 and 3", "báo cáo IND chỉ dùng vai trò 1, 2, 3"
            yield scope.find(report, "G.k.1", "R0070", en, vi, "warning")
        if study and receiver == BA_BE and not {"1", "3", "4"} & set(roles.values()):
            en, vi = "at least one G.k.1 must be 1, 3 or 4", "ít nhất một G.k.1 phải là 1, 3 hoặc 4"
            yield scope.find(report, "G.k.1", "R0071", en, vi)
        first = next(iter(report.of("G.k")), None)
        if first is not None and roles.get(first.text("G.k.id")) not in ("1", "3", "4"):
            en, vi = "the first drug should be the suspect one", "thuốc đầu tiên nên là thuốc nghi ngờ"
            yield scope.find(first, "G.k.1", "W0005", en, vi, "warning")
        if study and report.text("FDA.C.5.5a"):
            yield from _causality(scope, report, roles)


def _causality(scope: Scope, report: Block, roles: dict[str | None, str | None]) -> Iterator[Finding]:
    assessed = [one for one in report.of("G.k.9.i.2.r") if roles.get(one.text("G.k.9.i.2.r.drug")) in ("1", "3")]
    if not assessed:
        en = "at least one suspect drug needs source, method and result of relatedness"
        vi = "ít nhất một thuốc nghi ngờ phải có nguồn, phương pháp và kết quả đánh giá"
        yield scope.missing(report, "G.k.9.i.2.r.1", "R0085", en, vi)
    for one in report.of("G.k.9.i.2.r"):
        for name, rule in (("G.k.9.i.2.r.1", "R0085"), ("G.k.9.i.2.r.2", "R0086"), ("G.k.9.i.2.r.3", "R0087")):
            if name not in one.cells:
                yield scope.missing(one, name, rule, "an IND number is given", "có số IND")
        if one.text("G.k.9.i.2.r.2") == "FDA" and one.text("G.k.9.i.2.r.3") not in ("Suspected", "Not Suspected"):
            en = "with the method FDA the result is Suspected or Not Suspected"
            vi = "phương pháp FDA chỉ có kết quả Suspected hoặc Not Suspected"
            yield scope.find(one, "G.k.9.i.2.r.3", "R0087", en, vi)


def aggregate(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        is_aggregate = report.text("D.1") in scope.doubts.aggregate_words
        linked = report.of("C.1.10.r")
        found: list[tuple[str, str, str]] = []
        if is_aggregate and not linked:
            found.append(("C.1.10.r", "W0001", "C.1.10.r should name every case of the aggregate"))
        if is_aggregate and report.text("C.5.4") != "1":
            found.append(("C.5.4", "W0002", "C.5.4 should be 1 for an aggregate"))
        races = [one.cells.get("FDA.D.11.r.1") for one in report.of("FDA.D.11.r")]
        if is_aggregate and any(one is None or one.null != "NA" for one in races):
            found.append(("FDA.D.11.r.1", "W0003", "race should be the null flavour NA for an aggregate"))
        ethnicity = report.cells.get("FDA.D.12")
        if is_aggregate and (ethnicity is None or ethnicity.null != "NA"):
            found.append(("FDA.D.12", "W0004", "ethnicity should be the null flavour NA for an aggregate"))
        if not is_aggregate and linked and report.text("C.1.3") == "2" and report.text("FDA.C.5.5a"):
            found.append(("D.1", "W0010", "linked reports of an IND study make FDA expect D.1 = AGGREGATE"))
        for element, rule, en in found:
            yield scope.find(report, element, rule, en, _vi(en), "warning")


def race(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        if not report.of("FDA.D.11.r"):
            yield scope.missing(report, "FDA.D.11.r.1", "mandatory", "it is mandatory", "đây là mục bắt buộc")


def attachments(scope: Scope) -> Iterator[Finding]:
    for report in scope.back.reports:
        node = scope.back.node(report)
        texts = () if node is None else find(node, place("$IE/reference/document/text").steps)
        for one in texts:
            if one.get("compression") or (one.get("representation") or "B64") != "B64":
                en, vi = "FDA takes attachments as B64 without compression", "FDA chỉ nhận tệp đính kèm B64 không nén"
                yield scope.find(report, "C.1.6.1.r.2", "R0010", en, vi)


def _vi(en: str) -> str:
    """FDA words its rules in formulas; only the joints are translated."""
    joints = (
        (" must not be given", " không được có"),
        (" must not be ", " không được là "),
        (" must be ", " phải là "),
        (" should be ", " nên là "),
        (" should name every case of the aggregate", " nên nêu mọi ca trong báo cáo tổng hợp"),
        ("the null flavour ", "nullFlavor "),
        (" when an IND or pre-ANDA number and C.5.4 are given", " khi có số IND hoặc pre-ANDA và C.5.4"),
        (" when an IND number is given and no C.5.4", " khi có số IND mà không có C.5.4"),
        (" for a BA/BE study", " với nghiên cứu BA/BE"),
        (" for an IND report", " với báo cáo IND"),
        (" for an aggregate", " với báo cáo tổng hợp"),
        ("linked reports of an IND study make FDA expect", "báo cáo liên kết của nghiên cứu IND: FDA chờ"),
        (" (15 days)", " (15 ngày)"),
        (" (7 days)", " (7 ngày)"),
        (" (not expedited)", " (không khẩn)"),
        ("race ", "chủng tộc "),
        ("ethnicity ", "dân tộc "),
        (" when ", " khi "),
        (" is ", " là "),
        (" or ", " hoặc "),
    )
    for english, vietnamese in joints:
        en = en.replace(english, vietnamese)
    return en
