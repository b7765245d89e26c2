"""What became known after a report: the versions that the recipient does not hold, a duty for each row between two tellings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.sae_notifier.rules.awareness import news_of
from services.sae_notifier.rules.begotten import begotten, first_told
from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.causes import when
from services.sae_notifier.rules.deadline import Due, legal_due, strict_due
from services.sae_notifier.rules.duty import Duty, obligation_id
from services.sae_notifier.rules.ending import NOT_SIGNIFICANT, TOLD_SINCE
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.significant import Statable, held_of, objections
from services.sae_notifier.rules.standing import standing_of
from services.sae_notifier.rules.words import Words
from shared.case import CaseReport


def news(case: CaseClock, rule: Rule, reports: Sequence[Duty], duties: Sequence[Duty]) -> list[Duty]:
    """One duty for each row of versions between two tellings."""
    base = min(first_told(case, one) for one in reports)
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


def news_dates(case: CaseClock, rule: Rule, report: Duty, versions: Sequence[CaseReport]) -> tuple[Due, datetime]:
    """The legal and the strict date of a row of news: its oldest sets them."""
    place = case.place(rule, report.recipient_id, report.zone)
    zones = {place.desk_zone, place.site_zone, place.zone}
    known = min(news_of(one).at for one in versions)
    earliest = min(known, *(one.recorded_at for one in versions))
    due = legal_due(known, rule.deadline, place.desk_zone, place.zone, place.calendar)
    return due, strict_due(earliest, rule.deadline, zones, place.zone, place.calendar).due_at


def insignificant(case: CaseClock, rule: Rule, report: Duty) -> set[int]:
    """The versions that a standing statement calls insignificant for this recipient."""
    case_id, found = case.versions[0].case_id, set[int]()
    received = case.received_by(report.group, report.recipient_id)
    for number in range(1, len(case.versions) + 1):
        oid = obligation_id(case_id, rule.group, report.recipient_id, number)
        for one in standing_of(case, oid, "not_significant", received)[0]:
            found |= {each.version for each in case.versions if one.report_version < each.version <= one.case_version}
    return found - set(case.told_to(report.group, report.recipient_id))


def _of_news(
    case: CaseClock, rule: Rule, report: Duty, number: int, versions: Sequence[CaseReport], held: bool
) -> Duty:
    oid = obligation_id(versions[0].case_id, rule.group, report.recipient_id, number)
    told = [one for one in case.told_to(report.group, report.recipient_id) if one < versions[0].version]
    received = case.received_by(report.group, report.recipient_id)
    standing, lapsed = standing_of(case, oid, "not_significant", received)
    plain = max((one.case_version for one in standing), default=0)
    # What was signed as insignificant sets no date for what came after it.
    rest = [one for one in versions if one.version > plain]
    through, versions = versions[-1].version, rest or versions
    place = case.place(rule, report.recipient_id, report.zone)
    first = min((news_of(one) for one in versions), key=lambda known: known.at)
    due, strict_at = news_dates(case, rule, report, versions)
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
    made = begotten(
        case, rule, report, oid, number, due, strict_at, versions[0], "news_after_report", words, questions, ended
    )
    if ended is not None or held:
        return made
    latest = held_of(received, max(told)) if told else None
    statable = Statable("not_significant", through, latest, objections(case, latest, through))
    return replace(made, causes=(*made.causes, *lapsed), statable=statable)
