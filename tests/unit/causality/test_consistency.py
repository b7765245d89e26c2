"""Seriousness, grade, outcome and dates held against each other."""

from __future__ import annotations

import pytest

from services.causality.domain.consistency import findings
from tests.unit.causality.build import FEVER, HEADACHE, NOW, at, event

NO = dict.fromkeys(
    ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important"), "no"
)
CLEAN: dict[str, object] = {
    "grades": ({"grade": 2},),
    "seriousness": NO,
    "outcome": "recovered",
    "end": at("2026-03-11T05:00"),
    "ongoing": False,
    "admission": "none",
    "admission_prolonged": "no",
}
FATAL = {"outcome": "fatal", "grades": ({"grade": 5},), "seriousness": NO | {"death": "yes"}}


def _found(code: str = FEVER, **more: object) -> dict[str, str]:
    result = findings(event(code, **(CLEAN | more)), "5.0", NOW)  # type: ignore[arg-type]
    assert all(one.why_en and one.why_vi for one in result)
    return {one.code: one.answer for one in result}


def test_a_consistent_event_has_no_findings() -> None:
    assert _found() == {}
    assert _found(**FATAL) == {}
    stay = {"admission": "unplanned", "seriousness": NO | {"hospitalisation": "yes"}}
    assert _found(**stay) == {}


@pytest.mark.parametrize(
    ("changes", "finding", "answer"),
    [
        (FATAL | {"grades": ({"grade": 4},)}, "death_disagrees", "no"),
        (FATAL | {"outcome": "unknown"}, "death_disagrees", "no"),
        (FATAL | {"seriousness": NO}, "death_disagrees", "no"),
        (FATAL | {"end": None}, "end_missing", "unknown"),
        (FATAL | {"ongoing": True, "end": None}, "outcome_ongoing", "no"),
        ({"grades": ({"grade": 4},)}, "grade_4_life_threatening", "unknown"),
        ({"seriousness": NO | {"life_threatening": "yes"}}, "life_threatening_low_grade", "unknown"),
        ({"admission": "unplanned"}, "admission_hospitalisation", "no"),
        ({"admission_prolonged": "yes"}, "prolonged_hospitalisation", "no"),
        ({"seriousness": NO | {"hospitalisation": "yes"}}, "hospitalisation_without_admission", "no"),
        (
            {"seriousness": NO | {"hospitalisation": "yes"}, "admission": "planned"},
            "hospitalisation_planned",
            "unknown",
        ),
        ({"ongoing": True, "end": None}, "outcome_ongoing", "no"),
        ({"ongoing": True}, "ongoing_with_end", "no"),
        ({"outcome": "not_recovered"}, "outcome_ended", "no"),
        ({"outcome": "recovering"}, "outcome_ended", "unknown"),
        ({"end": None}, "end_missing", "unknown"),
        ({"end": at("2026-03-09")}, "end_before_onset", "no"),
        ({"outcome": "recovered_with_sequelae"}, "sequelae_disability", "unknown"),
        ({"onset": at("2062-03-10")}, "onset_in_future", "no"),
        ({"seriousness": NO | {"death": "unknown"}}, "seriousness_unanswered", "unknown"),
    ],
)
def test_each_finding(changes: dict[str, object], finding: str, answer: str) -> None:
    changed = dict(changes)
    found = findings(
        event(FEVER, **(CLEAN | changed))
        if "onset" not in changed
        else event(FEVER, "2026-03-10").model_copy(update=changed),  # type: ignore[arg-type]
        "5.0",
        NOW,
    )
    assert {one.code: one.answer for one in found}.get(finding) == answer


def test_a_grade_that_does_not_exist_is_found() -> None:
    assert _found(HEADACHE, grades=({"grade": 4},), seriousness=NO | {"life_threatening": "yes"}) == {
        "grade_not_available": "no"
    }


def test_a_term_of_the_other_version_is_found() -> None:
    assert _found("10043554") == {"term_not_in_version": "no"}


def test_a_death_term_without_death_is_found() -> None:
    assert _found("10011914", grades=())["death_disagrees"] == "no"
