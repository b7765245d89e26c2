"""When it became known, as far as the versions tell.

What is missing, or lies after the server received it, counts as missing: then the moment of receipt stands in, which
is only ever the latest possible awareness, and a question goes back to the site. A partial date is read at its
earliest. A later claim never takes back an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from services.sae_notifier.rules.rule import Awareness, Unit
from services.sae_notifier.rules.words import Why
from shared.case import CaseReport, Moment
from shared.case.moment import Precision

Source = Literal["site", "desk", "news", "determined"]

MISSING = Why(
    "awareness_missing",
    "It is not said when the event became known; the clock runs from our own receipt. When did the site know?",
    "Chưa cho biết thời điểm nhận được thông tin; thời hạn tính từ lúc hệ thống nhận. Điểm nghiên cứu biết khi nào?",
)
SITE_MISSING = Why(
    "site_awareness_missing",
    "It is not said when the site knew, which may be earlier. When did the site know?",
    "Chưa cho biết điểm nghiên cứu biết khi nào, có thể sớm hơn. Điểm nghiên cứu biết khi nào?",
)
DESK_MISSING = Why(
    "desk_awareness_missing",
    "It is not said when the safety desk knew; the site's time is used, which is earlier. When did the desk know?",
    "Chưa cho biết bàn an toàn biết khi nào; hệ thống dùng thời điểm của điểm nghiên cứu, sớm hơn. Bàn an toàn biết khi nào?",
)
FUTURE = Why(
    "awareness_in_future",
    "The time of awareness given lies after we received the report, so it counts as missing. What is the right time?",
    "Thời điểm biết thông tin nằm sau lúc hệ thống nhận báo cáo, nên xem như thiếu. Thời điểm đúng là gì?",
)
AFTER_RECEIPT = Why(
    "awareness_after_receipt",
    "Every time of awareness given lies after our first receipt; the receipt is used. What is the right time?",
    "Mọi thời điểm biết thông tin đều sau lần nhận đầu tiên; hệ thống dùng lúc nhận. Thời điểm đúng là gì?",
)
NEWS_MISSING = Why(
    "news_time_missing",
    "It is not said when the news of this version became known; the clock runs from our receipt. When was it known?",
    "Chưa cho biết khi nào biết tin mới của phiên bản này; thời hạn tính từ lúc hệ thống nhận. Biết khi nào?",
)
PARTIAL = Why(
    "awareness_partial",
    "Awareness is only known roughly; its earliest reading is used. Which day and hour exactly?",
    "Thời điểm biết thông tin chỉ gần đúng; hệ thống lấy thời điểm sớm nhất. Chính xác ngày giờ nào?",
)
DETERMINATION_MISSING = Why(
    "determination_missing",
    "It is not said when the case was determined reportable; first awareness is used instead. When was it?",
    "Chưa cho biết khi nào xác định phải báo cáo; hệ thống dùng thời điểm biết đầu tiên. Khi nào?",
)
GAP = Why(
    "versions_missing",
    "Earlier versions of this case have not arrived yet; they may change the date.",
    "Một số phiên bản trước của ca này chưa đến; có thể làm thay đổi thời hạn.",
)


@dataclass(frozen=True)
class Known:
    """An instant of knowledge, how precisely it was told (`None`: ours, exact), and what has to be asked."""

    at: datetime
    precision: Precision | None = None
    questions: tuple[Why, ...] = ()

    def for_unit(self, unit: Unit) -> tuple[Why, ...]:
        """The questions, plus the one about precision when this clock needs more of it."""
        coarse: tuple[Precision, ...] = ("year", "month")
        if unit in ("hours", "at_once"):
            coarse = ("year", "month", "day", "hour")
        return (*self.questions, PARTIAL) if self.precision in coarse else self.questions


@dataclass(frozen=True)
class Claim:
    """One usable statement of one version about when something was known."""

    version: int
    source: Source
    at: datetime
    precision: Precision


def claims_of(version: CaseReport) -> tuple[Claim, ...]:
    """The usable claims of one version; a time after its receipt is not usable."""
    told: tuple[tuple[Source, Moment | None], ...] = (
        ("site", version.site_aware),
        ("desk", version.desk_aware),
        ("news", version.news_known),
        ("determined", version.determined_reportable),
    )
    return tuple(
        Claim(version.version, source, moment.earliest(), moment.precision)
        for source, moment in told
        if moment is not None and not moment.is_future(version.recorded_at)
    )


def news_of(version: CaseReport) -> Known:
    """When the news of an amendment was known; else its receipt, with a question."""
    for claim in claims_of(version):
        if claim.source == "news":
            return Known(claim.at, claim.precision)
    return Known(version.recorded_at, None, (FUTURE if version.news_known else NEWS_MISSING,))


@dataclass(frozen=True)
class FirstAwareness:
    """The first awareness of the whole case, over all versions known."""

    versions: tuple[CaseReport, ...]
    inherited: datetime | None = None

    @cached_property
    def _all_claims(self) -> tuple[Claim, ...]:
        return tuple(claim for version in self.versions for claim in claims_of(version))

    @cached_property
    def received_at(self) -> datetime:
        return min(version.recorded_at for version in self.versions)

    def legal(self, awareness: Awareness) -> Known:
        """The awareness a rule asks for, never after our first receipt; inherited awareness always counts."""
        if awareness == "determined":
            return self._determined()
        sources: dict[Awareness, tuple[Source, ...]] = {
            "earliest_of_site_and_desk": ("site", "desk", "news"),
            "site": ("site",),
            "desk": ("desk",),
        }
        known = self._earliest(sources[awareness])
        questions = self._questions(sources[awareness])
        if self.inherited and self.inherited < known.at:
            return Known(self.inherited, None, questions)
        return Known(known.at, known.precision, questions)

    def strict(self) -> datetime:
        """The earliest anybody could be said to have known."""
        known = self._earliest(("site", "desk", "news"))
        return min(known.at, self.inherited) if self.inherited else known.at

    def _claims(self, sources: Sequence[Source]) -> list[Claim]:
        return [claim for claim in self._all_claims if claim.source in sources]

    def _earliest(self, sources: Sequence[Source]) -> Known:
        found = self._claims(sources) or self._claims(("site", "desk", "news"))
        first = min(found, key=lambda claim: claim.at, default=None)
        if first is None or first.at > self.received_at:
            return Known(self.received_at)
        return Known(first.at, first.precision)

    def _determined(self) -> Known:
        found = self._claims(("determined",))
        if not found:
            known = self.legal("earliest_of_site_and_desk")
            return Known(known.at, known.precision, (*known.questions, DETERMINATION_MISSING))
        first = min(found, key=lambda claim: claim.at)
        return Known(first.at, first.precision)

    def _questions(self, sources: Sequence[Source]) -> tuple[Why, ...]:
        found = self._claims(sources)
        questions: list[Why] = []
        if not found and "site" not in sources and self._claims(("site",)):
            questions.append(DESK_MISSING)
        elif not found:
            typed = any(v.site_aware or v.desk_aware for v in self.versions)
            questions.append(FUTURE if typed and not self._claims(("site", "desk")) else MISSING)
        elif min(claim.at for claim in found) > self.received_at:
            questions.append(AFTER_RECEIPT)
        elif "site" in sources and not any(claim.source == "site" for claim in found):
            questions.append(SITE_MISSING)
        numbers = [version.version for version in self.versions]
        if len(numbers) < max(numbers):
            questions.append(GAP)
        return tuple(questions)
