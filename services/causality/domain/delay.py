"""Whether a delay is plausible: the hours of one pair against the onset windows that are known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.causality.domain.temporal import Interval, Temporal
from services.causality.knowledge import Window, note, windows
from services.causality.words import NOTHING, Words, number
from shared.case import Answer, Exposure

Fit = Literal["inside", "outside", "straddles", "not_applicable"]


@dataclass(frozen=True)
class Delay:
    """`imprecise`: a window is known, the times are too coarse to use it. `window` is the one that decided."""

    answer: Answer
    why: Words
    imprecise: bool = False
    window: Window | None = None


def delay(facts: Temporal, exposure: Exposure, code: str | None) -> Delay:
    """Yes inside any window; no only when what was read rules every window out; else unknown, and why."""
    if facts.exposed == "no":
        return Delay("no", Words("Onset came before the exposure.", "Khởi phát trước phơi nhiễm."))
    if code is None:
        return Delay("unknown", Words("The event is not coded yet.", "Biến cố chưa được mã hóa."), imprecise=True)
    fits: list[tuple[Window, Fit]] = [
        (window, _fit(window, facts)) for window in windows(exposure.kind, exposure.name, code)
    ]
    fits = [(window, fit) for window, fit in fits if fit != "not_applicable"]
    order: tuple[Fit, ...] = ("inside", "straddles")
    for wanted in order:
        for window, fit in fits:
            if fit == wanted:
                sure = fit == "inside" and facts.exposed == "yes"
                return Delay("yes" if sure else "unknown", _words(window, wanted, facts), not sure, window)
    if not fits:
        why = Words(
            "No onset window is known for this pair; the monitor judges the delay.",
            "Chưa biết khoảng thời gian khởi phát cho cặp này; giám sát y khoa đánh giá.",
        )
        return Delay("unknown", why)
    window = fits[0][0]
    if facts.exposed == "unknown":
        return Delay("unknown", _words(window, "outside", facts), True, window)
    return Delay("unknown" if window.doubt else "no", _words(window, "outside", facts), False, window)


def _fit(window: Window, facts: Temporal) -> Fit:
    elapsed = _elapsed(window, facts)
    if elapsed is None:
        return "not_applicable" if window.anchor == "stop" else "straddles"
    if window.min_h <= elapsed.low and elapsed.high <= window.max_h:
        return "inside"
    return "outside" if elapsed.high < window.min_h or window.max_h < elapsed.low else "straddles"


def _elapsed(window: Window, facts: Temporal) -> Interval | None:
    """Hours from the window's own anchor; onset during a procedure or a course counts as hour 0 from its end."""
    start, end = facts.since_start, facts.since_end
    match window.anchor:
        case "start":
            return start
        case "stop":
            return end if end is not None and end.high >= 0 else None
        case "dose" if start is not None and (end is None or end.low < 0):
            single = end is None and start.high <= window.max_h
            return start if single else Interval(Decimal(0), max(start.high, Decimal(0)))
        case _:
            return _floor(end, facts.exposed) if end is not None else start


def _floor(elapsed: Interval, exposed: Answer) -> Interval:
    if exposed != "yes":
        return elapsed
    return Interval(max(elapsed.low, Decimal(0)), max(elapsed.high, Decimal(0)))


_ANCHORS: dict[str, Words] = {
    "start": Words("the start", "lúc bắt đầu"),
    "end": Words("the end", "lúc kết thúc"),
    "dose": Words("a dose", "một liều"),
    "stop": Words("stopping (withdrawal effect)", "lúc ngừng (hội chứng ngừng thuốc)"),
}
_FITS: dict[Fit, Words] = {
    "inside": Words("within", "trong"),
    "outside": Words("outside", "ngoài"),
    "straddles": Words("known too coarsely for", "chưa đủ chính xác so với"),
}


def _words(window: Window, fit: Fit, facts: Temporal) -> Words:
    elapsed, anchor = _elapsed(window, facts), _ANCHORS[window.anchor]
    hours = "?" if elapsed is None else str(elapsed)
    source = f"{window.id}: {note(window)}" if note(window) else window.id
    known = f"{number(window.min_h)}–{number(window.max_h)} h"
    said = Words(
        f"{hours} h after {anchor.en}, {_FITS[fit].en} the known {known} (usual {number(window.typical_h)} h; "
        f"{source}).",
        f"{hours} giờ sau {anchor.vi}, {_FITS[fit].vi} khoảng đã biết {known} (thường {number(window.typical_h)} giờ; "
        f"{source}).",
    )
    doubt = Words(
        "No source was read for this interval: doubt, take it with caution.",
        "Khoảng này chưa có nguồn đã đọc: còn nghi ngờ, cần thận trọng.",
    )
    return said + (doubt if window.doubt else NOTHING)
