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

from services.sae_notifier.rules.begotten import was_sent
from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.completing import completing, stood_before
from services.sae_notifier.rules.duty import Duty
from services.sae_notifier.rules.news import news


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
            if duty.group == group and known and was_sent(case, duty):
                mine.setdefault(duty.recipient_id, []).append(duty)
        for reports in mine.values():
            if rule.after.occasion == "news":
                found += news(case, rule, reports, duties)
                continue
            made: list[Duty] = []
            for report in sorted(reports, key=lambda one: one.generation):
                if report.rule_id in rule.after.rules:
                    stood = stood_before(case, rule, report, reports, made)
                    made.append(completing(case, rule, report, stood))
            found += made
    return found
