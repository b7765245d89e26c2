"""The closed report's tables: everything by coded arm and by period. Nothing is withheld here; the reader may see it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from services.dsmb.boundaries import State
from services.dsmb.domain.dataset import UNALLOCATED, Dataset
from services.dsmb.domain.follow_up import SPANS
from services.dsmb.domain.plan import Plan
from services.dsmb.tables.cells import Cell, counted, event_rate, rate, years
from services.dsmb.tables.frames import Frames
from services.dsmb.tables.tally import GRADES, KINDS, RATED, Count, Key, Tally, Under, tally

ALL = "all"
PROGRAM = "tables-1"
"""Of the rules by which cells are made: a report names the one that made it."""

Table = dict[str, Any]
Cells = Callable[[str], Cell]


def closed_tables(data: Dataset, plan: Plan, states: Sequence[State]) -> list[Table]:
    frames = Frames.of(data)
    counts = tally(frames)
    columns = columns_of(data)
    made = [_population(frames, columns), _person_time(counts, columns, plan), _stopping(states)]
    for span in SPANS:
        made += [_events(counts, columns, span), _rates(counts, columns, span, plan)]
    made += [_terms(counts, columns, span, plan) for span in ("randomised", "control", "exposed", "whole")]
    return [*made, _left_out(data.left_out)]


def columns_of(data: Dataset) -> list[str]:
    """The arms' letters, the children without an arm where there are any, all together."""
    unallocated = [UNALLOCATED] if UNALLOCATED in data.subjects.values["arm"] else []
    return [*data.arms, *unallocated, ALL]


def over(cells: Mapping[Key, Any], span: str, column: str, nothing: Any) -> Any:
    """The value of one column; that of all children is the sum of the others."""
    if column != ALL:
        return cells.get((span, column), nothing)
    found = nothing
    for (name, _), value in sorted(cells.items()):
        if name == span:
            found = found + value
    return found


def _row(name: str, columns: Sequence[str], cell: Cells, **more: object) -> dict[str, Any]:
    return {"id": name, **more, "cells": {column: cell(column) for column in columns}}


def _population(frames: Frames, columns: Sequence[str]) -> Table:
    infusions = pl.col("infusions")
    asked: dict[str, pl.Expr] = {
        "subjects": pl.len(),
        "enrolled": pl.col("enrolled").sum(),
        "infused": (infusions > 0).sum(),
        "infused_twice": (infusions > 1).sum(),
        "never_infused": (infusions == 0).sum(),
        "infusions": infusions.sum(),
        "left": pl.col("left").sum(),
    }
    counted_up = frames.subjects.group_by("arm").agg(expr.alias(name) for name, expr in asked.items())
    found = {("", row["arm"]): row for row in counted_up.iter_rows(named=True)}

    def cell(name: str) -> Cells:
        values = {key: int(row[name]) for key, row in found.items()}
        return lambda column: {"n": over(values, "", column, 0)}

    return {"id": "population", "columns": list(columns), "rows": [_row(one, columns, cell(one)) for one in asked]}


def _person_time(counts: Tally, columns: Sequence[str], plan: Plan) -> Table:
    def cell(span: str) -> Cells:
        def made(column: str) -> Cell:
            under: Under = over(counts.under, span, column, Under())
            return {"n": under.children, "days": under.days, "years": years(under.days, plan.days_per_year)}

        return made

    return {"id": "person_time", "columns": list(columns), "rows": [_row(one, columns, cell(one)) for one in SPANS]}


def _events(counts: Tally, columns: Sequence[str], span: str) -> Table:
    def cell(cells: Mapping[Key, Count]) -> Cells:
        def made(column: str) -> Cell:
            return counted(over(cells, span, column, Count()), over(counts.under, span, column, Under()))

        return made

    kinds = [name for name in KINDS if not name.startswith(("investigator_", "sponsor_"))]
    said = [name for name in KINDS if name not in kinds]
    rows = [_row(name, columns, cell(counts.kinds[name])) for name in kinds]
    rows += [_row(name, columns, cell(counts.worst[name])) for name in GRADES]
    rows += [_row(name, columns, cell(counts.kinds[name])) for name in said]
    return {"id": f"events/{span}", "columns": list(columns), "rows": rows}


def _rates(counts: Tally, columns: Sequence[str], span: str, plan: Plan) -> Table:
    def cell(name: str) -> Cells:
        def made(column: str) -> Cell:
            count: Count = over(counts.kinds[name], span, column, Count())
            under: Under = over(counts.under, span, column, Under())
            made = rate(count, plan.days_per_year, plan.confidence)
            return made | {
                "events": count.events,
                "event_rate": event_rate(count.events, under.days, plan.days_per_year),
            }

        return made

    return {"id": f"rates/{span}", "columns": list(columns), "rows": [_row(one, columns, cell(one)) for one in RATED]}


def _terms(counts: Tally, columns: Sequence[str], span: str, plan: Plan) -> Table:
    """Terms with an event in the period, the most frequent in all children first; then by code."""
    rows = []
    for (code, term), cells in counts.terms.items():
        total: Count = over(cells, span, ALL, Count())

        def cell(column: str, cells: Mapping[Key, Count] = cells) -> Cell:
            count: Count = over(cells, span, column, Count())
            under: Under = over(counts.under, span, column, Under())
            made = counted(count, under)
            at_risk = rate(count, plan.days_per_year, plan.confidence)
            return made | {name: at_risk[name] for name in ("days", "years", "rate", "lower", "upper")}

        if total.events:
            rows.append(((-total.n, -total.events, code), _row(code, columns, cell, term=term)))
    return {"id": f"terms/{span}", "columns": list(columns), "rows": [row for _, row in sorted(rows, key=_first)]}


def _first(row: tuple[tuple[int, int, str], dict[str, Any]]) -> tuple[int, int, str]:
    return row[0]


def _stopping(states: Sequence[State]) -> Table:
    """Of all infused children together; a crossing asks the board to look."""
    rows = [
        {
            "id": one.rule_id,
            "cells": {
                ALL: {
                    "evaluable": one.evaluable,
                    "with_event": one.with_event,
                    "waiting": one.waiting,
                    "stop_at": one.stop_at,
                    "posterior": one.posterior,
                    "crossed": "yes" if one.crossed else "no",
                }
            },
        }
        for one in states
    ]
    return {"id": "stopping", "columns": [ALL], "rows": rows}


def _left_out(reasons: Mapping[str, int]) -> Table:
    return {
        "id": "left_out",
        "columns": [ALL],
        "rows": [{"id": name, "cells": {ALL: {"n": count}}} for name, count in reasons.items()],
    }
