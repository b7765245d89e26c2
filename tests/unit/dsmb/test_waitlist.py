"""Person-time, periods and rates of the waiting-list example, each number worked out by hand from six children's dates."""

from __future__ import annotations

from collections import Counter

import pytest

from services.dsmb.tables import closed_tables
from tests.unit.dsmb import build, waitlist

SPANS = {"exposed": "exposed", "control": "control", "never_treated": "before_first"}
CLOCKS = {"time-aware": "minute", "date-only (conservative)": "day"}


def test_person_days_are_those_counted_on_the_calendar() -> None:
    times = build.cut(waitlist.documents()).times.values
    found = Counter()
    for subject, span, first, last in zip(times["subject"], times["span"], times["first"], times["last"], strict=True):
        found[subject, span] = last - first + 1  # type: ignore[operator]
    for row in waitlist.rows("person_time.csv"):
        assert found.pop((row["subject"], SPANS[row["period"]])) == int(row["days"]), row
    left = {key for key in found if key[1] in SPANS.values()}
    assert not left, "a child has days in a period that the example does not give it"


@pytest.mark.parametrize(
    "row", waitlist.rows("expected.csv"), ids=lambda row: f"{row['rule'][:4]} {row['period']} {row['pt']}"
)
def test_rates_with_their_exact_limits(row: dict[str, str]) -> None:
    plan = build.plan(onset_clock=CLOCKS[row["rule"]])
    tables = closed_tables(build.cut(waitlist.documents(), plan), plan, [])
    cell = build.table(tables, f"terms/{row['period']}")[row["pt"]]["all"]
    assert (cell["n"], cell["days"]) == (int(row["n_subjects"]), int(row["at_risk_days"]))
    for name, column in (("rate", "eair_per_100py"), ("lower", "exact_lcl"), ("upper", "exact_ucl")):
        assert float(cell[name]) == pytest.approx(float(row[column]), abs=1.01e-4), name
    assert cell["events"] == int(row["n_events"])
