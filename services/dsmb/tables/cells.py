"""What is printed of a count: percentages and rates as decimal text, rounded once; what has no denominator is not estimable."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from services.dsmb.tables.poisson import limits
from services.dsmb.tables.tally import Count, Under

Cell = dict[str, int | str | None]
_TENTH, _RATE = Decimal("0.1"), Decimal("0.0001")


def percent(n: int, of: int) -> str | None:
    """One decimal, half up; None of nobody."""
    return str((Decimal(100 * n) / of).quantize(_TENTH, ROUND_HALF_UP)) if of else None


def years(days: int, days_per_year: str) -> str:
    return str((Decimal(days) / Decimal(days_per_year)).quantize(_RATE, ROUND_HALF_UP))


def counted(count: Count, under: Under) -> Cell:
    return {"n": count.n, "of": under.children, "percent": percent(count.n, under.children), "events": count.events}


def rate(count: Count, days_per_year: str, confidence: str) -> Cell:
    """Children with a first event per 100 years at risk, with exact limits; nothing is divided by no time."""
    if count.days < 0:
        raise ValueError("time at risk is never below 0")
    per = 100 * Decimal(days_per_year)
    cell: Cell = {"n": count.first, "days": count.days, "years": years(count.days, days_per_year)}
    if count.days == 0:
        return cell | {"rate": None, "lower": None, "upper": None}
    lower, upper = limits(count.first, float(confidence))
    scale = float(per) / count.days
    return cell | {
        "rate": str((per * count.first / count.days).quantize(_RATE, ROUND_HALF_UP)),
        "lower": f"{lower * scale:.4f}",
        "upper": f"{upper * scale:.4f}",
    }


def event_rate(events: int, days: int, days_per_year: str) -> str | None:
    """Events per 100 years of the whole period, repeated ones too."""
    per = 100 * Decimal(days_per_year)
    return str((per * events / days).quantize(_RATE, ROUND_HALF_UP)) if days else None
