"""The clock: from everything known about a case to every duty it makes. Pure; the same input gives the same duties.

What later knowledge does, and why it is never late:

- The clock starts on awareness, without minimum criteria and before any assessment.
- An upgrade counts from the new knowledge and never ends later than the open date.
- A stated class is never relaxed by an amendment. A class that was only assumed (unanswered) relaxes the legal date
  once a clinician or investigator answers it with a reason; the strict date, which the alarms follow, never moves later.
- A later claim about first awareness relaxes nothing.
- After a filing, an upgrade that the recipient has not been told opens the next generation of the duty; any other
  later version is owed as a follow-up, without a date (Vietnam names none).
- An open obligation that nothing in the rules explains any more is kept, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.sae_notifier.rules.calendar import Calendar
from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.duty import Duty
from services.sae_notifier.rules.following import following
from services.sae_notifier.rules.history import History
from services.sae_notifier.rules.kept import kept_duties, sent_duties
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.rulebook import Rulebook
from services.sae_notifier.rules.setting import chosen
from services.sae_notifier.rules.step import Step, steps_of
from services.sae_notifier.rules.trial_facts import Recipient, TrialFacts


def evaluate(
    history: History, trial: TrialFacts, rulebook: Rulebook, calendars: Mapping[str, Calendar], now: datetime
) -> tuple[Duty, ...]:
    """Every duty of the case, the earliest strict date first. Raises `Refused` when a calendar is missing."""
    if not history.versions:
        return ()
    history = history.seen_at(now)
    settings = chosen(rulebook.settings, trial.settings)
    return duties_of(history, trial, rulebook, calendars, steps_of(history, trial, settings))


def duties_of(
    history: History,
    trial: TrialFacts,
    rulebook: Rulebook,
    calendars: Mapping[str, Calendar],
    steps: Sequence[Step],
) -> tuple[Duty, ...]:
    """The same from steps whose facts are already known (worked examples, cases that are not case reports)."""
    case = CaseClock(history, trial, rulebook, calendars, steps)
    duties: list[Duty] = []
    for group, rules in rulebook.groups(trial.authorities).items():
        for recipient, mine, resolved in _recipients(rules, trial):
            duties.extend(case.duties(group, mine, recipient, resolved))
    duties.extend(following(case, [*duties, *sent_duties(history, duties, rulebook)]))
    duties.extend(kept_duties(history, duties, rulebook))
    return tuple(sorted(duties, key=lambda duty: (duty.due_strict_at, duty.obligation_id)))


def _recipients(rules: Sequence[Rule], trial: TrialFacts) -> list[tuple[Recipient, tuple[Rule, ...], bool]]:
    """Who is told by these rules, each once. A name the trial does not resolve stands for itself rather than vanish."""
    found: dict[str, tuple[Recipient, list[Rule], bool]] = {}
    for rule in rules:
        for name in rule.recipients:
            known = trial.recipients.get(name)
            for one in known or (Recipient(name, trial.desk_zone),):
                _, mine, _ = found.setdefault(one.recipient_id, (one, [], bool(known)))
                if rule not in mine:
                    mine.append(rule)
    return [(recipient, tuple(mine), resolved) for recipient, mine, resolved in found.values()]
