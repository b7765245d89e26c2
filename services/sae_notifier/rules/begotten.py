"""What every duty has that a report begets: when the report was told, and how the duty keeps the dates it had."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.deadline import Due
from services.sae_notifier.rules.duty import Duty
from services.sae_notifier.rules.ending import COMPLETE_AS_SENT
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.words import Why, Words
from shared.case import CaseReport, DutyCause

_SENT = ("filed", "received", "rejected")


def was_sent(case: CaseClock, duty: Duty) -> bool:
    before = case.before.get(duty.obligation_id)
    if before is None or before.state not in _SENT:
        return False
    return (before.filed_at or before.received_at) is not None


def first_told(case: CaseClock, duty: Duty) -> int:
    """The case version of the report itself."""
    told, before = case.history.told.get(duty.obligation_id), case.before[duty.obligation_id]
    if told is not None:
        return told.first
    at = before.filed_at or before.received_at
    seen = [one.version for one in case.versions if at is not None and one.recorded_at <= at]
    return max(seen, default=case.versions[0].version)


def begotten(
    case: CaseClock,
    rule: Rule,
    report: Duty,
    oid: str,
    generation: int,
    due: Due,
    strict_at: datetime,
    version: CaseReport,
    code: str,
    words: Words,
    questions: tuple[Why, ...],
    ended: Why | None,
) -> Duty:
    place = case.place(rule, report.recipient_id, report.zone)
    before = case.before.get(oid)
    stands = before is not None and (before.state != "ended" or before.ended_why == COMPLETE_AS_SENT.code)
    if before is not None and stands and before.rule_sha256 == rule.sha256:
        strict_at = min(strict_at, before.due_strict_at)
        if before.due_at < due.due_at:
            due = Due(before.aware_at, before.day_0, before.due_on, before.due_at)
    strict_at = min(strict_at, due.due_at)
    causes = [cause(version, code, words, due.aware_at)]
    if ended is not None:
        causes.append(cause(case.versions[-1], f"ended_{ended.code}", Words(ended.en, ended.vi), due.aware_at))
    return replace(
        report,
        obligation_id=oid,
        group=rule.group,
        generation=generation,
        rule_id=rule.rule_id,
        title=rule.title,
        format=rule.format,
        zone=place.zone,
        aware_at=due.aware_at,
        day_0=due.day_0,
        due_at=due.due_at,
        due_on=due.due_on,
        due_strict_at=strict_at,
        due_strict_on=strict_at.astimezone(ZoneInfo(place.zone)).date(),
        questions=questions,
        causes=tuple(causes),
        ended=ended,
        settled=before is not None and before.state == "received",
        follow_up_owed=(),
        rule_sha256=rule.sha256,
        calendar_sha256=place.calendar.sha256 if place.calendar and rule.deadline.unit == "working_days" else "",
        factors=(),
    )


def cause(version: CaseReport, code: str, words: Words, at: datetime) -> DutyCause:
    return DutyCause(
        at=at,
        aggregate=f"case/{version.case_id}",
        version=version.version,
        code=code,
        why_en=words.en,
        why_vi=words.vi,
    )
