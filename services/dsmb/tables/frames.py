"""The rows of a cut as data frames. Everything in them is a whole number, a word or a flag, so sums are exact in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from services.dsmb.domain.dataset import EVENTS, SUBJECTS, TIMES, Dataset

_TYPES: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("subject", "arm", "span", "term_code", "investigator", "sponsor"), pl.Categorical),
    "infusions": pl.Int32,
    "left": pl.Boolean,
    "enrolled": pl.Boolean,
    "first": pl.Int32,
    "last": pl.Int32,
    "day": pl.Int32,
    "grade": pl.Int8,
    "serious": pl.Boolean,
    "unanswered": pl.Boolean,
    "related": pl.Boolean,
}


def frame(columns: Mapping[str, Sequence[object]], names: Sequence[str]) -> pl.DataFrame:
    """Columns as a frame with fixed types, so that an empty one has them too."""
    return pl.DataFrame(columns, schema={name: _TYPES.get(name, pl.String) for name in names}, strict=True)


class Frames:
    """`subjects`: one row per child; `times`: per child and period; `events`: per episode and period."""

    def __init__(self, subjects: pl.DataFrame, times: pl.DataFrame, events: pl.DataFrame) -> None:
        self.subjects, self.times, self.events = subjects, times, events

    @classmethod
    def of(cls, data: Dataset) -> Frames:
        return cls(
            frame(data.subjects.values, SUBJECTS), frame(data.times.values, TIMES), frame(data.events.values, EVENTS)
        )
