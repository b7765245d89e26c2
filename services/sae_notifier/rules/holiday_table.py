"""What the holidays library says of one country, as a file: stored and activated like any other.

A newer library can so move no date by itself: it makes another table, which waits until a person has seen what it would move.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays

from shared.canonical import canonical

YEARS = range(2020, 2041)


@dataclass(frozen=True)
class Year:
    """Holidays by their English name, and the rest days that are worked."""

    names: Mapping[date, str]
    make_up: frozenset[date]


@cache
def library_year(country: str, year: int) -> Year:
    """The library's answer today; for years outside a table."""
    found = holidays.country_holidays(country, years=year, expand=False, language="en_US")
    return Year(dict(found.items()), frozenset(getattr(found, "weekend_workdays", ()) or ()))


@cache
def table_text(country: str) -> str:
    """All years of the table as canonical JSON; the library's version is not in it, so only another answer is another file."""
    years = {}
    for year in YEARS:
        one = library_year(country, year)
        years[str(year)] = {
            "holidays": {day.isoformat(): name for day, name in one.names.items()},
            "make_up": sorted(day.isoformat() for day in one.make_up),
        }
    return canonical({"country": country, "years": years}).decode()


def read_table(text: str) -> tuple[str, dict[int, Year]]:
    """(country, years) of a stored table."""
    data = json.loads(text)
    years = {
        int(year): Year(
            {date.fromisoformat(day): name for day, name in one["holidays"].items()},
            frozenset(date.fromisoformat(day) for day in one["make_up"]),
        )
        for year, one in data["years"].items()
    }
    return data["country"], years
