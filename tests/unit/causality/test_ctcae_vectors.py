"""Published and own grading vectors of the six graded tests, both CTCAE versions; codes and numbers only.

The transaminase vectors carry no unit, because their criteria are multiples of the laboratory's own limit and hold in any one
unit; they are run as they are. No vector was found wrong. Additional vectors are read from TOCSIN_REFERENCE when that is set.
"""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest

from services.causality.ctcae import Baseline, Reading, grade
from shared.case import Answer

DATA = Path(__file__).parents[2] / "data" / "causality"
REFUSED = "NA"
BASELINE: dict[str, Answer] = {"yes": "yes", "no": "no"}


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _expected(text: str) -> int | None:
    return None if text == REFUSED else int(text)


LAB = _rows("grade_lab.csv")
FEVER = _rows("grade_fever.csv")


def test_every_test_has_vectors_in_both_versions() -> None:
    covered = {(row["test"], row["version"]) for row in LAB} | {("body_temperature", row["version"]) for row in FEVER}
    assert covered == {
        (test, version)
        for test in ("body_temperature", "haemoglobin", "platelets", "neutrophils", "alt", "ast")
        for version in ("5.0", "6.0")
    }


@pytest.mark.parametrize("row", LAB, ids=lambda row: row["id"])
def test_laboratory_vector(row: dict[str, str]) -> None:
    unit = row["unit"] or None
    reading = Reading(
        test=row["test"],
        value=_decimal(row["value"]),
        unit=unit,
        lower_limit=_decimal(row["lower_limit"]),
        upper_limit=_decimal(row["upper_limit"]),
    )
    baseline = None
    if row["baseline_high"]:
        baseline = Baseline(_decimal(row["baseline"]), unit, BASELINE[row["baseline_high"]])
    result = grade(reading, row["version"], baseline)
    assert result.grade == _expected(row["expected"]), result.why.en
    assert result.why.en
    assert result.why.vi


@pytest.mark.parametrize("row", FEVER, ids=lambda row: row["id"])
def test_fever_vector(row: dict[str, str]) -> None:
    reading = Reading(
        "body_temperature", Decimal(row["value"]), row["unit"], lasted_hours=_decimal(row["lasted_hours"])
    )
    assert grade(reading, row["version"]).grade == int(row["expected"])


def test_the_full_reference_set_when_it_is_at_hand() -> None:
    reference = os.environ.get("TOCSIN_REFERENCE")
    known = {row["id"]: row["expected"] for row in LAB + FEVER}
    seen = 0
    for name in ("grade_lab.csv", "grade_vital.csv") if reference else ():
        with (Path(str(reference)) / "vectors" / name).open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["id"] in known:
                    seen += 1
                    assert row["expected_grade"] == known[row["id"]]
    assert seen in (0, len(known))
