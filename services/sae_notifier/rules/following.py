"""Duties that a report begets: what completes it, and what became known after it. They begin when it has been sent.

- `sent`: the first report may be incomplete; the rest is owed a number of days later. Told to the recipient, it is done.
- `news`: every later version of the case that the recipient does not hold is owed; the oldest of them sets the date.

Both close without a report of their own when a named person has signed that nothing was lacking, or that the news is not
significant, as long as what was signed stands; the next version of the case is news again, with days of its own.

A rejection of the report takes nothing back: what was begun stands, and its date never moves later. Nor does a reaction that
turns graver buy time: what was owed whole before that (`within` of the rule) bounds the date of what completes the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.awareness import news_of
from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.causes import when
from services.sae_notifier.rules.deadline import Due, end_of, legal_due, strict_due
from services.sae_notifier.rules.duty import Duty, obligation_id
from services.sae_notifier.rules.ending import COMPLETE_AS_SENT, NOT_SIGNIFICANT, TOLD_SINCE, ending_of_void
from services.sae_notifier.rules.history import Held
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.significant import Statable, held_of, objections
from services.sae_notifier.rules.words import Why, Words
from shared.case import CaseReport, DutyCause, DutyStatement, Says

_SENT = ("filed", "received", "rejected")


def following(case: CaseClock, duties: Sequence[Duty]) -> list[Duty]:
    """What the reports among `duties` beget; in the order of the rule files."""
    found: list[Duty] = []
    for rule in case.rulebook.after(case.trial.authorities):
        assert rule.after is not None
        group = next((one.group for one in case.rulebook.rules if one.rule_id == rule.after.rules[0]), "")
        named = {one.recipient_id for name in rule.recipients for one in case.trial.recipients.get(name, ())}
        mine: dict[str, list[Duty]] = {}
        for duty in duties:
            known = duty.recipient_id in named or duty.recipient_id in rule.recipients
            if duty.group == group and known and _was_sent(case, duty):
                mine.setdefault(duty.recipient_id, []).append(duty)
        for reports in mine.values():
            if rule.after.occasion == "news":
                found += _news(case, rule, reports, duties)
                continue
            made: list[Duty] = []
            for report in sorted(reports, key=lambda one: one.generation):
                if report.rule_id in rule.after.rules:
                    stood = _stood(case, rule, report, reports, made)
                    made.append(_completing(case, rule, report, stood))
            found += made
    return found


@dataclass(frozen=True)
class Stood:
    """A date by which the whole was owed before the report was. Where the law still names it, the legal date is bound too."""

    rule_id: str
    legal: Due | None
    strict_at: datetime


def _stood(case: CaseClock, rule: Rule, report: Duty, reports: Sequence[Duty], earlier: Sequence[Duty]) -> list[Stood]:
    """What the report of a graver reaction took the place of: the longer report, news it was sent with, what an earlier report
    still lacked. A report that may be incomplete answers them, and their dates go on with what completes it."""
    assert rule.after is not None
    found = [
        Stood(one.rule.rule_id, one.legal if one.counts else None, one.strict.due_at)
        for one in report.runs
        if one.strict is not None and one.rule.rule_id in rule.after.within
    ]
    first = _first_told(case, report)
    base = min(_first_told(case, one) for one in reports)
    told = case.told_to(report.group, report.recipient_id)
    held = max((one for one in told if one < first), default=base)
    for name in rule.after.within if first > base else ():
        after = next(one for one in case.rulebook.rules if one.rule_id == name)
        plain = _insignificant(case, after, report)
        news = [one for one in case.versions if held < one.version <= first and one.version not in plain]
        if news and after.after is not None:
            found.append(Stood(name, None, _news_dates(case, after, report, news)[1]))
    for one in earlier:
        lacked = _first_told(case, next(each for each in reports if each.generation == one.generation))
        by = min((each for each in told if each > lacked), default=None)
        state = case.before[one.obligation_id].state if one.obligation_id in case.before else "open"
        if one.ended == TOLD_SINCE and by == first and state not in ("filed", "received"):
            found.append(Stood(rule.rule_id, None, one.due_strict_at))
    return found


def _was_sent(case: CaseClock, duty: Duty) -> bool:
    before = case.before.get(duty.obligation_id)
    if before is None or before.state not in _SENT:
        return False
    return (before.filed_at or before.received_at) is not None


def _first_told(case: CaseClock, duty: Duty) -> int:
    """The case version of the report itself."""
    told, before = case.history.told.get(duty.obligation_id), case.before[duty.obligation_id]
    if told is not None:
        return told.first
    at = before.filed_at or before.received_at
    seen = [one.version for one in case.versions if at is not None and one.recorded_at <= at]
    return max(seen, default=case.versions[0].version)


def _completing(case: CaseClock, rule: Rule, report: Duty, stood: Sequence[Stood]) -> Duty:
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
    bounds = [one for one in stood if one.legal is not None and one.legal.due_at < due.due_at]
    by_law = min(bounds, key=lambda one: one.legal.due_at if one.legal else due.due_at, default=None)
    if by_law is not None and by_law.legal is not None:
        due = by_law.legal
    strictly = min(stood, key=lambda one: one.strict_at, default=None)
    by_alarm = strictly if strictly is not None and strictly.strict_at < min(strict_at, due.due_at) else None
    strict_at = min(strict_at, *(one.strict_at for one in stood)) if stood else strict_at
    version = next(one for one in case.versions if one.version == _first_told(case, report))
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
    standing, lapsed = _standing(case, oid, "complete", (held,) if held else ())
    if ended is None and standing:
        ended = COMPLETE_AS_SENT
    made = _duty(case, rule, report, oid, report.generation, due, strict_at, version, "report_sent", words, (), ended)
    kept = [_bound(version, by_law, place.zone, legal=True)] if by_law else []
    kept += [_bound(version, by_alarm, place.zone, legal=False)] if by_alarm else []
    kept += lapsed if ended is None else []
    through = case.versions[-1].version
    statable = Statable("complete", through, held, objections(case, held, through)) if ended is None else None
    return replace(made, causes=(made.causes[0], *kept, *made.causes[1:]), statable=statable)


def _standing(
    case: CaseClock, oid: str, says: Says, received: Sequence[Held]
) -> tuple[list[DutyStatement], list[DutyCause]]:
    """The statements about a duty that stand, and why the newest no longer does. What a completeness rests on may not change in
    any later version; news that was said to be insignificant is that of the versions it names."""
    before = case.before.get(oid)
    mine = [one for one in before.statements if one.says == says] if before is not None else []
    standing, against = [], ()
    for one in mine:
        same = any((held.version, held.number) == (one.report_version, one.report_number) for held in received)
        through = case.versions[-1].version if says == "complete" else one.case_version
        as_told = Held(one.report_version, one.report_as_of, one.report_number) if same else None
        against = objections(case, as_told, through)
        if not against:
            standing.append(one)
    if not mine or not against:
        return standing, []
    signed, why = mine[-1].signature, tuple(dict.fromkeys(against))
    words = Words(
        f"What {signed.signed_by} signed no longer stands. " + " ".join(one.en for one in why),
        f"Nội dung {signed.signed_by} đã ký không còn hiệu lực. " + " ".join(one.vi for one in why),
    )
    return standing, [_cause(case.versions[-1], "statement_lapsed", words, signed.signed_at)]


def _bound(version: CaseReport, by: Stood, zone: str, *, legal: bool) -> DutyCause:
    """Why a date is earlier than its own days would make it."""
    at = by.legal.due_at if legal and by.legal else by.strict_at
    until = when(at, zone)
    which = ("", "") if legal else ("strict ", " nghiêm ngặt")
    words = Words(
        f"The {which[0]}date of {by.rule_id}, {until.en}, stood before: "
        "a reaction that turns graver gives no more time for the whole report, so that date is kept.",
        f"Hạn{which[1]} của {by.rule_id}, {until.vi}, đã có từ trước: "
        "phản ứng trở nên nặng hơn không cho thêm thời gian để báo cáo đầy đủ, nên giữ hạn đó.",
    )
    return _cause(version, "earlier_date_stood" if legal else "earlier_strict_date_stood", words, version.recorded_at)


def _news(case: CaseClock, rule: Rule, reports: Sequence[Duty], duties: Sequence[Duty]) -> list[Duty]:
    """One duty for each row of versions between two tellings."""
    base = min(_first_told(case, one) for one in reports)
    told = case.told_to(reports[0].group, reports[0].recipient_id)
    # News that began a report of its own (an upgrade) is owed by that report, as long as that is owed.
    own = {
        one.causes[0].version
        for one in duties
        if one.group == reports[0].group
        and one.recipient_id == reports[0].recipient_id
        and one.generation > 1
        and one.ended is None
        and one.causes[0].aggregate.startswith("case/")
    }
    rows: list[tuple[list[CaseReport], bool]] = []
    until = base
    for version in case.versions:
        if version.version <= base or version.version in own:
            continue
        if version.version > until or not rows:
            reached = min((one for one in told if one >= version.version), default=None)
            rows.append(([], reached is not None))
            until = reached if reached is not None else case.versions[-1].version
        rows[-1][0].append(version)
    return [_of_news(case, rule, reports[-1], number, *row) for number, row in enumerate(rows, start=1)]


def _news_dates(case: CaseClock, rule: Rule, report: Duty, versions: Sequence[CaseReport]) -> tuple[Due, datetime]:
    """The legal and the strict date of a row of news: its oldest sets them."""
    place = case.place(rule, report.recipient_id, report.zone)
    zones = {place.desk_zone, place.site_zone, place.zone}
    known = min(news_of(one).at for one in versions)
    earliest = min(known, *(one.recorded_at for one in versions))
    due = legal_due(known, rule.deadline, place.desk_zone, place.zone, place.calendar)
    return due, strict_due(earliest, rule.deadline, zones, place.zone, place.calendar).due_at


def _insignificant(case: CaseClock, rule: Rule, report: Duty) -> set[int]:
    """The versions that a standing statement calls insignificant for this recipient."""
    case_id, found = case.versions[0].case_id, set[int]()
    received = case.received_by(report.group, report.recipient_id)
    for number in range(1, len(case.versions) + 1):
        oid = obligation_id(case_id, rule.group, report.recipient_id, number)
        for one in _standing(case, oid, "not_significant", received)[0]:
            found |= {each.version for each in case.versions if one.report_version < each.version <= one.case_version}
    return found - set(case.told_to(report.group, report.recipient_id))


def _of_news(
    case: CaseClock, rule: Rule, report: Duty, number: int, versions: Sequence[CaseReport], held: bool
) -> Duty:
    oid = obligation_id(versions[0].case_id, rule.group, report.recipient_id, number)
    told = [one for one in case.told_to(report.group, report.recipient_id) if one < versions[0].version]
    received = case.received_by(report.group, report.recipient_id)
    standing, lapsed = _standing(case, oid, "not_significant", received)
    plain = max((one.case_version for one in standing), default=0)
    # What was signed as insignificant sets no date for what came after it.
    rest = [one for one in versions if one.version > plain]
    through, versions = versions[-1].version, rest or versions
    place = case.place(rule, report.recipient_id, report.zone)
    first = min((news_of(one) for one in versions), key=lambda known: known.at)
    due, strict_at = _news_dates(case, rule, report, versions)
    which = ", ".join(str(one.version) for one in versions)
    known, until, deadline = when(first.at, place.zone), when(due.due_at, place.zone), rule.deadline.words()
    words = Words(
        f"Version {which} of the case came after the report. Known since {known.en}; {deadline.en}: until {until.en}.",
        f"Phiên bản {which} của ca có sau báo cáo. Biết từ {known.vi}; {deadline.vi}: đến {until.vi}.",
    )
    before = case.before.get(oid)
    elsewhere = held and (before is None or before.state not in ("filed", "received"))
    ended = TOLD_SINCE if elsewhere else None if held or rest else NOT_SIGNIFICANT
    questions = first.for_unit(rule.deadline.unit)
    made = _duty(
        case, rule, report, oid, number, due, strict_at, versions[0], "news_after_report", words, questions, ended
    )
    if ended is not None or held:
        return made
    latest = held_of(received, max(told)) if told else None
    statable = Statable("not_significant", through, latest, objections(case, latest, through))
    return replace(made, causes=(*made.causes, *lapsed), statable=statable)


def _duty(
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
    causes = [_cause(version, code, words, due.aware_at)]
    if ended is not None:
        causes.append(_cause(case.versions[-1], f"ended_{ended.code}", Words(ended.en, ended.vi), due.aware_at))
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


def _cause(version: CaseReport, code: str, words: Words, at: datetime) -> DutyCause:
    return DutyCause(
        at=at,
        aggregate=f"case/{version.case_id}",
        version=version.version,
        code=code,
        why_en=words.en,
        why_vi=words.vi,
    )
