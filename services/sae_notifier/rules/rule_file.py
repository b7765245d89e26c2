"""Reading one rule file: everything unknown, missing or contradictory refuses it, with file and line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import cast
from zoneinfo import available_timezones

from services.sae_notifier.rules.lines import Section, read
from services.sae_notifier.rules.predicate import Predicate, PredicateError, parse
from services.sae_notifier.rules.rule import (
    AWARENESS,
    COUNTED_FROM,
    OCCASIONS,
    UNITS,
    After,
    Awareness,
    CountedFrom,
    Deadline,
    FollowUp,
    Occasion,
    Reopen,
    Rule,
    Unit,
)
from services.sae_notifier.rules.setting import Setting, chosen, read_settings
from services.sae_notifier.rules.words import Words


@dataclass(frozen=True)
class NotCovered:
    """A rule of the authority that this file knowingly does not hold, and why."""

    rule_id: str
    doubt: str
    why: Words


@dataclass(frozen=True)
class RuleFile:
    authority: str
    file: str
    sha256: str
    settings: dict[str, Setting]
    rules: tuple[Rule, ...]
    not_covered: tuple[NotCovered, ...]


def load_rules(text: str, file: str) -> RuleFile:
    """Read and check the text of `file`; raises `FileRefused` with every problem and its line."""
    top = read(text, file)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    authority = top.text("authority")
    top.words("title")
    zone = top.text("zone")
    if zone and zone != "recipient" and zone not in available_timezones():
        top.problems.add(top.line_of("zone"), f"unknown zone {zone[:60]!r}", "use an IANA name, or `recipient`")
    calendar = top.text("calendar", required=False) or None
    settings = read_settings(top)
    named = _predicates(top, settings)
    rules = [_rule(one, authority, zone, calendar, settings, named, sha256) for one in top.sections("rules")]
    _check_together(top, rules)
    not_covered = [
        NotCovered(one.text("id"), one.text("doubt", required=False), one.words("why"))
        for one in top.sections("not_covered", required=False)
    ]
    top.done()
    top.problems.refuse_if_any()
    return RuleFile(authority, file, sha256, settings, tuple(rules), tuple(not_covered))


def _predicates(top: Section, settings: dict[str, Setting]) -> dict[str, Predicate]:
    part = top.section("predicates", required=False)
    named: dict[str, Predicate] = {}
    for name in part.names_of_parts() if part else ():
        assert part is not None
        found = _predicate(part, name, settings, named)
        if found:
            named[name] = found
    return named


def _predicate(part: Section, key: str, settings: dict[str, Setting], named: dict[str, Predicate]) -> Predicate | None:
    source = part.text(key)
    if not source:
        return None
    try:
        return parse(source, named, {name: setting.values for name, setting in settings.items()})
    except PredicateError as error:
        part.problems.add(part.line_of(key), f"`{key}`: {error}")
        return None


def _rule(
    one: Section,
    authority: str,
    zone: str,
    calendar: str | None,
    settings: dict[str, Setting],
    named: dict[str, Predicate],
    sha256: str,
) -> Rule:
    after = _after(one)
    aware, aware_setting = _aware(one, settings) if after is None else (AWARENESS[0], None)
    deadline = _deadline(one)
    if deadline.unit == "working_days" and calendar is None:
        one.problems.add(one.line_of("deadline"), "working days need a `calendar` at the top of the file")
    follow = one.section("follow_up")
    follow_up = FollowUp("never", Words("", ""))
    if follow:
        reopen = follow.text("reopen", among=("upgrade", "never"))
        follow_up = FollowUp(cast(Reopen, reopen), follow.words("words"))
        follow.done()
    rule = Rule(
        rule_id=one.text("id"),
        authority=authority,
        group=one.text("group"),
        urgency=one.number("urgency"),
        title=one.words("title"),
        basis=one.words("basis"),
        trigger=parse("serious") if after else _predicate(one, "trigger", settings, named) or parse("serious"),
        deadline=deadline,
        aware=aware,
        aware_setting=aware_setting,
        recipients=one.names("recipients"),
        format=one.text("format"),
        follow_up=follow_up,
        effective_from=one.day("effective_from"),
        effective_to=one.day("effective_to"),
        supersedes=one.text("supersedes", required=False),
        source=one.text("source"),
        confidence=one.text("confidence"),
        doubts=one.names("doubts", required=False),
        zone=zone,
        calendar=calendar,
        sha256=sha256,
        line=one.line,
        after=after,
    )
    if not rule.recipients:
        one.problems.add(one.line_of("recipients"), "a rule without recipients tells nobody")
    if rule.effective_from and rule.effective_to and rule.effective_to < rule.effective_from:
        one.problems.add(one.line_of("effective_to"), "`effective_to` lies before `effective_from`")
    one.done()
    return rule


def _after(one: Section) -> After | None:
    """A rule of this kind has no trigger and no day 0 of its own: it is counted from the report, or from the news."""
    part = one.section("after", required=False)
    if part is None:
        return None
    rules, occasion = part.names("rules"), cast(Occasion, part.text("occasion", among=OCCASIONS))
    counted = part.text("counted_from", among=COUNTED_FROM) if occasion == "sent" else "report"
    bound = part.number("no_later_than", required=False) or None
    within = part.names("within", required=False)
    after = After(rules, occasion, cast(CountedFrom, counted), bound, within)
    if not after.rules:
        part.problems.add(part.line, "`after` names no rule")
    part.done()
    return after


def _aware(one: Section, settings: dict[str, Setting]) -> tuple[Awareness, str | None]:
    """Whose awareness is day 0: a fixed reading, or `setting:NAME` where the law leaves it open."""
    part = one.section("day_0")
    if part is None:
        return "earliest_of_site_and_desk", None
    name = part.text("aware")
    setting = None
    if name.startswith("setting:"):
        setting = name.removeprefix("setting:")
        if setting not in settings or not set(settings[setting].values) <= set(AWARENESS):
            part.problems.add(part.line_of("aware"), f"`{setting[:60]}` is not a setting over {', '.join(AWARENESS)}")
            name = AWARENESS[0]
        else:
            name = settings[setting].default
    elif name not in AWARENESS:
        part.problems.add(part.line_of("aware"), f"unknown awareness {name[:60]!r}", f"use {', '.join(AWARENESS)}")
        name = AWARENESS[0]
    part.done()
    return cast(Awareness, name), setting


def aware_in(rule: Rule, settings: dict[str, Setting], trial: dict[str, str]) -> Awareness:
    """The awareness in force for this trial; a value outside the setting's list falls back to the safest."""
    if rule.aware_setting is None:
        return rule.aware
    value = chosen(settings, trial).get(rule.aware_setting)
    return cast(Awareness, value) if value in AWARENESS else "earliest_of_site_and_desk"


