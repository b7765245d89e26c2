"""`tocsin trial check`: the trial file by itself, and then against the rule and calendar files that it names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path as FilePath

from services.sae_notifier.handlers.law import part_of
from services.sae_notifier.rules import Calendar, FileRefused, Rulebook, load_calendar
from shared.errors import FieldProblem
from shared.trial import Trial
from shared.trial.check import Checked, check
from shared.trial.load import load_with_places, problem_at
from shared.trial.source import Path

_QUOTED = re.compile(r"`([^`]+)`")


def check_with_law(path: FilePath, rules_dir: FilePath, calendars_dir: FilePath) -> Checked:
    """What the notifier would refuse to start with is told here, each with its line."""
    checked = check(path, rules_dir=rules_dir, calendars_dir=calendars_dir)
    if checked.trial is None or not checked.ok:
        return checked
    return replace(checked, problems=_misfits(path, checked.trial, rules_dir, calendars_dir))


def _misfits(path: FilePath, trial: Trial, rules_dir: FilePath, calendars_dir: FilePath) -> tuple[FieldProblem, ...]:
    calendars: dict[str, Calendar] = {}
    broken: list[FieldProblem] = []
    book = Rulebook(())
    try:
        book = Rulebook.load({name: (rules_dir / name).read_text(encoding="utf-8") for name in trial.rule_files})
    except FileRefused as refused:
        broken += refused.problems
    for name in trial.calendar_files:
        try:
            calendar = load_calendar((calendars_dir / name).read_text(encoding="utf-8"), name)
            calendars[calendar.calendar_id] = calendar.with_settings(trial.settings)
        except FileRefused as refused:
            broken += refused.problems
    if broken:
        return tuple(FieldProblem(one.pointer, f"{one.pointer}: {one.detail}") for one in broken)
    document = load_with_places(path.read_text(encoding="utf-8"), str(path))[1]
    said = [one for site in trial.sites for one in book.problems_with(part_of(trial).facts(site.id), calendars)]
    found: list[FieldProblem] = []
    for one in dict.fromkeys(said):
        about, _, what = one.partition(": ")
        what, _, remedy = what.partition("; ")
        at = _place_of(about, one, trial)
        found.append(
            problem_at(str(path), document.place(at), at, what, remedy or "correct it here, or in the law's file")
        )
    return tuple(found)


def _place_of(about: str, said: str, trial: Trial) -> Path:
    """Where in the trial file the engine's sentence points."""
    name = match[1] if (match := _QUOTED.search(said)) else ""
    index = next((at for at, one in enumerate(trial.rule_settings) if one.name == name), None)
    if about == "settings":
        unknown = "unknown" in said
        return (name, "value") if index is None else ("rule_settings", index, "name" if unknown else "value")
    return {"recipients": ("duty_groups",), "calendars": ("calendar_files",)}.get(about, ("rule_files",))
