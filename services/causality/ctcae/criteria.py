"""The numeric part of CTCAE as a table: `criteria.csv` (limits) and `units.csv` (the only units that are read).

Own encoding of NCI CTCAE v5.0 and v6.0 (errata of 2026-01-20). Columns of `criteria.csv`: `reference` says what the limit
multiplies (`value` is an absolute limit in the criterion's unit), `baseline` for which baseline the row holds, `needs` what else
must be known. `ratio` rows compare with the laboratory's own limit, so any one unit will do; one that is not in `units.csv`, or
not stated, is said beside the grade.
`units.csv`: a reading times `factor` (exact, a power of ten) is in the criterion's unit; outside `lowest`..`highest` it is taken
for a slip of unit or of the comma. Haemoglobin in mmol/L and temperature in degF have rows of their own: NCI rounds them apart.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast

from shared.terms import VERSIONS, CtcaeVersion

Operator = Literal["<", ">", ">="]
Reference = Literal["value", "lower_limit", "upper_limit", "baseline"]
BaselineClass = Literal["normal", "high"]
RATIO = "ratio"


@dataclass(frozen=True)
class Criterion:
    """One row: this grade holds when `value operator limit × reference`."""

    version: CtcaeVersion
    code: str
    test: str
    unit: str
    grade: int
    operator: Operator
    limit: Decimal
    reference: Reference
    baseline: BaselineClass | None
    lasted_over_hours: Decimal | None


@dataclass(frozen=True)
class Unit:
    """An accepted UCUM unit of one test, with its exact way to the criterion's unit."""

    unit: str
    criterion_unit: str
    factor: Decimal
    lowest: Decimal
    highest: Decimal


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("services.causality.ctcae") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _criterion(row: dict[str, str]) -> Criterion:
    lasted = row["needs"].removeprefix("lasted>").removesuffix("h")
    return Criterion(
        version=cast(CtcaeVersion, row["version"]),
        code=row["code"],
        test=row["test"],
        unit=row["unit"],
        grade=int(row["grade"]),
        operator=cast(Operator, row["operator"]),
        limit=Decimal(row["limit"]),
        reference=cast(Reference, row["reference"]),
        baseline=cast("BaselineClass | None", row["baseline"] or None),
        lasted_over_hours=Decimal(lasted) if lasted else None,
    )


@cache
def criteria(version: CtcaeVersion, test: str) -> tuple[Criterion, ...]:
    """The rows of one test, from grade 4 down; empty when the test is not graded by numbers here."""
    rows = [_criterion(row) for row in _rows("criteria.csv") if (row["version"], row["test"]) == (version, test)]
    return tuple(sorted(rows, key=lambda row: -row.grade))


@cache
def units(test: str) -> Mapping[str, Unit]:
    """The units in which this test is read."""
    return MappingProxyType(
        {
            row["unit"]: Unit(
                row["unit"],
                row["criterion_unit"],
                Decimal(row["factor"]),
                Decimal(row["lowest"]),
                Decimal(row["highest"]),
            )
            for row in _rows("units.csv")
            if row["test"] == test
        }
    )


TESTS: tuple[str, ...] = ("body_temperature", "haemoglobin", "platelets", "neutrophils", "alt", "ast")


def terms_of(test: str) -> frozenset[str]:
    """The codes under which the events of this test are reported, in either version (platelets changed code)."""
    return frozenset(row.code for version in VERSIONS for row in criteria(version, test))
