"""How old the child was at onset, as surely as a birth month and a day of onset allow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from shared.case import Moment


@dataclass(frozen=True)
class Age:
    """Completed months: at least and at most."""

    least: int
    most: int

    def number(self) -> tuple[int, str] | None:
        """Value and UCUM unit: months below two years, years from then on; None where the facts allow two answers."""
        if self.least == self.most and self.most < 24:
            return self.least, "mo"
        if self.least >= 24 and self.least // 12 == self.most // 12:
            return self.least // 12, "a"
        return None

    def group(self) -> str | None:
        """D.2.3: 1 newborn, 2 infant, 3 child, 4 adolescent, 5 adult, 6 elderly; None where it may be two of them."""
        both = {_group(self.least), _group(self.most)}
        return both.pop() if len(both) == 1 else None


def age_at(birth: Moment, onset: Moment) -> Age | None:
    """None when the onset may lie before the birth."""
    born_first, born_last = _days(birth)
    first, last = _days(onset)
    least, most = _months(born_last, first), _months(born_first, last)
    return None if most < 0 else Age(max(least, 0), most)


def _days(moment: Moment) -> tuple[date, date]:
    zone = ZoneInfo(moment.zone)
    return moment.earliest().astimezone(zone).date(), moment.latest().astimezone(zone).date()


def _months(born: date, day: date) -> int:
    return (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)


def _group(months: int) -> str:
    bounds = ((1, "1"), (24, "2"), (12 * 12, "3"), (18 * 12, "4"), (65 * 12, "5"))
    return next((code for bound, code in bounds if months < bound), "6")
