"""What the rules themselves know to be significant, and whether it has changed since a report that the recipient holds.

Nobody may state that a report was complete, or that news is insignificant, against it. Compared is what each version and
each assessment said when it was made, whether or not it has gone stale since; an answer given where there was none is a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.sae_notifier.rules.facts import OF_THE_EVENT
from services.sae_notifier.rules.history import Held
from services.sae_notifier.rules.step import Step
from services.sae_notifier.rules.words import Why
from shared.case import CaseReport, Says
from shared.case.withholding import hash_of

if TYPE_CHECKING:
    from services.sae_notifier.rules.case_clock import CaseClock

NOT_RECEIVED = Why(
    "report_not_received",
    "The recipient is not known to have received the report; record the receipt first.",
    "Chưa biết nơi nhận đã nhận báo cáo; trước hết hãy ghi nhận việc nhận.",
)
VOIDED = Why(
    "case_was_voided",
    "The case was nullified since; the recipient must hear of it.",
    "Ca đã bị hủy sau đó; phải báo cho nơi nhận.",
)
EVENTS_CHANGED = Why(
    "events_changed",
    "An event was added, taken away or named otherwise since the report.",
    "Có biến cố được thêm, bỏ hoặc đổi tên sau báo cáo.",
)
SERIOUSNESS_CHANGED = Why(
    "seriousness_changed",
    "An answer about seriousness changed since the report (death and danger to life among them).",
    "Câu trả lời về mức độ nghiêm trọng đã thay đổi sau báo cáo (gồm cả tử vong, đe dọa tính mạng).",
)
OUTCOME_CHANGED = Why(
    "outcome_changed",
    "The outcome or the grade of an event changed since the report.",
    "Kết cục hoặc phân độ của biến cố đã thay đổi sau báo cáo.",
)
CAUSALITY_CHANGED = Why(
    "causality_changed",
    "An opinion on the cause was given or changed since the report.",
    "Ý kiến về quan hệ nhân quả được đưa ra hoặc thay đổi sau báo cáo.",
)
EXPECTEDNESS_CHANGED = Why(
    "expectedness_changed",
    "Whether an event is expected was answered or changed since the report.",
    "Câu trả lời về tính dự kiến được đưa ra hoặc thay đổi sau báo cáo.",
)
SUSPECTS_CHANGED = Why(
    "suspects_changed",
    "What was given, or when, changed since the report.",
    "Sản phẩm đã dùng hoặc thời điểm dùng đã thay đổi sau báo cáo.",
)
_ASKED: Mapping[str, Why] = {
    **dict.fromkeys(OF_THE_EVENT, SERIOUSNESS_CHANGED),
    "rel_inv": CAUSALITY_CHANGED,
    "rel_spo": CAUSALITY_CHANGED,
    "unexp": EXPECTEDNESS_CHANGED,
    "exposed": SUSPECTS_CHANGED,
}


@dataclass(frozen=True)
class Statable:
    """What a person may sign about a duty, of which telling and through which case version; `objections` forbid it."""

    says: Says
    case_version: int
    held: Held | None
    objections: tuple[Why, ...]


def objections(case: CaseClock, held: Held | None, through: int) -> tuple[Why, ...]:
    """Why nobody may say that versions up to `through` add nothing to what the recipient holds."""
    if held is None:
        return (NOT_RECEIVED,)
    by_number = {one.version: one for one in case.versions}
    later = [one for one in case.versions if held.version < one.version <= through]
    found = [VOIDED] if any(one.nullified for one in later) else []
    steps = case.as_said
    then = max((at for at, one in enumerate(steps) if _stood_in(one, held)), default=None)
    if then is None:
        return (*found, EVENTS_CHANGED)
    told = _said(steps[then], by_number[steps[then].case_version])
    for step in steps[then + 1 :]:
        if step.case_version <= through:
            found += _differences(told, _said(step, by_number[step.case_version]))
    ours = case.trial.product_kinds | case.trial.administration_kinds
    if any(one.kind in ours and one.recorded_at > held.as_of for one in case.history.exposures):
        found.append(SUSPECTS_CHANGED)
    return tuple(dict.fromkeys(found))


def _stood_in(step: Step, held: Held) -> bool:
    if step.aggregate.startswith("case/"):
        return step.version <= held.version
    return step.case_version <= held.version and step.recorded_at <= held.as_of


_Said = Mapping[tuple[str, ...], tuple[Why, object]]


def _said(step: Step, case: CaseReport) -> _Said:
    """Every significant answer by what it is about, with the objection that its change makes."""
    found: dict[tuple[str, ...], tuple[Why, object]] = {}
    for event in case.events:
        words = event.verbatim
        typed = None if words is None else words.sha256 if words.redacted else hash_of(words.text)
        found[event.event_id, "is"] = (EVENTS_CHANGED, event.term.code if event.term else typed)
        found[event.event_id, "outcome"] = (OUTCOME_CHANGED, (event.outcome, event.worst_grade))
    for one in step.judged:
        suspect = one.suspect.name if one.suspect else ""
        found[one.event_id, suspect, "suspect"] = (SUSPECTS_CHANGED, True)
        for question, why in _ASKED.items():
            found[one.event_id, suspect, question] = (why, one.facts.get(question))
    return found


def _differences(told: _Said, now: _Said) -> list[Why]:
    events = {key[0] for key in told if key[-1] == "is"} ^ {key[0] for key in now if key[-1] == "is"}
    if events:
        return [EVENTS_CHANGED]
    found = []
    for key in {**told, **now}:
        old, new = told.get(key), now.get(key)
        if old is None or new is None:
            found.append(SUSPECTS_CHANGED)
        elif old[1] != new[1]:
            found.append(old[0])
    return found


def held_of(received: Sequence[Held], version: int | None = None) -> Held | None:
    """The newest telling received, of one case version where one is named."""
    mine = [one for one in received if version is None or one.version == version]
    return max(mine, key=lambda one: (one.version, one.as_of), default=None)
