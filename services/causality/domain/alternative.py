"""What else could explain the event: the other exposures whose window fits, the disease, the illnesses of the age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.causality.domain.pair import Pair, named, same_clock, same_thing
from services.causality.knowledge import other_causes
from services.causality.methods.who_umc import Alternative
from services.causality.words import Words, joined
from shared.case import Answer


@dataclass(frozen=True)
class Alternatives:
    """The combined answer, and the two questions it rests on."""

    combined: Alternative
    exposures: Answer
    exposures_why: Words
    disease: Answer
    disease_why: Words


def alternatives(pair: Pair, others: Sequence[Pair], now: datetime) -> Alternatives:
    """Never "no" from records alone: that nothing else explains it is for a person to say."""
    rivals = [p for p in others if p.delay.answer == "yes" and not same_thing(p.exposure, pair.exposure)]
    shared = [p for p in rivals if same_clock(p.exposure, pair.exposure, now)]
    causes = other_causes(pair.event.term.code) if pair.event.term is not None else ()
    if rivals:
        names = joined([named(p.exposure) for p in rivals])
        exposures_why = Words(f"The delay also fits: {names.en}.", f"Thời gian cũng phù hợp với: {names.vi}.")
        if shared:
            exposures_why += Words(
                "Given in the same hours, so they cannot be told apart by time.",
                "Dùng trong cùng khoảng giờ nên không thể phân biệt bằng thời gian.",
            )
    else:
        exposures_why = Words(
            "No other recorded exposure has a fitting window.", "Không có phơi nhiễm nào khác phù hợp về thời gian."
        )
    if causes:
        listed = joined([cause.words for cause in causes])
        disease_why = Words(f"{listed.en}.", f"{listed.vi}.")
    else:
        disease_why = Words("Not judged by anyone yet.", "Chưa ai đánh giá.")
    if shared:
        combined: Alternative = "shared_clock"
    else:
        combined = "possible" if rivals or causes else "unknown"
    return Alternatives(
        combined, "yes" if rivals else "unknown", exposures_why, "yes" if causes else "unknown", disease_why
    )
