"""One reading against the criteria of one version: 0-4, or refused with what is missing.

Exact decimal arithmetic; compared in the unit reported, scaled by powers of ten only. The first true row from grade 4 down wins;
a row that cannot be answered refuses only the grades that hang on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Context, Decimal, localcontext

from services.causality.ctcae import explain
from services.causality.ctcae.criteria import RATIO, BaselineClass, Criterion, Unit, criteria, units
from services.causality.words import NOTHING, Words
from shared.case import Answer
from shared.terms import CtcaeVersion, as_version

_EXACT = Context(prec=100)


@dataclass(frozen=True)
class Reading:
    """What was measured; limits are the laboratory's own, in the same unit as the value."""

    test: str
    value: Decimal | None
    unit: str | None
    lower_limit: Decimal | None = None
    upper_limit: Decimal | None = None
    body_site: str | None = None
    lasted_hours: Decimal | None = None


@dataclass(frozen=True)
class Baseline:
    """The child's value before treatment, and whether it lay above the upper limit of its own laboratory."""

    value: Decimal | None
    unit: str | None
    above_upper_limit: Answer


@dataclass(frozen=True)
class Grading:
    """`grade` 0 is below grade 1; None is refused. `missing` names what would decide, as fields of the measurement."""

    version: CtcaeVersion
    code: str | None
    grade: int | None
    why: Words
    missing: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Verdict:
    grade: int | None
    row: Criterion | None
    missing: tuple[str, ...]


def grade(reading: Reading, version: str, baseline: Baseline | None = None) -> Grading:
    """The grade that the numbers alone give: a floor, because transfusion, symptoms or intervention can only raise it."""
    known, reading = as_version(version), _with_usable_limits(reading)
    rows = criteria(known, reading.test)
    if not rows:
        return Grading(known, None, None, explain.no_criterion(reading.test, known), ("test",))
    code, accepted = rows[0].code, units(reading.test)
    if reading.value is None:
        return Grading(known, code, None, explain.no_value(reading.test), ("value",))
    unit = accepted.get(reading.unit or "") or _any_unit(rows, reading.unit)
    if unit is None:
        return Grading(known, code, None, explain.bad_unit(reading.test, reading.unit, tuple(accepted)), ("unit",))
    with localcontext(_EXACT):
        if not unit.lowest <= reading.value * unit.factor <= unit.highest:
            return Grading(known, code, None, explain.implausible(reading.test, reading.value, unit.unit), ("value",))
        return _graded(reading, known, unit, [r for r in rows if r.unit == unit.criterion_unit], baseline)


def _with_usable_limits(reading: Reading) -> Reading:
    """A limit of nothing is a slip or a filler: it counts as missing."""
    lower, upper = (
        None if limit is None or limit <= 0 else limit for limit in (reading.lower_limit, reading.upper_limit)
    )
    return replace(reading, lower_limit=lower, upper_limit=upper)


def _any_unit(rows: tuple[Criterion, ...], unit: str | None) -> Unit | None:
    """Multiples of the laboratory's own limit, or of the baseline, hold in whatever unit both were given in."""
    if any(row.unit != RATIO for row in rows):
        return None
    return Unit(unit or "", RATIO, Decimal(1), Decimal(0), Decimal(1_000_000))


def _graded(
    reading: Reading, version: CtcaeVersion, unit: Unit, rows: list[Criterion], baseline: Baseline | None
) -> Grading:
    code, notes = rows[0].code, NOTHING
    usable = baseline if baseline is not None and (baseline.unit or None) in (reading.unit or None, None) else None
    if not any(row.baseline for row in rows):
        verdicts = {None: _verdict(rows, reading, unit, None)}
    else:
        if baseline is None:
            notes = explain.baseline_assumed_normal()
        verdicts = {
            wanted: _verdict([r for r in rows if r.baseline == wanted], reading, unit, usable)
            for wanted in _classes(baseline)
        }
    grades = {verdict.grade for verdict in verdicts.values()}
    if len(grades) > 1:
        why = explain.baseline_decides({name: verdict.grade for name, verdict in verdicts.items() if name})
        return Grading(version, code, None, why, ("baseline",))
    verdict = next(iter(verdicts.values()))
    missing = tuple(dict.fromkeys(verdict.missing))
    if verdict.grade is None:
        return Grading(version, code, None, explain.refused(reading, missing, version), missing)
    why = explain.verdict(reading, verdict.grade, verdict.row, usable, version)
    if verdict.grade and missing:
        why += explain.higher_needs(missing)
    if unit.criterion_unit == RATIO and reading.unit not in units(reading.test):
        notes += explain.unit_taken_as_the_limits(reading.unit)
    why += notes + explain.cautions(reading, verdict.grade, verdict.row, usable)
    return Grading(version, code, verdict.grade, why, missing)


def _classes(baseline: Baseline | None) -> tuple[BaselineClass, ...]:
    if baseline is None or baseline.above_upper_limit == "no":
        return ("normal",)
    return ("high",) if baseline.above_upper_limit == "yes" else ("normal", "high")


def _verdict(rows: list[Criterion], reading: Reading, unit: Unit, baseline: Baseline | None) -> _Verdict:
    missing: list[str] = []
    for row in rows:
        holds = _holds(row, reading, unit, baseline)
        if holds is True:
            return _Verdict(row.grade, row, tuple(missing))
        if isinstance(holds, str):
            missing.append(holds)
    return _Verdict(None if missing else 0, None, tuple(missing))


def _holds(row: Criterion, reading: Reading, unit: Unit, baseline: Baseline | None) -> bool | str:
    """True, false, or the name of what is missing to tell."""
    assert reading.value is not None
    limits: dict[str, Decimal | None] = {
        "value": Decimal(1) / unit.factor,
        "lower_limit": reading.lower_limit,
        "upper_limit": reading.upper_limit,
        "baseline": baseline.value if baseline is not None else None,
    }
    reference = limits[row.reference]
    if reference is None:
        return row.reference
    bound = row.limit * reference
    over = {"<": reading.value < bound, ">": reading.value > bound, ">=": reading.value >= bound}[row.operator]
    if not over or row.lasted_over_hours is None:
        return over
    return "lasted_hours" if reading.lasted_hours is None else reading.lasted_hours > row.lasted_over_hours
