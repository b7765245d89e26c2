"""All rules in force together, and whether a trial can be served by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from services.sae_notifier.rules.calendar import Calendar
from services.sae_notifier.rules.lines import FileRefused
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.rule_file import RuleFile, load_rules
from services.sae_notifier.rules.setting import Setting
from services.sae_notifier.rules.trial_facts import TrialFacts
from shared.errors import FieldProblem

_OF_THE_TRIAL = frozenset({"harvest_counts_as_ip"})
"""Settings the caller turns into `TrialFacts` (here `administration_kinds`); no rule file declares them."""


@dataclass(frozen=True)
class Rulebook:
    files: tuple[RuleFile, ...]

    @classmethod
    def load(cls, texts: Mapping[str, str]) -> Rulebook:
        """`texts` maps file names to their text; one refused file refuses the book, and says all that is wrong."""
        files: list[RuleFile] = []
        problems: list[FieldProblem] = []
        for name in sorted(texts):
            try:
                files.append(load_rules(texts[name], name))
            except FileRefused as refused:
                problems.extend(refused.problems)
        seen: dict[str, str] = {}
        for file in files:
            names = {f"authority {file.authority}": 1} | {f"setting {name}": 1 for name in file.settings}
            names |= {f"rule {rule.rule_id}": rule.line for rule in file.rules}
            names |= {f"group {rule.group}": rule.line for rule in file.rules}
            for what, line in names.items():
                if what in seen:
                    problems.append(FieldProblem(f"{file.file}:{line}", f"{what} is already in {seen[what]}"))
                seen[what] = file.file
        if problems:
            raise FileRefused(problems)
        return cls(tuple(files))

    @cached_property
    def settings(self) -> dict[str, Setting]:
        return {name: setting for file in self.files for name, setting in file.settings.items()}

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for file in self.files for rule in file.rules)

    def groups(self, authorities: frozenset[str] | None = None) -> dict[str, tuple[Rule, ...]]:
        """The rules by duty, most urgent first; `authorities` keeps only the files that are switched on."""
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.urgency):
            if rule.after is None and (authorities is None or rule.authority in authorities):
                found[rule.group] = (*found.get(rule.group, ()), rule)
        return found

    def after(self, authorities: frozenset[str] | None = None) -> tuple[Rule, ...]:
        """The rules that begin when a report has been sent."""
        return tuple(one for one in self.rules if one.after and (authorities is None or one.authority in authorities))

    def group_of(self, rule_id: str) -> str | None:
        """The duty a rule belongs to; `None` for a rule that is no longer in the book."""
        return next((rule.group for rule in self.rules if rule.rule_id == rule_id), None)

    def problems_with(self, trial: TrialFacts, calendars: Mapping[str, Calendar]) -> tuple[str, ...]:
        """What must be mended before this trial may start: recipients, settings and calendars nobody can resolve."""
        on = [rule for rule in self.rules if trial.authorities is None or rule.authority in trial.authorities]
        off = sorted((trial.authorities or frozenset()) - {file.authority for file in self.files})
        nobody = sorted({name for rule in on for name in rule.recipients if not trial.recipients.get(name)})
        no_calendar = sorted({rule.calendar for rule in on if rule.calendar} - set(calendars))
        found = [f"authorities: no rule file for {name}" for name in off]
        found += [f"recipients: `{name}` is named by a rule and nobody in the trial file is" for name in nobody]
        found += [f"calendars: no calendar {name}" for name in no_calendar]
        known = dict(self.settings)
        for calendar in calendars.values():
            known |= calendar.settings
        for name, value in sorted(trial.settings.items()):
            if name in _OF_THE_TRIAL:
                continue
            if name not in known:
                found.append(f"settings: unknown setting `{name}`")
            elif value not in known[name].values:
                found.append(f"settings: `{name}` is {value!r}; use one of {', '.join(known[name].values)}")
        return tuple(found)
