"""The open report's tables: all children together, over their whole time, and nothing from which an arm could be read.

Left out on purpose: periods (control is one arm, the months after a first infusion are for a long time the other), relatedness
to an infusion and numbers of infusions (before the control arm is infused they are the other arm's), terms (those of a
puncture tell who had one), and who had no arm. Small numbers are withheld, and with them as many others as it takes that no
sum gives them back.
"""

from __future__ import annotations

from typing import Any

from services.dsmb.domain.dataset import Dataset
from services.dsmb.domain.plan import Plan
from services.dsmb.tables.cells import Cell, percent, rate, years
from services.dsmb.tables.closed import ALL, Table, over
from services.dsmb.tables.frames import Frames
from services.dsmb.tables.small import withhold
from services.dsmb.tables.tally import GRADES, Count, Under, tally

WITHHELD: Cell = {"withheld": "yes"}


def withheld_because(data: Dataset, plan: Plan) -> str:
    """Why there may be no open report at all; empty when there may.

    With hardly anybody in one arm, all children together are the other arm. Which of the two it was would tell of an arm, so
    it is one reason.
    """
    arms = [one for one in data.subjects.values["arm"] if one in data.arms]
    few = len(data.subjects) < plan.smallest_arm
    if few or (arms and min(arms.count(letter) for letter in data.arms) < plan.smallest_arm):
        return "few_children"
    return ""


def open_tables(data: Dataset, plan: Plan) -> list[Table]:
    counts = tally(Frames.of(data))
    under: Under = over(counts.under, "whole", ALL, Under())
    kinds: dict[str, Count] = {name: over(cells, "whole", ALL, Count()) for name, cells in counts.kinds.items()}
    grades: dict[str, int] = {name: over(counts.worst[name], "whole", ALL, Count()).n for name in GRADES}
    any_event, serious = kinds["any"].n, kinds["serious"].n
    parts = {"none": under.children - any_event, "not_serious": any_event - serious, "serious": serious}
    hidden = withhold(parts, grades, plan.small_cell_below)

    def children(name: str, n: int) -> dict[str, Any]:
        shown: Cell = {"n": n, "percent": percent(n, under.children)}
        return _row(name, WITHHELD if name in hidden else shown)

    def events(name: str, row: str) -> dict[str, Any]:
        return _row(name, WITHHELD if row in hidden else {"n": kinds[name].events})

    def at_risk(name: str, row: str) -> dict[str, Any]:
        """The children it counts less than the row above are those whose event came after their time: no small number either."""
        after = kinds[name].n - kinds[name].first
        small = row in hidden or 0 < after < plan.small_cell_below
        return _row(name, WITHHELD if small else rate(kinds[name], plan.days_per_year, plan.confidence))

    return [
        _table(
            "open_population",
            [
                _row("subjects", {"n": under.children}),
                _row("person_years", {"days": under.days, "years": years(under.days, plan.days_per_year)}),
            ],
        ),
        # Children with any event are all but those with none: the two are shown or withheld together.
        _table("open_children", [children(name, n) for name, n in parts.items()]),
        _table("open_grades", [children(name, n) for name, n in grades.items()]),
        _table("open_events", [events("any", "none"), events("serious", "serious")]),
        _table("open_rates", [at_risk("any", "none"), at_risk("serious", "serious")]),
    ]


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    return {"id": name, "columns": [ALL], "rows": rows}


def _row(name: str, cell: Cell) -> dict[str, Any]:
    return {"id": name, "cells": {ALL: cell}}
