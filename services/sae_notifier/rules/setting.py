"""A doubt of the law as a named setting: the trial may choose, the strict reading never depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.sae_notifier.rules.lines import Section
from services.sae_notifier.rules.words import Words


@dataclass(frozen=True)
class Setting:
    name: str
    doubt: str
    """The number of the doubt (`D9`), so that a person can find what has to be settled."""
    values: tuple[str, ...]
    default: str
    confidence: str
    why: Words


def read_settings(top: Section) -> dict[str, Setting]:
    """The `settings` part of a rule or calendar file."""
    part = top.section("settings", required=False)
    if part is None:
        return {}
    found: dict[str, Setting] = {}
    for name in part.names_of_parts():
        one = part.section(name)
        if one is None:
            continue
        values = one.names("values")
        default = one.text("default", among=values)
        found[name] = Setting(name, one.text("doubt"), values, default, one.text("confidence"), one.words("why"))
        one.done()
    return found


def chosen(settings: Mapping[str, Setting], trial: Mapping[str, str]) -> dict[str, str | None]:
    """The value in force for each setting; a value outside the list is `None`, which counts as not answered."""
    result: dict[str, str | None] = {}
    for name, setting in settings.items():
        value = trial.get(name, setting.default)
        result[name] = value if value in setting.values else None
    return result
