"""Counts worked out by hand, and what must hold of any cut: the order of documents means nothing, rows add up, bytes repeat."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dsmb.domain import Document
from services.dsmb.tables import PROGRAM, closed_tables
from services.dsmb.tables.cells import percent
from shared.canonical import canonical, sha256
from tests.unit.dsmb import build, waitlist
from tests.unit.dsmb.build import allocation, case, event, infusion, subject


def small_trial() -> list[Document]:
    """Three children in arm A (X), two in B (Y), one without an arm; five events of four children."""
    children = [("A1", "A"), ("A2", "A"), ("A3", "A"), ("B1", "B"), ("B2", "B")]
    made = [one for code, arm in children for one in (subject(code, "2026-01-01"), allocation(code, arm))]
    made += [subject("N1", "2026-01-01")]
    made += [infusion(code, "2026-01-01T09:00") for code in ("A1", "A2", "A3")]
    made += [
        # Two episodes of one child: worst grade 3. The first became worse and is one.
        case("A1", event("1", "FEVER", "2026-02-01", [(1, "2026-02-01"), (2, "2026-02-02")], related="yes")),
        case("A1", event("2", "RASH", "2026-03-01", [(3, None)], serious=True)),
        case("A2", event("3", "FEVER", "2026-04-01", [(1, None)])),
        case("B1", event("4", "FEVER", "2026-05-01", [(4, None)], serious=True)),
        case("N1", event("5", "", "2026-05-01")),
    ]
    return made


def closed(documents: list[Document], **changes: Any) -> list[dict[str, Any]]:
    plan = build.plan(**changes)
    return closed_tables(build.cut(documents, plan), plan, [])


def test_children_and_events_by_arm() -> None:
    tables = closed(small_trial())
    assert build.table(tables, "population")["subjects"] == {
        "X": {"n": 3},
        "Y": {"n": 2},
        "none": {"n": 1},
        "all": {"n": 6},
    }
    whole = build.table(tables, "events/whole")

    def cells(row: str) -> list[tuple[int, int]]:
        return [(whole[row][one]["n"], whole[row][one]["events"]) for one in ("X", "Y", "none", "all")]

    assert cells("any") == [(2, 3), (1, 1), (1, 1), (4, 5)]
    assert cells("serious") == [(1, 1), (1, 1), (0, 0), (2, 2)]
    assert cells("related") == [(2, 3), (0, 0), (0, 0), (2, 3)], "the waiting child's is before any infusion"
    assert cells("serious_related") == [(1, 1), (0, 0), (0, 0), (1, 1)]
    assert cells("grade_3_up") == [(1, 1), (1, 1), (0, 0), (2, 2)]
    assert [cells(f"grade_{one}")[0] for one in (1, 2, 3)] == [(1, 1), (0, 1), (1, 1)]
    assert cells("grade_missing") == [(0, 0), (0, 0), (1, 1), (1, 1)]
    assert cells("investigator_yes")[0] == (1, 1)
    assert whole["any"]["X"] == {"n": 2, "of": 3, "percent": "66.7", "events": 3}
    assert whole["any"]["all"]["percent"] == "66.7"


def test_rates_by_arm() -> None:
    """To 30 September: 273 days. A1's first event is on day 32, A2's on day 91, A3 has none."""
    found = build.table(closed(small_trial()), "rates/exposed")["any"]
    assert (found["X"]["n"], found["X"]["days"]) == (2, 32 + 91 + 273)
    assert found["X"]["rate"] == "184.4697"  # 2 * 36525 / 396
    assert found["X"]["event_rate"] == "133.7912"  # 3 * 36525 / 819
    assert found["Y"] == {
        "n": 0,
        "days": 0,
        "years": "0.0000",
        "rate": None,
        "lower": None,
        "upper": None,
        "events": 0,
        "event_rate": None,
    }
    control = build.table(closed(small_trial()), "rates/control")["any"]
    assert (control["Y"]["n"], control["Y"]["days"]) == (1, 121 + 273)


def test_a_child_without_events_counts_in_every_denominator() -> None:
    quiet = [*small_trial(), subject("A9", "2026-01-01"), allocation("A9", "A")]
    assert build.table(closed(quiet), "events/whole")["any"]["X"]["of"] == 4


def test_a_void_subject_takes_everything_with_it() -> None:
    documents = [
        *small_trial(),
        subject("A8", "2026-01-01", voided=True),
        allocation("A8", "A"),
        case("A8", event("9")),
    ]
    tables = closed(documents)
    assert build.table(tables, "population")["subjects"]["all"]["n"] == 6
    assert build.table(tables, "left_out")["void_subjects"]["all"]["n"] == 1


def test_an_arm_that_is_not_in_the_file_is_no_arm_and_is_told() -> None:
    tables = closed([*small_trial(), subject("C1", "2026-01-01"), allocation("C1", "C")])
    assert build.table(tables, "population")["subjects"]["none"]["n"] == 2
    assert build.table(tables, "left_out")["unknown_arms"]["all"]["n"] == 1
    assert '"C"' not in build.as_text(tables)


def test_a_cut_with_nobody_has_tables_too() -> None:
    tables = closed([])
    assert build.table(tables, "events/whole")["any"]["all"] == {"n": 0, "of": 0, "percent": None, "events": 0}


@pytest.mark.parametrize(("n", "of", "text"), [(1, 8, "12.5"), (1, 16, "6.3"), (0, 5, "0.0"), (3, 3, "100.0")])
def test_a_percentage_has_one_decimal_half_up(n: int, of: int, text: str) -> None:
    assert percent(n, of) == text


# Whatever the cut -----------------------------------------------------------------------------------------------------

_DAYS = st.sampled_from(["2026-01-03", "2026-02", "2026-02-14T03:10", "2026", None, "2025-11-30", "2026-07-20"])


@st.composite
def cuts(draw: st.DrawFn) -> list[Document]:
    made: list[Document] = []
    for number in range(draw(st.integers(1, 8))):
        code = f"VN01-{number:03d}"
        made.append(subject(code, draw(_DAYS), draw(st.sampled_from([None, "2026-06-01"]))))
        arm = draw(st.sampled_from(["A", "B", None]))
        made += [allocation(code, arm)] if arm else []
        for order in range(1, draw(st.integers(0, 2)) + 1):
            made.append(infusion(code, draw(_DAYS), order))
        for index in range(draw(st.integers(0, 3))):
            grades = draw(st.lists(st.tuples(st.integers(1, 5), _DAYS), max_size=3))
            told = event(
                f"{code}-{index}",
                draw(st.sampled_from(["", "FEVER", "RASH"])),
                draw(_DAYS),
                grades,
                serious=draw(st.booleans()),
                related=draw(st.sampled_from([None, "yes", "no", "unknown"])),
            )
            made.append(case(code, told))
    return made


_QUICKLY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_QUICKLY
@given(cuts(), st.randoms(use_true_random=False))
def test_the_order_of_documents_means_nothing_and_the_bytes_repeat(
    documents: list[Document], chance: random.Random
) -> None:
    shuffled = chance.sample(documents, len(documents))
    assert [body(documents, kind) for kind in ("closed", "open")] == [
        body(shuffled, kind) for kind in ("closed", "open")
    ]


def body(documents: list[Document], kind: str) -> bytes:
    return build.reports(documents).body(kind)


@_QUICKLY
@given(cuts())
def test_rows_and_columns_add_up(documents: list[Document]) -> None:
    tables = closed(documents)
    for table in tables:
        if not table["id"].startswith("events/"):
            continue
        rows = build.table(tables, table["id"])
        for cells in rows.values():
            for what in ("n", "events", "of"):
                assert cells["all"][what] == sum(cells[one][what] for one in table["columns"] if one != "all")
        for column in table["columns"]:
            grades = [cells[column] for name, cells in rows.items() if name[6:] in {"1", "2", "3", "4", "5", "missing"}]
            assert sum(one["n"] for one in grades) == rows["any"][column]["n"], "each child stands at one worst grade"
            assert sum(one["events"] for one in grades) == rows["any"][column]["events"]
            assert rows["any"][column]["n"] <= rows["any"][column]["of"]
            said = [rows[f"sponsor_{one}"][column]["events"] for one in ("yes", "no", "unknown")]
            assert sum(said) == rows["any"][column]["events"]


@_QUICKLY
@given(cuts())
def test_no_time_at_risk_is_below_the_number_of_first_events_nor_above_the_time_under_observation(
    documents: list[Document],
) -> None:
    tables = closed(documents)
    time = build.table(tables, "person_time")
    for table in tables:
        if table["id"].startswith("rates/"):
            span = table["id"].removeprefix("rates/")
            for cells in build.table(tables, table["id"]).values():
                for column, cell in cells.items():
                    assert cell["n"] <= cell["days"] <= time[span][column]["days"]


@_QUICKLY
@given(cuts())
def test_the_periods_of_a_child_are_its_whole_time(documents: list[Document]) -> None:
    """Before the first infusion and after it, every day once; after it, first and second, nine months and later, the same."""
    times = build.cut(documents).times.values
    found: dict[Any, int] = {}
    for code, span, first, last in zip(times["subject"], times["span"], times["first"], times["last"], strict=True):
        assert last >= first  # type: ignore[operator]
        found[code, span] = last - first + 1  # type: ignore[operator]
    for code in {code for code, _ in found}:
        days = {span: count for (one, span), count in found.items() if one == code}
        exposed = days.get("exposed", 0)
        if "whole" in days and ("control" in days or "before_first" in days):
            assert days["whole"] == days.get("control", 0) + days.get("before_first", 0) + exposed
        assert exposed == days.get("first_9_months", 0) + days.get("follow_up", 0)
        assert exposed == days.get("after_first", 0) + days.get("after_second", 0)


def test_the_example_of_the_waiting_list_by_its_own_bytes() -> None:
    """A change of any cell of this report is a change of the program: give it another name then."""
    plan = build.plan()
    assert PROGRAM == "tables-1"
    tables = closed_tables(build.cut(waitlist.documents(), plan), plan, [])
    assert sha256(canonical(tables)) == "db481c4e4b54adcce9b602f1af00d34a6b32de6ae1c5499e3938bb7af0e7ada1"
