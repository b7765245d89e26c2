"""Counts by period and arm: children with an event, events, and the days at risk until a child's first event of a kind.

    n       children with at least one event of that kind in the period, each once
    events  episodes of that kind that began or became worse in the period
    first   children whose first event ended their time at risk, and `days` all children's days at risk

Sums over arms are those of all children, since each child stands in one arm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from services.dsmb.tables.frames import Frames

KINDS: dict[str, pl.Expr] = {
    "any": pl.lit(value=True),
    "serious": pl.col("serious"),
    "serious_unanswered": pl.col("unanswered"),
    "related": pl.col("related"),
    "serious_related": pl.col("serious") & pl.col("related"),
    "grade_3_up": pl.col("grade") >= 3,
    **{f"investigator_{said}": pl.col("investigator") == said for said in ("yes", "no", "unknown")},
    **{f"sponsor_{said}": pl.col("sponsor") == said for said in ("yes", "no", "unknown")},
}
RATED = ("any", "serious", "related", "serious_related", "grade_3_up")
"""The kinds that get a rate."""
GRADES: dict[str, int | None] = {**{f"grade_{grade}": grade for grade in range(1, 6)}, "grade_missing": None}
_BY = ["span", "arm"]

Key = tuple[str, str]
"""(period, arm)."""


@dataclass(frozen=True)
class Count:
    n: int = 0
    events: int = 0
    first: int = 0
    days: int = 0
    """Days at risk; only of kinds that get a rate."""

    def __add__(self, other: Count) -> Count:
        return Count(self.n + other.n, self.events + other.events, self.first + other.first, self.days + other.days)


@dataclass(frozen=True)
class Under:
    """Children in a period and their days in it."""

    children: int = 0
    days: int = 0

    def __add__(self, other: Under) -> Under:
        return Under(self.children + other.children, self.days + other.days)


@dataclass(frozen=True)
class Tally:
    under: dict[Key, Under]
    kinds: dict[str, dict[Key, Count]]
    worst: dict[str, dict[Key, Count]]
    """By worst grade of each child, and events by their own grade."""
    terms: dict[tuple[str, str], dict[Key, Count]]
    """(code, term) -> counts."""


def tally(frames: Frames) -> Tally:
    under = _under(frames)
    per_child = _per_child(frames)
    return Tally(under, _kinds(per_child, under), _worst(frames, per_child), _terms(frames, under))


def _under(frames: Frames) -> dict[Key, Under]:
    """Everybody is under observation as a whole; a period has those who entered it, or had an event in it."""
    days = frames.times.group_by(_BY).agg((pl.col("last") - pl.col("first") + 1).sum().alias("days"))
    entered = pl.concat(
        [
            frames.times.select("span", "arm", "subject"),
            frames.events.select("span", "arm", "subject"),
            frames.subjects.select(pl.lit("whole", dtype=pl.Categorical).alias("span"), "arm", "subject"),
        ]
    )
    children = entered.group_by(_BY).agg(pl.col("subject").n_unique().alias("children"))
    joined = children.join(days, on=_BY, how="left").with_columns(pl.col("days").fill_null(0))
    return {(row["span"], row["arm"]): Under(row["children"], row["days"]) for row in joined.iter_rows(named=True)}


def _per_child(frames: Frames) -> pl.DataFrame:
    """One row per period and child: how many events of each kind, the first day of each rated kind, the worst grade."""
    marked = frames.events.lazy().with_columns(kind.alias(f"is_{name}") for name, kind in KINDS.items())
    counted = marked.group_by([*_BY, "subject"]).agg(
        *(pl.col(f"is_{name}").sum().alias(f"e_{name}") for name in KINDS),
        *(pl.when(pl.col(f"is_{name}")).then(pl.col("day")).min().alias(f"d_{name}") for name in RATED),
        pl.col("grade").max().alias("worst"),
    )
    times = frames.times.lazy().select("span", "subject", "last")
    return counted.join(times, on=["span", "subject"], how="left").collect()


def _kinds(per_child: pl.DataFrame, under: dict[Key, Under]) -> dict[str, dict[Key, Count]]:
    """A child's days after its first event are not at risk: they are taken from the days of everybody."""
    summed = per_child.group_by(_BY).agg(
        *((pl.col(f"e_{name}") > 0).sum().alias(f"n_{name}") for name in KINDS),
        *(pl.col(f"e_{name}").sum() for name in KINDS),
        *(pl.col(f"d_{name}").is_not_null().sum().alias(f"f_{name}") for name in RATED),
        *((pl.col("last") - pl.col(f"d_{name}")).sum().alias(f"after_{name}") for name in RATED),
    )
    found: dict[str, dict[Key, Count]] = {name: {} for name in KINDS}
    for name in RATED:
        found[name] |= {key: Count(days=one.days) for key, one in under.items()}
    for row in summed.iter_rows(named=True):
        key = (row["span"], row["arm"])
        for name in KINDS:
            rated = name in RATED
            found[name][key] = Count(
                row[f"n_{name}"],
                row[f"e_{name}"],
                row[f"f_{name}"] if rated else 0,
                under[key].days - (row[f"after_{name}"] or 0) if rated else 0,
            )
    return found


def _worst(frames: Frames, per_child: pl.DataFrame) -> dict[str, dict[Key, Count]]:
    by_worst = dict(_grades(per_child.group_by([*_BY, "worst"]).len(), "worst"))
    by_own = dict(_grades(frames.events.group_by([*_BY, "grade"]).len(), "grade"))
    return {
        name: {
            key: Count(by_worst.get((key, grade), 0), by_own.get((key, grade), 0))
            for key, found in {*by_worst, *by_own}
            if found == grade
        }
        for name, grade in GRADES.items()
    }


def _grades(counted: pl.DataFrame, column: str) -> Iterator[tuple[tuple[Key, int | None], int]]:
    for row in counted.iter_rows(named=True):
        yield ((row["span"], row["arm"]), row[column]), row["len"]


def _terms(frames: Frames, under: dict[Key, Under]) -> dict[tuple[str, str], dict[Key, Count]]:
    names = dict(frames.events.group_by("term_code").agg(pl.col("term").min()).iter_rows())
    times = frames.times.lazy().select("span", "subject", "last")
    summed = (
        frames.events.lazy()
        .group_by([*_BY, "term_code", "subject"])
        .agg(pl.len().alias("events"), pl.col("day").min())
        .join(times, on=["span", "subject"], how="left")
        .group_by([*_BY, "term_code"])
        .agg(
            pl.len().alias("n"),
            pl.col("events").sum(),
            pl.col("day").is_not_null().sum().alias("first"),
            (pl.col("last") - pl.col("day")).sum().alias("after"),
        )
        .collect()
    )
    found: dict[tuple[str, str], dict[Key, Count]] = {
        (code, name): {key: Count(days=one.days) for key, one in under.items()} for code, name in sorted(names.items())
    }
    for row in summed.iter_rows(named=True):
        key = (row["span"], row["arm"])
        days = under[key].days - (row["after"] or 0)
        found[row["term_code"], names[row["term_code"]]][key] = Count(row["n"], row["events"], row["first"], days)
    return found
