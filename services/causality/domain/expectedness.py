"""Expected or not, against the reference safety information in force at onset (EU CTR Annex III 2.2; ICH E2A II.C).

Nothing is expected until a monitor has signed the listed term; a higher grade than listed, or a death where death is not listed, is
unexpected. `unknown` is counted as unexpected by every clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.causality.domain.temporal import counted, span
from services.causality.words import KINDS, Words, joined
from shared.case import AdverseEvent, Answer, ExposureKind


@dataclass(frozen=True)
class ListedTerm:
    """One listed reaction; `max_grade` None lists any grade, empty `kinds` lists it for every exposure."""

    code: str
    term: str
    max_grade: int | None
    kinds: tuple[ExposureKind, ...]
    fatal_listed: bool
    signed: bool


@dataclass(frozen=True)
class RsiVersion:
    """One version, in force from `effective_from` (included) to `effective_to` (excluded; None while in force), aware UTC."""

    version: str
    effective_from: datetime
    effective_to: datetime | None
    illustrative: bool
    listed: tuple[ListedTerm, ...]


@dataclass(frozen=True)
class Expectedness:
    """The answer, why, and the version used (None when none or several could have been in force)."""

    answer: Answer
    why: Words
    rsi_version: str | None = None
    illustrative: bool = False


def expectedness(
    event: AdverseEvent, rsi: Sequence[RsiVersion], exposed: Mapping[ExposureKind, Answer], now: datetime
) -> Expectedness:
    """`exposed` says for each kind whether it preceded onset; a kind that is absent was not given."""
    onset = counted(event.onset, now)
    if onset is None:
        return _unknown(
            "Onset is not known, so neither is the version in force.",
            "Chưa biết thời điểm khởi phát nên chưa rõ bản có hiệu lực.",
        )
    low, high = span(onset)
    possible = [v for v in rsi if v.effective_from <= high and (v.effective_to is None or v.effective_to > low)]
    if not possible:
        return _unknown(
            f"No reference safety information was in force at onset ({onset.value}).",
            f"Không có thông tin an toàn tham chiếu có hiệu lực lúc khởi phát ({onset.value}).",
        )
    whole = possible[0].effective_from <= low and (possible[0].effective_to is None or possible[0].effective_to > high)
    if len(possible) > 1 or not whole:
        names = ", ".join(v.version for v in possible)
        return _unknown(
            f"Onset ({onset.value}) is too coarse to tell which version was in force ({names}).",
            f"Thời điểm khởi phát ({onset.value}) chưa đủ chính xác để biết bản nào có hiệu lực ({names}).",
        )
    version = possible[0]
    answer, why = _against(event, version, exposed)
    head = Words(f"Version {version.version}:", f"Bản {version.version}:")
    mark = Words("(ILLUSTRATIVE.)", "(MINH HỌA.)") if version.illustrative else Words("", "")
    return Expectedness(answer, head + why + mark, version.version, version.illustrative)


def _unknown(en: str, vi: str) -> Expectedness:
    return Expectedness("unknown", Words(en, vi) + Words("Counted as unexpected.", "Tính là ngoài dự kiến."))


def _against(event: AdverseEvent, version: RsiVersion, exposed: Mapping[ExposureKind, Answer]) -> tuple[Answer, Words]:
    if event.term is None:
        return "unknown", Words("The event is not coded.", "Biến cố chưa được mã hóa.")
    rows = [row for row in version.listed if row.code == event.term.code]
    if not rows:
        return "no", Words(f"{event.term.term} is not listed.", f"{event.term.term} không có trong danh mục.")
    verdicts = [_row(event, row, exposed) for row in rows]
    for wanted in ("yes", "unknown", "no"):
        for answer, why in verdicts:
            if answer == wanted:
                return answer, why
    raise AssertionError("every listed row has an answer")


def _row(event: AdverseEvent, row: ListedTerm, exposed: Mapping[ExposureKind, Answer]) -> tuple[Answer, Words]:
    if not row.signed:
        return "no", Words(
            f"{row.term} is listed, but no monitor has signed it.",
            f"{row.term} có trong danh mục nhưng chưa được giám sát y khoa ký.",
        )
    given, for_kinds = _given(row, exposed), joined([KINDS[kind] for kind in row.kinds])
    if given == "no":
        return "no", Words(
            f"{row.term} is listed for {for_kinds.en}, which was not given before onset.",
            f"{row.term} được liệt kê cho {for_kinds.vi}, chưa dùng trước khi khởi phát.",
        )
    grade, fatal = event.worst_grade, _fatal(event)
    if fatal == "yes" and not row.fatal_listed:
        return "no", Words(f"{row.term} is not listed as fatal.", f"{row.term} không được liệt kê là gây tử vong.")
    if (
        grade is not None
        and row.max_grade is not None
        and grade > row.max_grade
        and not (fatal == "yes" and row.fatal_listed)
    ):
        return "no", Words(
            f"Grade {grade} is above the listed grade {row.max_grade}.",
            f"Độ {grade} cao hơn độ được liệt kê {row.max_grade}.",
        )
    if given == "unknown":
        return "unknown", Words(
            f"Whether {for_kinds.en or 'anything'} was given before onset is not known.",
            f"Chưa biết {for_kinds.vi or 'có phơi nhiễm nào'} được dùng trước khi khởi phát không.",
        )
    if grade is None and row.max_grade is not None and fatal != "yes":
        return "unknown", Words("No grade is given.", "Chưa có độ nặng.")
    if fatal == "unknown" and not row.fatal_listed:
        return "unknown", Words("Whether it was fatal is not answered.", "Chưa trả lời biến cố có gây tử vong không.")
    up_to = "any grade" if row.max_grade is None else f"grade {row.max_grade}"
    up_to_vi = "mọi độ" if row.max_grade is None else f"độ {row.max_grade}"
    return "yes", Words(f"{row.term} is listed up to {up_to}.", f"{row.term} được liệt kê đến {up_to_vi}.")


def _given(row: ListedTerm, exposed: Mapping[ExposureKind, Answer]) -> Answer:
    answers = [exposed.get(kind, "no") for kind in row.kinds] if row.kinds else list(exposed.values())
    if "yes" in answers:
        return "yes"
    return "unknown" if "unknown" in answers else "no"


def _fatal(event: AdverseEvent) -> Answer:
    if event.outcome == "fatal" or event.seriousness.death == "yes" or event.worst_grade == 5:
        return "yes"
    if event.outcome != "unknown" or event.seriousness.death == "no":
        return "no"
    return "unknown"
