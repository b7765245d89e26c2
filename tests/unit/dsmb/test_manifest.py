"""A cut's hash covers every document and choice, and cannot be guessed; arms keep their letters."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from services.dsmb.domain import Entry, Manifest, Plan, code_arms
from services.dsmb.domain.manifest import coding_sha256
from tests.unit.dsmb import build

MANIFEST = Manifest(
    cut_id="c",
    at=build.CUT,
    program="tables-1",
    salt="ab" * 16,
    coding_sha256=coding_sha256({"A": "X"}.items(), "ab" * 16),
    plan=build.plan(),
    entries=(Entry("case/1", 2, "0" * 64), Entry("allocation/VN01-001", 1, "1" * 64)),
)


def test_it_reads_back_what_it_wrote() -> None:
    again = Manifest.from_json(json.loads(MANIFEST.body()))
    assert again.sha256 == MANIFEST.sha256
    assert again.plan == MANIFEST.plan


def test_the_order_of_entries_is_not_part_of_it() -> None:
    assert replace(MANIFEST, entries=MANIFEST.entries[::-1]).sha256 == MANIFEST.sha256


@pytest.mark.parametrize(
    "changed",
    [
        {"entries": (Entry("case/1", 3, "0" * 64), MANIFEST.entries[1])},
        {"entries": (Entry("case/1", 2, "2" * 64), MANIFEST.entries[1])},
        {"entries": MANIFEST.entries[:1]},
        {"salt": "cd" * 16},
        {"coding_sha256": coding_sha256({"A": "Y"}.items(), "ab" * 16)},
        {"program": "tables-2"},
        {"plan": replace(MANIFEST.plan, days_per_year="365.24")},
    ],
)
def test_whatever_changes_changes_the_hash(changed: dict[str, object]) -> None:
    assert replace(MANIFEST, **changed).sha256 != MANIFEST.sha256  # type: ignore[arg-type]


def test_the_plan_is_taken_from_the_trial_file() -> None:
    plan = Plan.of(build.trial())
    assert plan.control_months == {"A": None, "B": 9}
    assert "bm_mnc_infusion" in plan.related_kinds and "lumbar_puncture" in plan.related_kinds
    assert plan.rules[0].boundary[0] == (2, 2)
    assert plan.illustrative


def test_letters_are_no_arms_stay_and_depend_on_the_key() -> None:
    arms = [f"arm-{number}" for number in range(6)]
    first = code_arms(arms, {}, b"k" * 32)
    assert sorted(first) == arms
    assert len(set(first.values())) == 6
    assert not set(first.values()) & {"A", "B", "C"}
    assert code_arms(arms, first, b"another") == first, "what an arm was called it is called for ever"
    assert code_arms(arms, {}, b"another key" * 3) != first
    more = code_arms([*arms, "new"], first, b"k" * 32)
    assert more.items() > first.items()
    with pytest.raises(ValueError, match="letters"):
        code_arms([str(number) for number in range(30)], {}, b"k")
