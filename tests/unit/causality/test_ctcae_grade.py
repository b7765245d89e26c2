"""The grade from numbers: a floor, exact, refused with a reason, never converted, both versions apart."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.causality.ctcae import TESTS, Baseline, Reading, check, grade, terms_of
from services.causality.ctcae.check import baseline_of
from services.causality.ctcae.criteria import criteria, units
from shared.case import Answer, Measurement, Moment
from shared.errors import Refused
from shared.terms import VERSIONS, CtcaeVersion, available_grades, get


def _reading(test: str, value: str, unit: str | None, **more: str | None) -> Reading:
    numbers = {k: Decimal(v) for k, v in more.items() if k != "body_site" and v is not None}
    return Reading(test, Decimal(value), unit, body_site=more.get("body_site"), **numbers)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("test", TESTS)
def test_criteria_only_give_grades_that_exist_for_the_term(test: str, version: CtcaeVersion) -> None:
    rows = criteria(version, test)
    assert rows
    for row in rows:
        assert row.grade in available_grades(row.code, version)
        assert row.unit in {unit.criterion_unit for unit in units(test).values()}


def test_the_terms_are_the_right_ones() -> None:
    names = {(v, test): get(criteria(v, test)[0].code, v).name for v in VERSIONS for test in TESTS}
    assert names[("5.0", "platelets")] == "Platelet count decreased"
    assert names[("6.0", "platelets")] == "Thrombocytopenia"
    assert names[("5.0", "neutrophils")] == names[("6.0", "neutrophils")] == "Neutrophil count decreased"
    assert names[("6.0", "haemoglobin")] == "Anemia"
    assert names[("5.0", "body_temperature")] == "Fever"
    assert names[("5.0", "alt")].startswith("Alanine")
    assert names[("6.0", "ast")].startswith("Aspartate")
    assert terms_of("platelets") == {"10035528", "10043554"}


@pytest.mark.parametrize(
    ("test", "value", "unit", "v5", "v6"),
    [("neutrophils", "0.7", "10*9/L", 3, 2), ("platelets", "20", "10*9/L", 4, 3), ("platelets", "10", "10*9/L", 4, 3)],
)
def test_the_versions_do_not_grade_alike(test: str, value: str, unit: str, v5: int, v6: int) -> None:
    assert (grade(_reading(test, value, unit), "5.0").grade, grade(_reading(test, value, unit), "6.0").grade) == (
        v5,
        v6,
    )


ABSOLUTE = tuple(test for test in TESTS if test not in ("alt", "ast"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("test", ABSOLUTE)
@pytest.mark.parametrize("unit", [None, "", "mg/dL", "u/l", "G/L", "celsius"])
def test_a_missing_or_other_unit_is_refused_with_the_units_that_are_read(
    test: str, version: str, unit: str | None
) -> None:
    result = grade(_reading(test, "50", unit, lower_limit="40", upper_limit="60"), version)
    assert result.grade is None
    assert result.missing == ("unit",)
    assert next(iter(units(test))) in result.why.en
    assert result.why.vi


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("unit", [None, "", "UI/L", "u/l"])
def test_multiples_of_the_laboratory_s_own_limit_need_no_unit_and_say_so(version: str, unit: str | None) -> None:
    result = grade(_reading("alt", "201", unit, upper_limit="40"), version)
    assert (result.grade, result.missing) == (3, ())
    assert "own limit" in result.why.en
    assert "phòng xét nghiệm" in result.why.vi
    assert "None" not in result.why.en
    assert "own limit" not in grade(_reading("alt", "201", "U/L", upper_limit="40"), version).why.en


def test_a_limit_of_nothing_is_no_limit() -> None:
    for limits in ({"upper_limit": "0"}, {"upper_limit": "-40"}):
        refused = grade(_reading("alt", "30", "U/L", **limits), "5.0")
        assert (refused.grade, refused.missing) == (None, ("upper_limit",))
    refused = grade(_reading("haemoglobin", "120", "g/L", lower_limit="0"), "5.0")
    assert (refused.grade, refused.missing) == (None, ("lower_limit",))


def test_a_missing_limit_refuses_only_the_grades_that_need_it() -> None:
    assert grade(_reading("haemoglobin", "79", "g/L"), "5.0").grade == 3
    refused = grade(_reading("haemoglobin", "105", "g/L"), "5.0")
    assert (refused.grade, refused.missing) == (None, ("lower_limit",))
    assert "lower limit" in refused.why.en
    assert "giới hạn dưới" in refused.why.vi
    assert grade(_reading("haemoglobin", "105", "g/L", lower_limit="105"), "5.0").grade == 0
    assert grade(_reading("neutrophils", "1.5", "10*9/L"), "6.0").grade == 0


def test_decimals_are_exact_at_the_limit() -> None:
    assert grade(_reading("alt", "0.9", "ukat/L", upper_limit="0.3"), "5.0").grade == 1
    assert grade(_reading("alt", "0.9000000000000000000000000000000001", "ukat/L", upper_limit="0.3"), "5.0").grade == 2
    assert grade(_reading("haemoglobin", "7.9999999999999999999999", "g/dL"), "5.0").grade == 3
    assert grade(_reading("haemoglobin", "8", "g/dL"), "5.0").grade == 2


def test_haemoglobin_in_mmol_has_limits_of_its_own() -> None:
    assert grade(_reading("haemoglobin", "4.89", "mmol/L"), "5.0").grade == 3
    assert grade(_reading("haemoglobin", "4.9", "mmol/L"), "5.0").grade == 2


def test_fever_over_40_without_its_duration_is_grade_3_and_asks() -> None:
    result = grade(_reading("body_temperature", "40.5", "Cel", body_site="rectal"), "5.0")
    assert (result.grade, result.missing) == (3, ("lasted_hours",))
    assert "hours" in result.why.en
    assert "giờ" in result.why.vi
    assert grade(_reading("body_temperature", "40.5", "Cel", lasted_hours="24.1"), "5.0").grade == 4


def test_an_axillary_temperature_is_graded_as_read() -> None:
    axillary = grade(_reading("body_temperature", "37.9", "Cel", body_site="axillary"), "6.0")
    assert axillary.grade == 0
    assert "never converted" in axillary.why.en
    assert "không quy đổi" in axillary.why.vi


@pytest.mark.parametrize(
    ("test", "value", "unit"),
    [
        ("body_temperature", "385", "Cel"),
        ("body_temperature", "101", "Cel"),
        ("platelets", "75000", "10*9/L"),
        ("haemoglobin", "7.9", "g/L"),
        ("neutrophils", "-1", "10*9/L"),
    ],
)
def test_a_slip_of_unit_or_comma_is_refused(test: str, value: str, unit: str) -> None:
    result = grade(_reading(test, value, unit, lower_limit="1"), "5.0")
    assert (result.grade, result.missing) == (None, ("value",))


@pytest.mark.parametrize(
    ("version", "value", "expected"),
    [
        ("5.0", "74", 0),
        ("5.0", "75", 1),
        ("5.0", "151", 2),
        ("6.0", "49", 0),
        ("6.0", "50", 1),
        ("6.0", "76", 2),
        ("6.0", "101", 3),
        ("6.0", "201", 4),
    ],
)
def test_a_high_baseline_changes_the_measure(version: str, value: str, expected: int) -> None:
    high = Baseline(Decimal(50), "U/L", "yes")
    assert grade(_reading("alt", value, "U/L", upper_limit="40"), version, high).grade == expected


def test_a_baseline_whose_class_is_unknown_refuses_only_when_it_decides() -> None:
    unclear = Baseline(Decimal(50), "U/L", "unknown")
    decided = grade(_reading("alt", "60", "U/L", upper_limit="40"), "6.0", unclear)
    assert decided.grade == 1
    open_question = grade(_reading("alt", "201", "U/L", upper_limit="40"), "6.0", unclear)
    assert open_question.grade is None
    assert "grade 3" in open_question.why.en
    assert "grade 4" in open_question.why.en


def test_a_high_baseline_in_another_unit_is_not_used() -> None:
    result = grade(_reading("alt", "100", "U/L", upper_limit="40"), "5.0", Baseline(Decimal(1), "ukat/L", "yes"))
    assert (result.grade, result.missing) == (None, ("baseline",))


def test_without_any_baseline_it_says_what_it_assumed() -> None:
    result = grade(_reading("ast", "121", "U/L", upper_limit="40"), "6.0")
    assert result.grade == 2
    assert "normal baseline" in result.why.en


def test_a_value_inside_the_laboratory_range_is_marked_for_the_monitor() -> None:
    result = grade(_reading("neutrophils", "1.2", "10*9/L", lower_limit="1.0"), "5.0")
    assert result.grade == 2
    assert "medical monitor" in result.why.en


def test_an_unknown_test_or_version_is_refused() -> None:
    assert grade(_reading("gmfm88", "50", "%"), "5.0").grade is None
    with pytest.raises(Refused):
        grade(_reading("alt", "50", "U/L"), "4.03")


NUMBERS = st.decimals(min_value=Decimal("0"), max_value=Decimal("1000"), places=2)


@given(low=NUMBERS, high=NUMBERS, limit=NUMBERS, version=st.sampled_from(VERSIONS))
def test_a_worse_value_never_has_a_lower_grade(low: Decimal, high: Decimal, limit: Decimal, version: str) -> None:
    low, high = sorted((low, high))
    ladder = [("platelets", "10*9/L", False), ("alt", "U/L", True), ("haemoglobin", "g/L", False)]
    for test, unit, up in ladder:
        milder, worse = (low, high) if up else (high, low)
        grades = [grade(Reading(test, v, unit, limit, limit), version).grade for v in (milder, worse)]
        if None not in grades:
            assert grades[0] <= grades[1]  # type: ignore[operator]


@given(value=NUMBERS, version=st.sampled_from(VERSIONS), test=st.sampled_from(TESTS))
def test_knowing_more_never_contradicts_what_was_given_without_it(value: Decimal, version: str, test: str) -> None:
    unit = next(iter(units(test)))
    bare = grade(Reading(test, value, unit), version).grade
    full = grade(Reading(test, value, unit, Decimal(100), Decimal(100), None, Decimal(30)), version).grade
    if bare is not None and full is not None:
        assert full >= bare


def _measurement(**changes: object) -> Measurement:
    fields: dict[str, object] = {
        "measurement_id": "M1",
        "version": 1,
        "trial_id": "T",
        "subject_id": "S",
        "test": "body_temperature",
        "value": "39.2",
        "unit": "Cel",
        "taken": Moment(value="2026-03-09T23:00", zone="Asia/Ho_Chi_Minh"),
        "recorded_at": datetime(2026, 3, 9, 17, tzinfo=UTC),
    }
    return Measurement.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("reported", "words"), [(1, "please review"), (2, "Agrees"), (4, "stands"), (None, "No grade was reported")]
)
def test_the_computed_grade_is_shown_beside_the_reported_one_and_never_replaces_it(
    reported: int | None, words: str
) -> None:
    shown = check(_measurement(), "5.0", event_id="E1", reported_grade=reported)
    assert (shown.computed_grade, shown.reported_grade, shown.term) == (2, reported, "Fever")
    assert words in shown.why_en
    assert "39.2 Cel" in shown.why_en
    assert "39.2 Cel" in shown.why_vi


@pytest.mark.parametrize(("limit", "above"), [("40", "yes"), ("50", "no"), (None, "unknown")])
def test_the_baseline_is_classed_by_its_own_laboratory(limit: str | None, above: Answer) -> None:
    now = _measurement(test="alt", unit="U/L", value="100", upper_limit="60")
    before = _measurement(measurement_id="M0", test="alt", unit="U/L", value="50", upper_limit=limit, baseline=True)
    found = baseline_of(now, [now, before, _measurement(measurement_id="M2", test="alt", voided=True, baseline=True)])
    assert found == Baseline(Decimal(50), "U/L", above)
    assert baseline_of(before, [now, before]) is None
