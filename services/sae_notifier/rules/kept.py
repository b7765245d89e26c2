"""Open obligations that the rules no longer explain: kept as they stand until a person decides.

One that a signature closed, and that is no longer apart from an earlier one, says so: nothing may look closed by a signature
that has lapsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.duty import Duty, obligation_id
from services.sae_notifier.rules.ending import NOT_SIGNIFICANT, NULLIFIED, REPLACED, TAKEN_OVER
from services.sae_notifier.rules.history import History
from services.sae_notifier.rules.rulebook import Rulebook
from services.sae_notifier.rules.words import Words
from shared.case import DutyCause, Obligation

_WHY = Words(
    "No rule in force asks for this any more (a rule, a recipient or an exposure changed); it stays open until a person ends it.",
    "Không còn quy tắc nào yêu cầu việc này (quy tắc, nơi nhận hoặc phơi nhiễm đã đổi); vẫn mở cho đến khi có người kết thúc.",
)


def kept_duties(history: History, computed: Sequence[Duty], rulebook: Rulebook) -> list[Duty]:
    """One duty for each obligation of this case, open, rejected or signed away, that is not among `computed`."""
    known = {duty.obligation_id for duty in computed}
    return [
        _kept(one, history, rulebook)
        for one in history.obligations
        if one.obligation_id not in known
        and (one.state in ("open", "rejected") or one.ended_why in (NOT_SIGNIFICANT.code, TAKEN_OVER.code))
    ]


def sent_duties(history: History, computed: Sequence[Duty], rulebook: Rulebook) -> list[Duty]:
    """Reports that were sent and that nothing explains any more: they are owed no longer, and what they beget still is."""
    known = {duty.obligation_id for duty in computed}
    found = [
        _kept(one, history, rulebook)
        for one in history.obligations
        if one.obligation_id not in known and one.state in ("filed", "received", "rejected")
    ]
    return [replace(duty, generation=_generation(duty, history)) for duty in found]


def _generation(duty: Duty, history: History) -> int:
    """Which of the recipient's reports it is; its id is made of it."""
    case_id = history.versions[0].case_id
    numbers = range(1, len(history.obligations) + len(history.versions) + 1)
    mine = (one for one in numbers if obligation_id(case_id, duty.group, duty.recipient_id, one) == duty.obligation_id)
    return next(mine, 1)


def _kept(one: Obligation, history: History, rulebook: Rulebook) -> Duty:
    latest = history.ordered()[-1]
    ended = None
    if latest.nullified:
        ended = NULLIFIED if latest.nullified.replaced_by is None else None
        ended = REPLACED if history.replacement_received else ended
    if one.state == "ended":
        ended = ended or TAKEN_OVER
    rule = next((rule for rule in rulebook.rules if rule.rule_id == one.rule_id), None)
    words = Words(ended.en, ended.vi) if ended else _WHY
    why = DutyCause(
        at=latest.recorded_at,
        aggregate=f"case/{latest.case_id}",
        version=latest.version,
        code=f"ended_{ended.code}" if ended else "kept_unexplained",
        why_en=words.en,
        why_vi=words.vi,
    )
    return Duty(
        obligation_id=one.obligation_id,
        group=rule.group if rule else one.rule_id,
        generation=0,
        rule_id=one.rule_id,
        title=rule.title if rule else Words(one.rule_id, one.rule_id),
        format=rule.format if rule else "",
        recipient_id=one.recipient_id,
        zone=one.recipient_zone,
        aware_at=one.aware_at,
        day_0=one.day_0,
        due_at=one.due_at,
        due_on=one.due_on,
        due_strict_at=one.due_strict_at,
        due_strict_on=one.due_strict_at.astimezone(ZoneInfo(one.recipient_zone)).date(),
        questions=(),
        causes=(*(cause for cause in one.causes if cause.code != why.code), why),
        ended=ended,
        settled=False,
        follow_up_owed=(),
        rule_sha256=one.rule_sha256,
        calendar_sha256=one.calendar_sha256,
        factors=one.factors,
    )