def _deadline(one: Section) -> Deadline:
    part = one.section("deadline")
    if part is None:
        return Deadline(0, "at_once")
    unit = part.text("unit", among=UNITS)
    number = part.number("within_hours" if unit == "at_once" else "number")
    if number == 0:
        part.problems.add(part.line, "a deadline needs a number greater than 0")
    part.done()
    return Deadline(number, cast(Unit, unit))


def _known(rule: Rule, first: dict[str, Rule]) -> list[str]:
    return [name for name in rule.after.rules if name in first] if rule.after else []


def _check_together(top: Section, rules: list[Rule]) -> None:
    """Entries of one id must not overlap in time, and one id belongs to one group and urgency."""
    first = {rule.rule_id: rule for rule in rules if rule.after is None}
    bounds = {rule.rule_id for rule in rules if rule.after is None or rule.after.occasion == "news"}
    for rule in rules:
        for name in rule.after.within if rule.after else ():
            if name not in bounds:
                top.problems.add(
                    rule.line, f"{rule.rule_id} is due within {name[:60]!r}, which is no report of this file"
                )
        for name in rule.after.rules if rule.after else ():
            if name not in first:
                top.problems.add(rule.line, f"{rule.rule_id} comes after {name[:60]!r}, which is no rule of this file")
        if any(rule.after is not None and first[name].group == rule.group for name in _known(rule, first)):
            top.problems.add(rule.line, f"{rule.rule_id} needs a group of its own")
    for index, rule in enumerate(rules):
        for other in rules[:index]:
            if other.rule_id != rule.rule_id:
                continue
            if (other.group, other.urgency) != (rule.group, rule.urgency):
                top.problems.add(rule.line, f"{rule.rule_id} changes its group or urgency between entries")
            starts_after = rule.effective_from and other.effective_to and other.effective_to < rule.effective_from
            ends_before = rule.effective_to and other.effective_from and rule.effective_to < other.effective_from
            if not (starts_after or ends_before):
                top.problems.add(rule.line, f"{rule.rule_id} overlaps the entry of line {other.line} in time")
