"""What completes a report that may have been incomplete, and the dates that stood before it was owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.sae_notifier.rules.begotten import begotten, cause, first_told
from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.causes import when
from services.sae_notifier.rules.deadline import Due, end_of, legal_due, strict_due
from services.sae_notifier.rules.duty import Duty, obligation_id
from services.sae_notifier.rules.ending import COMPLETE_AS_SENT, TOLD_SINCE, ending_of_void
from services.sae_notifier.rules.news import insignificant, news_dates
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.significant import Statable, held_of, objections
from services.sae_notifier.rules.standing import standing_of
from services.sae_notifier.rules.words import Words
from shared.case import CaseReport, DutyCause


@dataclass(frozen=True)
class Stood:
    """A date by which the whole was owed before the report was. Where the law still names it, the legal date is bound too."""

    rule_id: str
    legal: Due | None
    strict_at: datetime


def stood_before(
    case: CaseClock, rule: Rule, report: Duty, reports: Sequence[Duty], earlier: Sequence[Duty]
) -> list[Stood]:
    """What the report of a graver reaction took the place of: the longer report, news it was sent with, what an earlier report
    still lacked. A report that may be incomplete answers them, and their dates go on with what completes it."""
    assert rule.after is not None
    found = [
        Stood(one.rule.rule_id, one.legal if one.counts else None, one.strict.due_at)
        for one in report.runs
        if one.strict is not None and one.rule.rule_id in rule.after.within
    ]
    first = first_told(case, report)
    base = min(first_told(case, one) for one in reports)
    told = case.told_to(report.group, report.recipient_id)
    held = max((one for one in told if one < first), default=base)
    for name in rule.after.within if first > base else ():
        after = next(one for one in case.rulebook.rules if one.rule_id == name)
        plain = insignificant(case, after, report)
        news = [one for one in case.versions if held < one.version <= first and one.version not in plain]
        if news and after.after is not None:
            found.append(Stood(name, None, news_dates(case, after, report, news)[1]))
    for one in earlier:
        lacked = first_told(case, next(each for each in reports if each.generation == one.generation))
        by = min((each for each in told if each > lacked), default=None)
        state = case.before[one.obligation_id].state if one.obligation_id in case.before else "open"
        if one.ended == TOLD_SINCE and by == first and state not in ("filed", "received"):
            found.append(Stood(rule.rule_id, None, one.due_strict_at))
    return found


def completing(case: CaseClock, rule: Rule, report: Duty, stood: Sequence[Stood]) -> Duty:
    assert rule.after is not None
    before = case.before[report.obligation_id]
    sent_at = before.filed_at or before.received_at
    assert sent_at is not None
    place = case.place(rule, report.recipient_id, report.zone)
    zones = {place.desk_zone, place.site_zone, place.zone}
    from_report = rule.after.counted_from == "report"
    start = sent_at if from_report else report.aware_at
    due = legal_due(start, rule.deadline, place.desk_zone, place.zone, place.calendar)
    strict_at = strict_due(start, rule.deadline, zones, place.zone, place.calendar).due_at
    # Day 0 of the report at its earliest: the strict date of the report, less its own days.
    days = next(one.deadline.number for one in case.rulebook.rules if one.rule_id == report.rule_id)
    most = rule.after.no_later_than or (0 if from_report else rule.deadline.number)
    if most:
        strict_at = min(strict_at, end_of(report.due_strict_on + timedelta(days=most - days), place.zone))
    due, strict_at, kept = _kept(stood, due, strict_at)
    version = next(one for one in case.versions if one.version == first_told(case, report))
    sent, until, deadline = when(sent_at, place.zone), when(due.due_at, place.zone), rule.deadline.words()
    words = Words(
        f"The report under {report.rule_id} was sent {sent.en} and may have been incomplete. "
        f"{deadline.en}: what completes it is due until {until.en}.",
        f"Báo cáo theo {report.rule_id} đã gửi {sent.vi} và có thể chưa đầy đủ. "
        f"{deadline.vi}: phần bổ sung phải gửi đến {until.vi}.",
    )
    ended = ending_of_void(case.versions[-1], case.history.replacement_received)
    if ended is None and any(one > version.version for one in case.told_to(report.group, report.recipient_id)):
        ended = TOLD_SINCE
    oid = obligation_id(version.case_id, rule.group, report.recipient_id, report.generation)
    told = case.history.told.get(report.obligation_id)
    held = held_of(told.received) if told is not None and before.state == "received" else None
    standing, lapsed = standing_of(case, oid, "complete", (held,) if held else ())
    if ended is None and standing:
        ended = COMPLETE_AS_SENT
    made = begotten(
        case, rule, report, oid, report.generation, due, strict_at, version, "report_sent", words, (), ended
    )
    why = [_why_kept(version, *one, place.zone) for one in kept] + (lapsed if ended is None else [])
    through = case.versions[-1].version
    statable = Statable("complete", through, held, objections(case, held, through)) if ended is None else None
    return replace(made, causes=(made.causes[0], *why, *made.causes[1:]), statable=statable)


def _kept(
    stood: Sequence[Stood], due: Due, strict_at: datetime
) -> tuple[Due, datetime, list[tuple[str, datetime, bool]]]:
    """The earliest dates, and which of those that stood they are: (rule, instant, whether the legal one)."""
    kept: list[tuple[str, datetime, bool]] = []
    rule_id, legal = min(
        ((one.rule_id, one.legal) for one in stood if one.legal is not None),
        key=lambda one: one[1].due_at,
        default=("", due),
    )
    if legal.due_at < due.due_at:
        due = legal
        kept.append((rule_id, due.due_at, True))
    strictly = min(stood, key=lambda one: one.strict_at, default=None)
    if strictly is not None and strictly.strict_at < min(strict_at, due.due_at):
        kept.append((strictly.rule_id, strictly.strict_at, False))
    return due, min(strict_at, *(one.strict_at for one in stood)) if stood else strict_at, kept


def _why_kept(version: CaseReport, rule_id: str, at: datetime, legal: bool, zone: str) -> DutyCause:
    """Why a date is earlier than its own days would make it."""
    until = when(at, zone)
    which = ("", "") if legal else ("strict ", " nghiêm ngặt")
    words = Words(
        f"The {which[0]}date of {rule_id}, {until.en}, stood before: "
        "a reaction that turns graver gives no more time for the whole report, so that date is kept.",
        f"Hạn{which[1]} của {rule_id}, {until.vi}, đã có từ trước: "
        "phản ứng trở nên nặng hơn không cho thêm thời gian để báo cáo đầy đủ, nên giữ hạn đó.",
    )
    return cause(version, "earlier_date_stood" if legal else "earlier_strict_date_stood", words, version.recorded_at)
