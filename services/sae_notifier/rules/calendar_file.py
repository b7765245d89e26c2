"""Reading one calendar file; unknown fields, days without a source and unknown countries refuse it."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import cast

import holidays

from services.sae_notifier.rules.calendar import Calendar, DayKind, Doubtful, Override
from services.sae_notifier.rules.lines import Section, read
from services.sae_notifier.rules.setting import read_settings

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KINDS = ("off", "swapped_off", "make_up")


def load_calendar(text: str, file: str) -> Calendar:
    """Read and check the text of `file`; raises `FileRefused` with every problem and its line."""
    top = read(text, file)
    calendar_id = top.text("calendar")
    country = top.text("country")
    if country and country not in holidays.list_supported_countries():
        top.problems.add(top.line_of("country"), f"the holidays library does not know {country[:20]!r}")
    rest = top.names("weekly_rest")
    for name in rest:
        if name not in _WEEK:
            top.problems.add(top.line_of("weekly_rest"), f"unknown day of the week {name[:20]!r}")
    if set(rest) >= set(_WEEK):
        top.problems.add(top.line_of("weekly_rest"), "a week without a working day never ends a period")
    announced = top.number("announced_through")
    settings = read_settings(top)
    names, days = _certain(top)
    overrides = _overrides(top)
    doubtful = _doubtful(top, frozenset(settings))
    top.done()
    top.problems.refuse_if_any()
    return Calendar(
        calendar_id=calendar_id,
        country=country,
        file_sha256=hashlib.sha256(text.encode()).hexdigest(),
        weekly_rest=frozenset(_WEEK.index(name) for name in rest),
        announced_through=announced,
        certain_names=names,
        certain_days=days,
        overrides=overrides,
        doubtful=doubtful,
        settings=settings,
    )


def _certain(top: Section) -> tuple[frozenset[str], frozenset[tuple[int, int]]]:
    part = top.section("certain", required=False)
    if part is None:
        return frozenset(), frozenset()
    names = frozenset(part.names("names", required=False))
    days = frozenset(_month_day(part, "days", text) for text in part.names("days", required=False))
    part.done()
    return names, days


def _month_day(part: Section, key: str, text: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2024-{text}")
    except ValueError:
        part.problems.add(part.line_of(key), f"{text[:20]!r} is not a day of the year", "write 'MM-DD' in quotes")
        return (1, 1)
    return (day.month, day.day)


def _overrides(top: Section) -> dict[date, Override]:
    found: dict[date, Override] = {}
    for one in top.sections("days", required=False):
        on = one.day("date", required=True)
        kind = one.text("is", among=_KINDS)
        source = one.text("source")
        one.done()
        if on is None:
            continue
        if on in found:
            one.problems.add(one.line, f"{on} is already given")
        found[on] = Override(on, cast(DayKind, kind), source)
    return found


def _doubtful(top: Section, settings: frozenset[str]) -> tuple[Doubtful, ...]:
    found: list[Doubtful] = []
    for one in top.sections("doubtful", required=False):
        month, day = _month_day(one, "month_day", one.text("month_day"))
        setting = one.text("setting", among=sorted(settings))
        found.append(Doubtful(month, day, setting, one.number("from_year")))
        one.done()
    return tuple(found)
