"""The open report: nothing by arm, nothing small, nothing that a sum or a difference gives back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.dsmb.domain import Document
from services.dsmb.tables import open_tables, withheld_because
from services.dsmb.tables.small import withhold
from tests.unit.dsmb import build
from tests.unit.dsmb.build import allocation, case, event, infusion, subject

BELOW = 5
PARTS = ("none", "not_serious", "serious")
GRADES = tuple(f"g{one}" for one in range(6))


def people(arms: str) -> list[Document]:
    """One child per letter; every second one has an event after an infusion, every fourth a serious one."""
    made: list[Document] = []
    for number, arm in enumerate(arms):
        code = f"VN01-{number:03d}"
        made += [subject(code, "2026-01-01"), infusion(code, f"2026-0{1 + number % 3}-02T09:00")]
        made += [allocation(code, arm)] if arm != "-" else []
        if number % 2:
            made.append(
                case(code, event("e", "FEVER", "2026-05-01", [(1 + number % 3, None)], serious=number % 4 == 1))
            )
    return made


def test_whatever_the_arms_are_the_open_tables_are_the_same() -> None:
    plan = build.plan()
    first = open_tables(build.cut(people("AB" * 12), plan), plan)
    for arms in ("A" * 12 + "B" * 12, "BA" * 12, "A" * 5 + "B" * 19, "-" * 24):
        assert open_tables(build.cut(people(arms), plan), plan) == first
    assert "serious" in json.dumps(first)


def test_nothing_in_it_is_by_arm_period_infusion_or_term() -> None:
    plan = build.plan()
    text = json.dumps(open_tables(build.cut(people("AB" * 12), plan), plan))
    for word in ('"X"', '"Y"', "control", "exposed", "randomised", "infus", "related", "FEVER", "Fever"):
        assert word not in text


def test_it_is_withheld_while_one_arm_has_hardly_anybody_and_does_not_say_that_it_is_an_arm() -> None:
    plan = build.plan()
    for arms, why in (
        ("A" * 20, "few_children"),
        ("A" * 20 + "B" * 4, "few_children"),
        ("A" * 20 + "B" * 5, ""),
        ("-" * 20, ""),
        ("-" * 4, "few_children"),
    ):
        assert withheld_because(build.cut(people(arms), plan), plan) == why, arms


def test_small_numbers_are_withheld_in_the_tables() -> None:
    plan = build.plan()
    documents = people("AB" * 12)
    documents += [subject("VN01-900", "2026-01-01"), case("VN01-900", event("f", "", "2026-05-01", [(5, None)]))]
    tables = open_tables(build.cut(documents, plan), plan)
    grades = build.table(tables, "open_grades")
    assert grades["grade_5"]["all"] == {"withheld": "yes"}
    assert sum("withheld" in cells["all"] for cells in grades.values()) >= 2, "one alone is what is missing of the sum"


def test_a_rate_does_not_tell_of_the_one_child_whose_event_came_after_its_time() -> None:
    plan = build.plan()
    before = build.table(open_tables(build.cut(people("AB" * 12), plan), plan), "open_rates")
    assert "rate" in before["any"]["all"]
    left = [one for one in people("AB" * 12) if one.aggregate != "subject/VN01-001"]
    left.append(subject("VN01-001", "2026-01-01", "2026-04-01"))
    after = build.table(open_tables(build.cut(left, plan), plan), "open_rates")
    assert after["any"]["all"] == {"withheld": "yes"}


# What somebody who can add finds out ------------------------------------------------------------------------------------


def possible(shown: Mapping[str, int], names: tuple[str, ...], total: int, most: int) -> list[dict[str, int]]:
    """Every way to fill the withheld rows so that the group adds up to `total`."""
    open_rows = [name for name in names if name not in shown]
    rest = total - sum(shown.values())
    if not open_rows:
        return [dict(shown)] if rest == 0 else []
    found = []
    for values in itertools.product(range(most + 1), repeat=len(open_rows) - 1):
        last = rest - sum(values)
        if 0 <= last <= most:
            found.append({**shown, **dict(zip(open_rows, (*values, last), strict=True))})
    return found


@settings(max_examples=120, deadline=None)
@given(
    st.tuples(*[st.integers(0, 9)] * 3),
    st.lists(st.integers(0, 9), min_size=6, max_size=6),
)
@example((2, 10, 10), [1, 0, 0, 0, 0, 0])  # grades that are all large add up to everybody but the two without an event
def test_no_small_number_can_be_worked_out(parts: tuple[int, int, int], weights: list[int]) -> None:
    """Knowing all children and every rule of withholding but not the numbers: each small one still has other values."""
    first = dict(zip(PARTS, parts, strict=True))
    second = shared_out(first["not_serious"] + first["serious"], weights)
    children = sum(parts)
    if children < BELOW:
        return  # then there is no open report
    hidden = withhold(first, second, BELOW)
    seen_first = {name: n for name, n in first.items() if name not in hidden}
    seen_second = {name: n for name, n in second.items() if name not in hidden}
    assert not [n for n in (*seen_first.values(), *seen_second.values()) if 0 < n < BELOW]
    worlds_first = possible(seen_first, PARTS, children, children)
    for name in PARTS:
        if name in hidden and 0 < first[name] < BELOW:
            assert len({one[name] for one in worlds_first}) > 1, (first, hidden)
    totals = {children - one["none"] for one in worlds_first}
    worlds_second = [one for total in totals for one in possible(seen_second, GRADES, total, total)]
    for name in GRADES:
        if name in hidden and 0 < second[name] < BELOW:
            assert len({one[name] for one in worlds_second}) > 1, (second, hidden)
    consistent = {sum(one.values()) for one in worlds_second}
    if 0 < first["none"] < BELOW:
        assert len(consistent & totals) > 1, "the grades must not add up to those without an event either"


def shared_out(total: int, weights: list[int]) -> dict[str, int]:
    """`total` children over six grades, by the weights."""
    whole = sum(weights) or 1
    found = [total * one // whole for one in weights]
    found[0] += total - sum(found)
    return dict(zip(GRADES, found, strict=True))
