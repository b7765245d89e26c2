"""How the demonstration speaks: one language at a time, times in the authority's zone with the reader's beside it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from rich.console import Console

from shared.web.times import left_text, local_text, zone_text

Language = Literal["vi", "en"]
_DAYS = {
    "vi": ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_RULES = {
    "VN-SAE-7WD": (
        "seven working days; the day of awareness is not counted",
        "bảy ngày làm việc, không tính ngày biết tin",
    ),
    "VN-SAE-15WD": (
        "fifteen working days; the day of awareness is not counted",
        "mười lăm ngày làm việc, không tính ngày biết tin",
    ),
    "VN-URGENT": ("an urgent notice at once, within 24 hours at the latest", "thông báo khẩn ngay, chậm nhất 24 giờ"),
    "US-IND-7": (
        "seven calendar days; the day the sponsor received it is not counted",
        "bảy ngày theo lịch, không tính ngày nhà tài trợ nhận tin",
    ),
    "US-IND-15": ("fifteen calendar days, every investigator too", "mười lăm ngày theo lịch, cả các nghiên cứu viên"),
    "EU-SUSAR-7": (
        "seven calendar days; the day the sponsor knew is not counted",
        "bảy ngày theo lịch, không tính ngày nhà tài trợ biết tin",
    ),
    "EU-SUSAR-15": (
        "fifteen calendar days; the day the sponsor knew is not counted",
        "mười lăm ngày theo lịch, không tính ngày nhà tài trợ biết tin",
    ),
    "US-IND-7-FULL": (
        "what the seven-day report still lacked, within fifteen calendar days",
        "phần báo cáo bảy ngày còn thiếu, trong mười lăm ngày theo lịch",
    ),
    "EU-SUSAR-8": (
        "what the seven-day report still lacked, within eight more days",
        "phần báo cáo bảy ngày còn thiếu, trong tám ngày tiếp theo",
    ),
    "US-FU-15": ("news after the report: fifteen calendar days", "tin mới sau báo cáo: mười lăm ngày theo lịch"),
    "EU-FU-15": ("news after the report: fifteen calendar days", "tin mới sau báo cáo: mười lăm ngày theo lịch"),
    "SP-INV-24H": ("from the site to the sponsor within 24 hours", "cơ sở báo nhà tài trợ trong 24 giờ"),
}


class Say:
    """Numbered steps and their lines on a console."""

    def __init__(self, console: Console, language: Language, zone: str) -> None:
        self._console, self.language, self._zone, self._step = console, language, zone, 0

    def pick(self, en: str, vi: str) -> str:
        return vi if self.language == "vi" else en

    def step(self, en: str, vi: str) -> None:
        self._step += 1
        self._console.print(
            f"\n{self._step}. {self.pick(en, vi)}", style="bold", markup=False, highlight=False, soft_wrap=True
        )

    def line(self, en: str, vi: str) -> None:
        self._console.print(f"   {self.pick(en, vi)}", markup=False, highlight=False, soft_wrap=True)

    def waiting(self, en: str, vi: str) -> AbstractContextManager[object]:
        """Shown while something lasts, on a terminal only; the lines say what came of it."""
        return self._console.status(self.pick(en, vi))

    def when(self, at: datetime, zone: str | None = None) -> str:
        """`Wednesday 02 Dec 2026 23:59 UTC+7`, and the reader's own time where that differs."""
        zone = zone or self._zone
        day = _DAYS[self.language][at.astimezone(ZoneInfo(zone)).weekday()]
        here = at.astimezone()
        text = f"{day} {local_text(at, zone, self.language)} {zone_text(at, zone)}"
        if here.utcoffset() != at.astimezone(ZoneInfo(zone)).utcoffset():
            text += f" ({here:%H:%M %Z} {self.pick('here', 'ở đây')})"
        return text

    def left(self, due: datetime, now: datetime) -> str:
        return left_text(due - now, self.language)

    def rule(self, rule_id: str) -> str:
        return self.pick(*_RULES.get(rule_id, (rule_id, rule_id)))
