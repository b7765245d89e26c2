"""The questions of WHO-UMC answered from the records for one event and one exposure, each with its data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.causality.domain.alternative import Alternatives, alternatives
from services.causality.domain.pair import Pair, named
from services.causality.domain.rechallenge import rechallenge
from services.causality.domain.specific import specific
from services.causality.domain.told import ALTERNATIVES as ANSWERED
from services.causality.domain.told import Told
from services.causality.domain.withdrawal import withdrawal
from services.causality.methods.who_umc import Alternative, Answers, decide, reasonable_possibility
from services.causality.words import ALTERNATIVES, Words
from shared.case import Answer, Batch, Exposure, Relatedness
from shared.case.assessment import Criterion


def relate(
    pair: Pair,
    others: Sequence[Pair],
    occurrences: Sequence[Pair],
    exposures: Sequence[Exposure],
    batches: Sequence[Batch],
    told: Told,
    now: datetime,
) -> Relatedness:
    """`others` are the same event against every exposure, `occurrences` every event of the child against every exposure."""
    found = alternatives(pair, others, now)
    withdrawn, withdrawn_why = withdrawal(pair, now)
    again, again_why = rechallenge(pair, occurrences, exposures, now)
    pointing, pointing_why = specific(pair, batches)
    timely, timely_why = pair.delay.answer, pair.delay.why
    if told.time is not None:
        timely, timely_why = told.time, _by_hand(told, pair, "time_plausible", timely_why)
    if told.withdrawal is not None:
        withdrawn, withdrawn_why = told.withdrawal, _by_hand(told, pair, "withdrawal_improved", withdrawn_why)
    if told.rechallenge is not None:
        again, again_why = told.rechallenge, _by_hand(told, pair, "rechallenge_recurred", again_why)
    if told.specific is not None:
        pointing, pointing_why = told.specific, _by_hand(told, pair, "specific_phenomenon", pointing_why)
    missing = _missing(pair, told)
    answers = Answers(
        exposed=pair.facts.exposed,
        time=timely,
        alternative=_combined(found, told),
        withdrawal=withdrawn,
        rechallenge=again,
        specific=pointing,
        sufficient=not missing,
        consistent=pair.facts.contradiction is None,
        obtainable=told.obtainable,
    )
    proposed = decide(answers)
    hours = pair.facts.hours
    low, high = hours.texts if hours is not None else (None, None)
    return Relatedness(
        event_id=pair.event.event_id,
        exposure_id=pair.exposure.exposure_id,
        exposure_kind=pair.exposure.kind,
        exposed=pair.facts.exposed,
        hours_min=low,
        hours_max=high,
        criteria=(
            _exposed(pair),
            _criterion("time_plausible", timely, timely_why),
            *_alternatives(found, told, pair),
            _criterion(
                "withdrawal_applicable", "no" if withdrawn == "not_applicable" else "yes", _applicable(withdrawn)
            ),
            _criterion("withdrawal_improved", "unknown" if withdrawn == "not_applicable" else withdrawn, withdrawn_why),
            _criterion("rechallenge_recurred", again, again_why),
            _criterion("specific_phenomenon", pointing, pointing_why),
            _sufficient(missing, told, pair),
            _consistent(pair),
        ),
        proposed=proposed,
        reasonable_possibility=reasonable_possibility(proposed),
    )


def _by_hand(told: Told, pair: Pair, question: str, records: Words) -> Words:
    return told.words(pair.exposure, question) + Words(f"The records alone: {records.en}", f"Riêng hồ sơ: {records.vi}")


def _combined(found: Alternatives, told: Told) -> Alternative:
    """What was given in the same hours stays on the same clock, unless a person says that nothing else explains it."""
    if found.combined == "shared_clock" and told.alternative in ("possible", "unknown"):
        return "shared_clock"
    return told.alternative or found.combined


def _criterion(code: str, answer: Answer, why: Words) -> Criterion:
    return Criterion(code=code, answer=answer, why_en=why.en, why_vi=why.vi)


def _exposed(pair: Pair) -> Criterion:
    name, facts = named(pair.exposure), pair.facts
    if facts.hours is None:
        why = Words(f"Cannot be told for {name.en}.", f"Chưa thể biết đối với {name.vi}.")
    else:
        end = facts.anchor == "end"
        why = Words(
            f"Onset {facts.hours} h from the {'end' if end else 'start'} of {name.en}.",
            f"Khởi phát {facts.hours} giờ tính từ lúc {'kết thúc' if end else 'bắt đầu'} {name.vi}.",
        )
    if facts.exposed == "no":
        why += Words("Not exposed: onset came first.", "Chưa phơi nhiễm: khởi phát trước.")
    return _criterion("exposed_before_onset", facts.exposed, why)


def _alternatives(found: Alternatives, told: Told, pair: Pair) -> tuple[Criterion, Criterion]:
    if told.alternative is None:
        return (
            _criterion("other_exposure_explains", found.exposures, found.exposures_why),
            _criterion("disease_explains", found.disease, found.disease_why),
        )
    answer: Answer = "yes"
    if told.alternative in ("excluded", "unlikely"):
        answer = "no"
    elif told.alternative == "unknown":
        answer = "unknown"
    shown = told.words(pair.exposure, *ANSWERED) + Words(
        f"For all causes together: {ALTERNATIVES[told.alternative].en}. The records alone:",
        f"Chung cho mọi nguyên nhân: {ALTERNATIVES[told.alternative].vi}. Riêng hồ sơ:",
    )
    return (
        _criterion("other_exposure_explains", answer, shown + found.exposures_why),
        _criterion("disease_explains", answer, shown + found.disease_why),
    )


def _applicable(withdrawn: str) -> Words:
    if withdrawn == "not_applicable":
        return Words("A single administration.", "Dùng một lần.")
    return Words("It can be stopped or reduced.", "Có thể ngừng hoặc giảm.")


def _missing(pair: Pair, told: Told) -> tuple[Words, ...]:
    gaps: list[Words] = []
    if "onset" in pair.facts.missing:
        gaps.append(Words("when the event began", "thời điểm khởi phát biến cố"))
    if "start" in pair.facts.missing and pair.facts.exposed != "yes":
        gaps.append(Words("when the exposure began", "thời điểm bắt đầu phơi nhiễm"))
    if pair.event.term is None:
        gaps.append(Words("the coded term", "thuật ngữ mã hóa"))
    elif (_too_coarse(pair, told) or pair.facts.exposed == "unknown") and not gaps:
        gaps.append(Words("the hour of onset or of the exposure", "giờ khởi phát hoặc giờ phơi nhiễm"))
    return tuple(gaps)


def _too_coarse(pair: Pair, told: Told) -> bool:
    """A person who has judged the delay does not wait for the hour."""
    return pair.delay.imprecise and told.time not in ("yes", "no")


def _sufficient(missing: tuple[Words, ...], told: Told, pair: Pair) -> Criterion:
    if not missing:
        return _criterion(
            "information_sufficient", "yes", Words("Nothing needed is missing.", "Đủ thông tin cần thiết.")
        )
    why = Words(f"Missing: {'; '.join(m.en for m in missing)}.", f"Còn thiếu: {'; '.join(m.vi for m in missing)}.")
    if not told.obtainable:
        why += Words("It cannot be obtained.", "Không thể thu thập được.") + told.words(
            pair.exposure, "information_obtainable"
        )
    return _criterion("information_sufficient", "no", why)


def _consistent(pair: Pair) -> Criterion:
    broken = pair.facts.contradiction
    if broken is None:
        return _criterion(
            "information_consistent",
            "yes",
            Words("No contradiction in the times.", "Các mốc thời gian không mâu thuẫn."),
        )
    return _criterion("information_consistent", "no", Words(f"Contradiction: {broken.en}.", f"Mâu thuẫn: {broken.vi}."))
