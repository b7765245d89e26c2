"""A whole case assessed: the same-day bundle, the second infusion, grades beside events, and what it all rests on."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.causality.domain import is_stale, propose, related
from services.causality.domain.reported import UNRECORDED
from shared.case import AdverseEvent, Assessment, Batch, CaseReport, Exposure, Measurement, PersonAnswer, Relatedness
from tests.unit.causality.build import (
    CSF_LEAK,
    FEVER,
    MENINGITIS,
    NOW,
    SEIZURE,
    answered,
    at,
    batch,
    bundle,
    case,
    event,
    exposure,
    measurement,
    subject,
)


def _assess(
    report: CaseReport,
    exposures: Sequence[Exposure] = (),
    measurements: Sequence[Measurement] = (),
    batches: Sequence[Batch] = (),
    prior: Sequence[CaseReport] = (),
    answers: Sequence[PersonAnswer] = (),
    version: str = "5.0",
) -> Assessment:
    proposal = propose(report, subject(), exposures, measurements, batches, prior, [], version, NOW, answers)
    return proposal.as_assessment(1, NOW)


def _pair(assessment: Assessment, exposure_id: str) -> Relatedness:
    return next(r for e in assessment.events for r in e.relatedness if r.exposure_id == exposure_id)


def _answers(one: Relatedness) -> dict[str, str]:
    return {c.code: c.answer for c in one.criteria}


def test_the_published_example_meningitis_14_h_after_an_infusion() -> None:
    assessed = _assess(case(event(MENINGITIS, "2026-03-09T23:12")), bundle())
    infusion, puncture = _pair(assessed, "INF"), _pair(assessed, "LP")
    assert (infusion.hours_min, infusion.hours_max, infusion.exposed) == ("14.0", "14.0", "yes")
    assert (puncture.hours_min, puncture.proposed) == ("14.2", "possible")
    assert infusion.proposed == "possible"
    assert infusion.reasonable_possibility == "yes"
    assert _answers(infusion)["other_exposure_explains"] == "yes"
    assert related(assessed.events[0].relatedness) == "yes"
    assert assessed.events[0].related == "unknown"


def test_every_question_is_answered_and_shown_in_both_languages() -> None:
    assessed = _assess(case(event(FEVER)), bundle())
    for one in assessed.events[0].relatedness:
        assert [c.code for c in one.criteria] == [
            "exposed_before_onset",
            "time_plausible",
            "other_exposure_explains",
            "disease_explains",
            "withdrawal_applicable",
            "withdrawal_improved",
            "rechallenge_recurred",
            "specific_phenomenon",
            "information_sufficient",
            "information_consistent",
        ]
        assert all(c.why_en and c.why_vi for c in one.criteria)
        assert _answers(one)["withdrawal_applicable"] == "no"


def test_one_morning_keeps_several_possible() -> None:
    assessed = _assess(case(event(FEVER)), bundle())
    assert {_pair(assessed, name).proposed for name in ("INF", "SED")} == {"possible"}


def test_the_second_infusion_is_a_natural_rechallenge() -> None:
    first = case(event(FEVER, "2026-03-10T05:00", end=at("2026-03-11T05:00")), case_id="C0")
    second = case(event(FEVER, "2026-09-10T05:00", event_id="E2", episode_id="P2"))
    given_ = [
        exposure("INF1", infusion_number=1),
        exposure("INF2", start="2026-09-09T09:00", end="2026-09-09T09:12", infusion_number=2),
    ]
    alone = _assess(second, given_)
    assert _answers(_pair(alone, "INF2"))["rechallenge_recurred"] == "unknown"
    together = _assess(second, given_, prior=[first])
    assert _answers(_pair(together, "INF2"))["rechallenge_recurred"] == "yes"
    assert _pair(together, "INF2").proposed == "probable"
    assert _pair(together, "INF1").proposed == "unlikely"
    backwards = _assess(first, given_, prior=[second])
    assert _answers(_pair(backwards, "INF1"))["rechallenge_recurred"] == "yes"


def test_the_same_morning_twice_stays_possible_for_all() -> None:
    first = case(event(FEVER, "2026-03-10T05:00", end=at("2026-03-11T05:00")), case_id="C0")
    second = case(event(FEVER, "2026-09-10T05:00", event_id="E2", episode_id="P2"))
    assessed = _assess(second, [*bundle(), *bundle("2026-09-09", "2")], prior=[first])
    assert _answers(_pair(assessed, "INF2"))["rechallenge_recurred"] == "yes"
    assert _pair(assessed, "INF2").proposed == "possible"


@pytest.mark.parametrize(
    "prior",
    [
        case(event(SEIZURE, "2026-03-10T05:00", end=at("2026-03-10T06:00")), case_id="C0"),
        case(event(FEVER, "2026-05-10T05:00", end=at("2026-05-11T05:00")), case_id="C0"),
        case(event(FEVER, "2026-03-10T05:00", ongoing=True), case_id="C0"),
        case(
            event(FEVER, "2026-03-10T05:00", end=at("2026-03-11T05:00")),
            case_id="C0",
            nullified={"reason": "duplicate"},
        ),
    ],
)
def test_what_is_no_rechallenge(prior: CaseReport) -> None:
    second = case(event(FEVER, "2026-09-10T05:00", event_id="E2", episode_id="P2"))
    given_ = [exposure("INF1"), exposure("INF2", start="2026-09-09T09:00", end="2026-09-09T09:12")]
    assert _answers(_pair(_assess(second, given_, prior=[prior]), "INF2"))["rechallenge_recurred"] == "unknown"


def test_two_rows_of_one_infusion_are_no_rechallenge() -> None:
    events = (
        event(FEVER, "2026-03-09T20:00", end=at("2026-03-09T20:20")),
        event(FEVER, event_id="E2", episode_id="P2"),
    )
    given_ = [exposure("INF"), exposure("AGAIN", start="2026-03-09T20:30", end="2026-03-09T20:31")]
    assessed = _assess(case(*events), given_)
    assert {_answers(r)["rechallenge_recurred"] for e in assessed.events for r in e.relatedness} == {"unknown"}


def test_a_person_may_answer_what_the_records_cannot() -> None:
    report = case(event(FEVER))
    told = answered(alternative_excluded="yes", specific_phenomenon="yes")
    one = _pair(_assess(report, bundle(), answers=told), "INF")
    assert one.proposed == "certain"
    assert "person" in next(c.why_en for c in one.criteria if c.code == "specific_phenomenon")


def test_a_positive_culture_of_the_batch_points_to_the_infusion() -> None:
    given_ = [exposure("INF", batch_id="B1")]
    report = case(event(MENINGITIS, "2026-03-09T23:12"))
    assert _pair(_assess(report, given_, batches=[batch()]), "INF").proposed == "possible"
    positive = _pair(_assess(report, given_, batches=[batch(sterility="positive", organism="S. aureus")]), "INF")
    assert positive.proposed == "probable"
    other = _assess(case(event("10010774", "2026-03-09T23:12")), given_, batches=[batch(sterility="positive")])
    assert _answers(_pair(other, "INF"))["specific_phenomenon"] == "unknown"


def test_a_term_that_names_the_procedure_is_specific_to_it() -> None:
    assessed = _assess(case(event(CSF_LEAK, "2026-03-09T12:00")), bundle())
    assert _pair(assessed, "LP").proposed == "probable"


@pytest.mark.parametrize(
    ("onset", "start", "proposed", "missing"),
    [
        (None, "2026-03-09T09:00", "conditional", "when the event began"),
        ("2026-03-10T05:00", None, "conditional", "when the exposure began"),
        ("2026-03-09", "2026-03-09T09:00", "conditional", "the hour of onset"),
        ("2026-03-08", "2026-03-09T09:00", "unlikely", None),
    ],
)
def test_missing_times(onset: str | None, start: str | None, proposed: str, missing: str | None) -> None:
    given_ = [exposure("INF", start=start, end=None)]
    one = _pair(_assess(case(event(FEVER, onset)), given_), "INF")
    assert one.proposed == proposed
    why = next(c for c in one.criteria if c.code == "information_sufficient")
    assert (missing in why.why_en) if missing else why.answer == "yes"
    lost = answered(information_obtainable="no")
    again = _pair(_assess(case(event(FEVER, onset)), given_, answers=lost), "INF")
    assert again.proposed == ("unassessable" if missing else "unlikely")


def test_a_coarse_time_is_asked_for_even_when_something_explains_it_better() -> None:
    told = answered(alternative_stronger="yes")
    one = _pair(_assess(case(event(FEVER, "2026-03-12")), [exposure("INF")], answers=told), "INF")
    assert (one.exposed, one.proposed) == ("yes", "conditional")


def test_voided_exposures_and_planned_stays_are_no_suspects_but_are_judged() -> None:
    given_ = [exposure("V", voided=True), exposure("STAY", "planned_stay")]
    assessed = _assess(case(event(FEVER)), given_)
    assert assessed.events[0].relatedness == ()
    assert {j.aggregate for j in assessed.judged} >= {"exposure/V", "exposure/STAY"}
    assert related(assessed.events[0].relatedness) == "unknown"


def test_what_was_reported_as_given_but_never_recorded_is_conditional() -> None:
    report = case(event(FEVER), given={"answer": "yes", "kinds": ("bm_mnc_infusion", "piracetam")})
    assessed = _assess(report, [exposure("PIR", "piracetam", end=None)])
    one = _pair(assessed, f"{UNRECORDED}bm_mnc_infusion")
    assert (one.exposure_kind, one.proposed, one.exposed) == ("bm_mnc_infusion", "conditional", "unknown")
    assert len([r for r in assessed.events[0].relatedness if r.exposure_id.startswith(UNRECORDED)]) == 1


def test_measurements_are_graded_beside_the_event_they_speak_of() -> None:
    report = case(event(FEVER, grades=({"grade": 1},)))
    values = [
        measurement("M1"),
        measurement("M2", taken=at("2026-04-10T05:00")),
        measurement("M3", value="39.9", voided=True),
        measurement("M4", test="platelets", value="40", unit="10*9/L"),
        measurement("M5", test="platelets", value="200", unit="10*9/L", lower_limit="150"),
        measurement("M6", test="gmfm88", value="50", unit="%"),
        measurement("M7", unit=None),
    ]
    checks = {c.measurement_id: c for c in _assess(report, measurements=values).grade_checks}
    assert set(checks) == {"M1", "M4", "M7"}
    assert (checks["M1"].event_id, checks["M1"].computed_grade, checks["M1"].reported_grade) == ("E1", 2, 1)
    assert "review" in checks["M1"].why_en
    assert (checks["M4"].event_id, checks["M4"].computed_grade) == (None, 3)
    assert "No event" in checks["M4"].why_en
    assert checks["M7"].computed_grade is None


def test_platelets_are_found_under_the_code_of_either_version() -> None:
    values = [measurement("M1", test="platelets", value="20", unit="10*9/L")]
    for code in ("10035528", "10043554"):
        checks = _assess(case(event(code)), measurements=values, version="6.0").grade_checks
        assert [(c.event_id, c.computed_grade, c.term) for c in checks] == [("E1", 3, "Thrombocytopenia")]


def test_a_measurement_without_a_time_goes_by_its_term() -> None:
    checks = _assess(case(event(FEVER)), measurements=[measurement(taken=None)]).grade_checks
    assert [c.event_id for c in checks] == ["E1"]


def test_everything_of_the_child_is_listed_with_its_version() -> None:
    assessed = _assess(
        case(event()), bundle(), [measurement()], [batch(version=3)], [case(event(), case_id="C0", version=2)]
    )
    assert {j.aggregate: j.version for j in assessed.judged} == {
        "case/C0": 2,
        "case/C1": 1,
        "subject/S": 1,
        "exposure/SED": 1,
        "exposure/BMA": 1,
        "exposure/LP": 1,
        "exposure/INF": 1,
        "measurement/M1": 1,
        "batch/B1": 3,
    }


def test_anything_newer_or_new_makes_it_stale() -> None:
    assessed = _assess(case(event()), bundle(), [measurement()])
    current = {j.aggregate: j.version for j in assessed.judged}
    assert is_stale(assessed, current) == ()
    assert is_stale(assessed, current | {"assessment/C1": 4, "obligation/9": 1}) == ()
    for name in current:
        assert [s.aggregate for s in is_stale(assessed, current | {name: 9})] == [name]
        gone = {k: v for k, v in current.items() if k != name}
        assert [s.current_version for s in is_stale(assessed, gone)] == [None]
    assert is_stale(assessed, current | {"case/C1": 2})[0].current_version == 2
    for name in ("case/C2", "exposure/NEW", "measurement/NEW", "batch/NEW"):
        reasons = is_stale(assessed, current | {name: 1})
        assert [(s.aggregate, s.judged_version) for s in reasons] == [(name, None)]
        assert reasons[0].why.en
        assert reasons[0].why.vi
    assert is_stale(assessed, current | {"case/C1": 0}) == ()


def test_a_nullified_case_proposes_nothing_and_still_says_what_it_saw() -> None:
    assessed = _assess(case(event(), nullified={"reason": "wrong study"}), bundle())
    assert (assessed.events, assessed.grade_checks) == ((), ())
    assert len(assessed.judged) == 6


def test_an_event_without_a_code_or_time_is_still_assessed() -> None:
    assessed = _assess(case(event(None, None)), bundle(), [measurement()])
    assert {r.proposed for r in assessed.events[0].relatedness} == {"conditional"}
    assert assessed.events[0].expected == "unknown"


def test_it_is_the_same_whatever_the_order_of_the_records() -> None:
    report, values = case(event(FEVER)), [measurement("M1"), measurement("M2", value="38.1")]
    assert _assess(report, bundle(), values) == _assess(report, bundle()[::-1], values[::-1])


def test_it_travels_as_json() -> None:
    assessed = _assess(case(event(FEVER)), bundle(), [measurement()])
    assert Assessment.read(json.loads(assessed.model_dump_json())) == assessed


def test_a_busy_child_is_assessed_quickly() -> None:
    given_ = [*bundle(), *bundle("2026-09-09", "2"), *(exposure(f"D{i}", "piracetam", end=None) for i in range(20))]
    prior = [case(event(FEVER, f"2026-04-{d:02}", episode_id=f"P{d}"), case_id=f"C{d}") for d in range(2, 22)]
    values = [measurement(f"M{i}") for i in range(100)]
    begun = time.perf_counter()
    _assess(case(event(FEVER)), given_, values, prior=prior)
    assert time.perf_counter() - begun < 2


KINDS = st.sampled_from(
    ["bm_mnc_infusion", "lumbar_puncture", "sedation", "piracetam", "muscle_relaxant", "rehabilitation"]
)
MOMENTS = st.sampled_from(
    [None, "2026", "2026-03", "2026-03-09", "2026-03-09T09:00", "2026-03-10T05:00", "2026-09-01", "2062-01-01"]
)
CODES = st.sampled_from([None, FEVER, MENINGITIS, SEIZURE, CSF_LEAK, "10047700", "10010774"])
EXPOSURES = st.lists(
    st.builds(
        lambda k, s, e, a: (k, s, e, a), KINDS, MOMENTS, MOMENTS, st.sampled_from(["withdrawn", "unchanged", "unknown"])
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(EXPOSURES, CODES, MOMENTS, MOMENTS, st.sampled_from(["recovered", "fatal", "unknown", "not_recovered"]))
def test_records_alone_never_claim_too_much(
    given_: list[tuple[str, str | None, str | None, str]],
    code: str | None,
    onset: str | None,
    end: str | None,
    outcome: str,
) -> None:
    exposures = [exposure(f"X{i}", k, s, e, action_taken=a) for i, (k, s, e, a) in enumerate(given_)]
    told_event: AdverseEvent = event(code, onset, end=at(end), outcome=outcome)
    assessed = _assess(case(told_event), exposures)
    assert len(assessed.events[0].relatedness) == len(exposures)
    for one in assessed.events[0].relatedness:
        answers = _answers(one)
        assert one.proposed is not None
        assert one.accepted is None
        assert one.proposed != "certain"
        assert answers["exposed_before_onset"] == one.exposed
        if one.exposed == "no":
            assert (one.proposed, one.reasonable_possibility) == ("unlikely", "no")
        if one.proposed == "unlikely":
            assert answers["time_plausible"] == "no"
        if onset in (None, "2062-01-01"):
            assert one.proposed in ("conditional", "unassessable")
            assert one.hours_min is None
        if one.hours_min is not None and one.hours_max is not None:
            assert float(one.hours_min) <= float(one.hours_max)
            assert "E" not in one.hours_min + one.hours_max
