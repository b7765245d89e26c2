"""Working days of one country in two readings: `legal` (what we believe the law says) and `strict` (any reading).

In the strict reading a day counts as soon as one reading counts it: make-up days, days swapped off, doubtful holidays,
and holidays of years nobody has announced yet. So a strict period is never longer than the legal one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from importlib.metadata import version
from typing import Literal

import tzdata

from services.sae_notifier.rules.holiday_table import Year, library_year
from services.sae_notifier.rules.setting import Setting
from shared.canonical import canonical, sha256

_HOLIDAYS_VERSION = version("holidays")

Reading = Literal["legal", "strict"]
DayKind = Literal["off", "swapped_off", "make_up"]
"""`off` is a holiday; `swapped_off` is exchanged for a worked rest day, which is `make_up`."""


def _libraries() -> dict[str, str]:
    return {"holidays": _HOLIDAYS_VERSION, "tzdata": tzdata.IANA_VERSION}


@dataclass(frozen=True)
class Override:
    """One day the library lacks or gets wrong, with the notice that says so."""

    on: date
    kind: DayKind
    source: str


@dataclass(frozen=True)
class Doubtful:
    """A holiday that may not be one: `setting` chooses the legal reading (`off` or `working`)."""

    month: int
    day: int
    setting: str
    from_year: int


@dataclass(frozen=True)
class Calendar:
    """`certain_*` name the library's holidays that hold even in years after `announced_through`."""

    calendar_id: str
    country: str
    file_sha256: str
    weekly_rest: frozenset[int]
    announced_through: int
    certain_names: frozenset[str]
    certain_days: frozenset[tuple[int, int]]
    overrides: Mapping[date, Override]
    doubtful: tuple[Doubtful, ...]
    settings: dict[str, Setting]
    values: Mapping[str, str] = field(default_factory=dict)
    table: Mapping[int, Year] = field(default_factory=dict)
    """The library's holidays as they were activated; years that are not in it are asked of the library."""
    rests_on: Mapping[str, str] = field(default_factory=_libraries)
    """What besides its file decides a day: the hash of the table, or the versions of the libraries."""

    @cached_property
    def sha256(self) -> str:
        """Identifies the reading: the file, the settings in force and the library versions."""
        values = {name: self.values.get(name, setting.default) for name, setting in self.settings.items()}
        return sha256(canonical({"file": self.file_sha256, "settings": values, **self.rests_on}))

    def with_settings(self, trial: Mapping[str, str]) -> Calendar:
        """The same calendar under a trial's choices; a value outside a setting's list is left at its default."""
        mine = {name: trial[name] for name, one in self.settings.items() if trial.get(name) in one.values}
        return self if mine == self.values else replace(self, values=mine)

    def with_table(self, table: Mapping[int, Year], rests_on: Mapping[str, str]) -> Calendar:
        """The same calendar over the library's answers as they stood once."""
        return replace(self, table=table, rests_on=rests_on)

    def is_working(self, day: date, reading: Reading) -> bool:
        override = self.overrides.get(day)
        year = self.table.get(day.year) or library_year(self.country, day.year)
        names, library_make_up = year.names, year.make_up
        if (override and override.kind == "make_up") or (not override and day in library_make_up):
            return True
        if day.weekday() in self.weekly_rest:
            return False
        if override:
            return override.kind == "swapped_off" and reading == "strict"
        doubt = self._doubt(day, names)
        if doubt:
            chosen = self.values.get(doubt.setting, self.settings[doubt.setting].default)
            return reading == "strict" or chosen == "working"
        name = names.get(day)
        if name is None:
            return True
        return reading == "strict" and not self._certain(day, name)

    def _doubt(self, day: date, names: Mapping[date, str]) -> Doubtful | None:
        """A day in lieu is as doubtful as the holiday it stands for."""
        for one in self.doubtful:
            if day.year < one.from_year:
                continue
            if (one.month, one.day) == (day.month, day.day):
                return one
            holidays_then = [name for on, name in names.items() if (on.month, on.day) == (one.month, one.day)]
            if any(names.get(day) == f"{name} (observed)" for name in holidays_then):
                return one
        return None

    def _certain(self, day: date, name: str) -> bool:
        if "substituted" in name:
            return False
        if day.year <= self.announced_through:
            return True
        return (day.month, day.day) in self.certain_days or any(part in self.certain_names for part in name.split("; "))

    def add_working_days(self, day_0: date, number: int, reading: Reading) -> date:
        """The `number`-th working day after `day_0`, which is itself not counted."""
        day = day_0
        while number > 0:
            day += timedelta(days=1)
            if self.is_working(day, reading):
                number -= 1
        return day
