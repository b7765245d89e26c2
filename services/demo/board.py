"""The safety board at the end of the story: a cut is frozen, both reports are fetched, and what is by arm is shown to nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from services.demo.people import NotAsTold, People, Unexpected
from services.demo.words import Say

STATISTICIAN = "dsmb-statistician"
WITHHELD = {
    "too_soon": (
        "withheld: another was made too short a time ago, and the two could be subtracted",
        "không lập: báo cáo trước còn quá gần, có thể lấy hiệu của hai báo cáo",
    ),
    "few_children": (
        "withheld: there are not enough children yet",
        "không lập: chưa đủ số trẻ",
    ),
}


class Board:
    """Plays the board's statistician; what is by arm is saved for the board, and never printed."""

    def __init__(self, people: People, say: Say, folder: Path) -> None:
        self._people, self._say, self._folder = people, say, folder

    def tell(self, case: str, version: int, outsider: str) -> dict[str, str]:
        """Id and SHA-256 of the cut, which holds this version of the case. `outsider` may not see arms, and tries."""
        self._say.step("The safety board: a frozen cut, two reports", "Hội đồng an toàn: chốt dữ liệu, hai báo cáo")
        purpose = {
            "purpose": self._say.pick("Demonstration: after a serious case", "Minh họa: sau một ca nghiêm trọng")
        }
        with self._say.waiting("counting, typesetting both reports …", "đang đếm và dàn trang hai báo cáo …"):
            cut = self._people.post(STATISTICIAN, "/api/v1/dsmb/cuts", purpose)
        path = f"/api/v1/dsmb/cuts/{cut['cut_id']}"
        entries = {(one[0], one[1]) for one in self._people.get(STATISTICIAN, f"{path}/manifest")["entries"]}
        if (f"case/{case}", version) not in entries:
            raise NotAsTold(
                f"the cut does not hold version {version} of the case: dsmb is behind (tocsin_consumer_lag)"
            )
        at = self._say.when(datetime.fromisoformat(cut["at"]))
        self._say.line(
            f"{STATISTICIAN} freezes the cut {cut['cut_id']}: {at}, N = {cut['subjects']} children, {cut['documents']} documents, "
            f"{cut['parked']} parked.",
            f"{STATISTICIAN} chốt dữ liệu {cut['cut_id']}: {at}, N = {cut['subjects']} trẻ, {cut['documents']} tài liệu, "
            f"{cut['parked']} sự kiện bị gác lại.",
        )
        for topic, offsets in sorted(cut["offsets"].items()):
            self._say.line(f"Where {topic} stood: {_stood(offsets)}.", f"Vị trí của {topic}: {_stood(offsets)}.")
        self._say.line(f"SHA-256 of its manifest: {cut['sha256']}.", f"SHA-256 của bản kê: {cut['sha256']}.")
        self._open(path, cut)
        self._closed(path, cut)
        self._refused(path, outsider)
        same = self._people.get(STATISTICIAN, f"{path}/check")
        if (same["closed"], same["open"], same["missing"]) != ("identical", "identical", 0):
            raise NotAsTold(f"made once more from its manifest, the cut says something else: {same}")
        self._say.line(
            "Made once more from the manifest: both identical, byte for byte.",
            "Lập lại từ bản kê: cả hai giống hệt từng byte.",
        )
        return {"id": cut["cut_id"], "sha256": cut["sha256"]}

    def _open(self, path: str, cut: Mapping[str, Any]) -> None:
        report, where = self._saved(path, cut, "open")
        en, vi = WITHHELD[cut["open_withheld"]] if cut["open_withheld"] else _pooled(report["tables"])
        self._say.line(f"Open report: {en}. {where}", f"Báo cáo mở: {vi}. {where}")

    def _closed(self, path: str, cut: Mapping[str, Any]) -> None:
        report, where = self._saved(path, cut, "closed")
        rows = sum(len(one["rows"]) for one in report["tables"])
        self._say.line(
            f"Closed report: {len(report['tables'])} tables, {rows} rows by coded arm, for the board alone; nothing of it is shown "
            f"here. {where}",
            f"Báo cáo kín: {len(report['tables'])} bảng, {rows} dòng theo nhánh đã mã hóa, chỉ dành cho hội đồng; ở đây không in gì. "
            f"{where}",
        )

    def _refused(self, path: str, outsider: str) -> None:
        try:
            self._people.get(outsider, f"{path}/closed")
        except Unexpected as answer:
            if answer.status != 403:
                raise
        else:
            raise NotAsTold(f"{outsider} was shown the closed report")
        self._say.line(
            f"{outsider} asks for the closed one: refused (403).", f"{outsider} xin báo cáo kín: từ chối (403)."
        )

    def _saved(self, path: str, cut: Mapping[str, Any], kind: str) -> tuple[dict[str, Any], str]:
        """The report, and where it and its paper lie; only the owner of the folder may read them."""
        folder = self._folder / "cuts" / cut["cut_id"]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = self._people.send(STATISTICIAN, "GET", f"{path}/{kind}").content
        paper = self._people.send(STATISTICIAN, "GET", f"{path}/{kind}/pdf?lang={self._say.language}").content
        for name, content in ((f"{kind}.json", body), (f"{kind}.pdf", paper)):
            file = folder / name
            file.touch(mode=0o600)
            file.write_bytes(content)
        return json.loads(body), f"{folder / kind}.json, .pdf"


def _stood(offsets: Mapping[str, int]) -> str:
    """`[3] 133, [11] 15, 0 × 10`: the partitions that hold something, and how many hold nothing."""
    held = sorted((int(number), at) for number, at in offsets.items() if at)
    empty = len(offsets) - len(held)
    told = [f"[{number}] {at}" for number, at in held] + ([f"0 × {empty}"] if empty else [])
    return ", ".join(told)


def _pooled(tables: list[dict[str, Any]]) -> tuple[str, str]:
    """Children, time watched, and how many had a serious event, as the open report says it."""
    cell = {(table["id"], row["id"]): next(iter(row["cells"].values())) for table in tables for row in table["rows"]}
    children, watched = cell["open_population", "subjects"]["n"], cell["open_population", "person_years"]["years"]
    serious = cell["open_children", "serious"]
    hidden = "withheld" in serious
    en = "a number too small to be shown" if hidden else f"{serious['n']} ({serious['percent']} %)"
    vi = "con số quá nhỏ nên không hiện" if hidden else f"{serious['n']} ({serious['percent']} %)"
    return (
        f"all {children} children together, {watched} child-years; with a serious event: {en}",
        f"gộp cả {children} trẻ, {watched} trẻ-năm; có biến cố nghiêm trọng: {vi}",
    )
