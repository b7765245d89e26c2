"""Why a duty has the shape it has: one sentence per thing that became known and did something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.awareness import FirstAwareness, claims_of
from services.sae_notifier.rules.candidate import Candidate, truths_of
from services.sae_notifier.rules.deadline import Due
from services.sae_notifier.rules.rule import Awareness, Rule
from services.sae_notifier.rules.step import Step
from services.sae_notifier.rules.vocabulary import SETS, describe
from services.sae_notifier.rules.words import Words
from shared.case import CaseReport, DutyCause


def cause(step: Step, code: str, words: Words, at: datetime | None = None) -> DutyCause:
    return DutyCause(
        at=at or step.known.at,
        aggregate=step.aggregate,
        version=step.version,
        code=code,
        why_en=words.en,
        why_vi=words.vi,
    )


def causes_of(
    rules: Sequence[Rule], steps: Sequence[Step], begin: int, end: int, candidates: Sequence[Candidate], zone: str
) -> list[DutyCause]:
    """What each step from `begin` to `end` did to the duty, in order."""
    found: list[DutyCause] = []
    truths = {id(rule): truths_of(rule, steps) for rule in rules}
    shown: Rule | None = None
    open_due: Due | None = None
    for index in range(begin, end + 1):
        step = steps[index]
        begun = [one for one in candidates if one.begins == index]
        risen = min(begun, key=lambda one: one.rule.urgency, default=None)
        if risen:
            due = risen.legal or risen.strict
            assert due is not None
            if shown is None or open_due is None:
                found.append(cause(step, "became_reportable", _reportable(risen.rule, step, due, zone), due.aware_at))
                shown, open_due = risen.rule, due
            elif risen.rule.urgency < shown.urgency:
                found.append(_upgrade(risen.rule, step, due, open_due, zone))
                shown = risen.rule
                open_due = min(due, open_due, key=lambda one: one.due_at)
        if index == begin:
            continue
        fallen = [
            rule
            for rule in sorted(rules, key=lambda rule: rule.urgency)
            if truths[id(rule)][index] is False and truths[id(rule)][index - 1] is not False
        ]
        if fallen:
            still = any(truths[id(rule)][index] is not False for rule in rules)
            was_said = _affirmed([step.reported(fallen[0].trigger) for step in steps[begin:index]])
            worse = not still or any(
                truths[id(rule)][index] is not False and rule.urgency > fallen[0].urgency for rule in rules
            )
            if worse:
                found.append(_fall(fallen[0], step, still, was_said))
        confirmed = next(
            (
                rule
                for rule in sorted(rules, key=lambda rule: rule.urgency)
                if truths[id(rule)][index] is True and truths[id(rule)][index - 1] is None
            ),
            None,
        )
        if confirmed and not risen:
            found.append(cause(step, "confirmed", _confirmed(confirmed, step)))
    return found


def _affirmed(truths: Sequence[bool | None]) -> bool:
    """Whether the run that ends here was ever answered yes."""
    for truth in reversed(truths):
        if truth is False:
            return False
        if truth is True:
            return True
    return False


def facts_in_words(rule: Rule, step: Step) -> Words:
    """The facts the trigger looked at, of the event that made it hold (or of the first one)."""
    facts = next((one for one in step.facts if rule.trigger.truth(one) is True), None)
    facts = facts or next((one for one in step.facts if rule.trigger.truth(one) is None), step.facts[0])
    asked = [name for name in rule.trigger.names() if name not in SETS and name != "occasion"]
    parts = [describe(name, facts.get(name)) for name in asked]
    return Words("; ".join(part.en for part in parts), "; ".join(part.vi for part in parts))


def when(at: datetime, zone: str) -> Words:
    local = at.astimezone(ZoneInfo(zone))
    return Words(f"{local:%Y-%m-%d %H:%M} ({zone})", f"{local:%H:%M %d/%m/%Y} ({zone})")


def _step(step: Step) -> Words:
    if step.aggregate.startswith("case/"):
        return Words(f"Version {step.version} of the case", f"Phiên bản {step.version} của ca")
    return Words(f"Version {step.version} of the assessment", f"Phiên bản {step.version} của bản đánh giá")


def _reportable(rule: Rule, step: Step, due: Due, zone: str) -> Words:
    facts, which, deadline = facts_in_words(rule, step), _step(step), rule.deadline.words()
    aware, until = when(due.aware_at, zone), when(due.due_at, zone)
    return Words(
        f"{which.en} makes a report due under {rule.rule_id} ({facts.en}). "
        f"Known since {aware.en}; {deadline.en}: until {until.en}.",
        f"{which.vi} làm phát sinh nghĩa vụ báo cáo theo {rule.rule_id} ({facts.vi}). "
        f"Biết từ {aware.vi}; {deadline.vi}: đến {until.vi}.",
    )


def _upgrade(rule: Rule, step: Step, due: Due, open_due: Due, zone: str) -> DutyCause:
    facts, which, deadline = facts_in_words(rule, step), _step(step), rule.deadline.words()
    mine, old = when(due.due_at, zone), when(open_due.due_at, zone)
    if due.due_at < open_due.due_at:
        en = f"{deadline.en} from the new knowledge: until {mine.en} instead of {old.en}."
        vi = f"{deadline.vi} kể từ thông tin mới: đến {mine.vi} thay cho {old.vi}."
        code = "upgraded"
    else:
        en = f"{deadline.en} from the new knowledge would end {mine.en}; the open date {old.en} is not later and stays."
        vi = f"{deadline.vi} kể từ thông tin mới sẽ đến {mine.vi}; hạn đang mở {old.vi} không muộn hơn nên giữ nguyên."
        code = "upgraded_open_due_stays"
    return cause(
        step,
        code,
        Words(
            f"{which.en} moves the duty to {rule.rule_id} ({facts.en}). {en}",
            f"{which.vi} chuyển nghĩa vụ sang {rule.rule_id} ({facts.vi}). {vi}",
        ),
        due.aware_at,
    )


def _confirmed(rule: Rule, step: Step) -> Words:
    facts, which = facts_in_words(rule, step), _step(step)
    return Words(
        f"{which.en} answers what was open: {rule.rule_id} holds ({facts.en}).",
        f"{which.vi} trả lời câu hỏi còn bỏ ngỏ: {rule.rule_id} áp dụng ({facts.vi}).",
    )


def _fall(rule: Rule, step: Step, still: bool, was_said: bool) -> DutyCause:
    """A trigger no longer holds: says whether that relaxed anything, and if not, what is needed."""
    which, facts = _step(step), facts_in_words(rule, step)
    head = Words(
        f"{which.en} no longer meets {rule.rule_id} ({facts.en}). ",
        f"{which.vi} không còn thỏa {rule.rule_id} ({facts.vi}). ",
    )
    if was_said and still:
        code, tail = (
            "downgrade_not_relaxed",
            Words(
                "It was stated before, so the date stays.",
                "Điều này đã được khẳng định trước đó nên thời hạn giữ nguyên.",
            ),
        )
    elif was_said and not step.signed:
        code, tail = (
            "not_reportable_awaits_signature",
            Words(
                "It was stated before: the duty ends only with a signed assessment of this version.",
                "Điều này đã được khẳng định trước đó: nghĩa vụ chỉ kết thúc khi có bản đánh giá đã ký cho phiên bản này.",
            ),
        )
    elif was_said:
        code, tail = (
            "not_reportable_signed",
            Words("A signed assessment stands behind it.", "Có bản đánh giá đã ký xác nhận."),
        )
    elif not step.documented:
        code, tail = (
            "answer_not_documented",
            Words(
                "The answer has no reason from a clinician, an investigator or a signature, so nothing is relaxed.",
                "Câu trả lời không kèm lý do của bác sĩ, nghiên cứu viên hay chữ ký nên không nới thời hạn.",
            ),
        )
    else:
        code, tail = (
            "assumption_answered",
            Words(
                "It had only been assumed while unanswered; the alarms keep the earlier date.",
                "Trước đây chỉ là giả định khi chưa có câu trả lời; các báo động vẫn theo hạn sớm hơn.",
            ),
        )
    return cause(step, code, Words(head.en + tail.en, head.vi + tail.vi))


_MOVED = {
    "awareness_moved_earlier": (
        "an earlier first awareness; the date moves with it",
        "thời điểm biết đầu tiên sớm hơn; thời hạn dời theo",
    ),
    "awareness_moved_later_not_relaxed": (
        "a later first awareness; the date stays",
        "thời điểm biết muộn hơn; thời hạn giữ nguyên",
    ),
    "determination_named": (
        "the day on which the case was determined reportable; the legal date counts from it, the alarms do not",
        "ngày xác định ca phải báo cáo; thời hạn pháp lý tính từ ngày đó, các báo động thì không",
    ),
}


def awareness_causes(versions: Sequence[CaseReport], awareness: Awareness) -> list[DutyCause]:
    """Later versions that say something else about the first awareness: earlier moves the date, later never does."""
    found: list[DutyCause] = []
    for index, version in enumerate(versions[1:], start=1):
        so_far = FirstAwareness(tuple(versions[:index])).legal(awareness).at
        now_known = FirstAwareness(tuple(versions[: index + 1])).legal(awareness).at
        if now_known < so_far:
            found.append(_moved(version, "awareness_moved_earlier", now_known))
            continue
        if awareness == "determined" and now_known > so_far:  # until then first awareness stood in
            found.append(_moved(version, "determination_named", now_known))
            continue
        before = {(claim.source, claim.at) for claim in claims_of(versions[index - 1])}
        for claim in claims_of(version):
            if claim.source in ("site", "desk") and (claim.source, claim.at) not in before and claim.at > so_far:
                known = any(source == claim.source for source, _ in before)
                if known:
                    found.append(_moved(version, "awareness_moved_later_not_relaxed", claim.at))
                    break
    return found


def _moved(version: CaseReport, code: str, at: datetime) -> DutyCause:
    en, vi = _MOVED[code]
    return DutyCause(
        at=at,
        aggregate=f"case/{version.case_id}",
        version=version.version,
        code=code,
        why_en=f"Version {version.version} of the case gives {en}.",
        why_vi=f"Phiên bản {version.version} của ca nêu {vi}.",
    )
