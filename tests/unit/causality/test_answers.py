"""What a person answers where the records cannot: it stands over them, says so in words, and can be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.causality.domain import is_stale, problems_with, propose, standing
from services.causality.domain.told import QUESTIONS, contradiction, told_by
from shared.case import Assessment, Exposure, PersonAnswer, Relatedness
from tests.unit.causality.build import (
    ANSWERED,
    FEVER,
    MENINGITIS,
    NOW,
    answered,
    bundle,
    case,
    event,
    exposure,
    subject,
)

ALONE = [exposure("INF")]
PIRACETAM = [exposure("INF", "piracetam", "2026-03-01T08:00", None, name="piracetam")]


def assessed(
    answers: list[PersonAnswer], exposures: list[Exposure] = ALONE, code: str = MENINGITIS, **about: object
) -> Assessment:
    report = case(event(code, "2026-03-09T23:12"), **about)
    return propose(report, subject(), exposures, [], [], [], [], "5.0", NOW, answers).as_assessment(1, NOW)


def pair(made: Assessment, exposure_id: str = "INF") -> Relatedness:
    return next(one for one in made.events[0].relatedness if one.exposure_id == exposure_id)


def why(one: Relatedness, code: str) -> tuple[str, str]:
    (found,) = [c for c in one.criteria if c.code == code]
    return found.answer, found.why_en


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ({}, "possible"),
        ({"alternative_explains": "no"}, "probable"),
        ({"alternative_explains": "unknown"}, "possible"),
        ({"alternative_explains": "yes"}, "possible"),
        ({"alternative_excluded": "yes"}, "probable"),
        ({"alternative_excluded": "no"}, "possible"),
        ({"alternative_stronger": "yes"}, "possible"),
        ({"alternative_stronger": "no"}, "possible"),
        ({"alternative_excluded": "yes", "specific_phenomenon": "yes"}, "certain"),
        ({"alternative_explains": "no", "rechallenge_recurred": "yes"}, "certain"),
        ({"rechallenge_recurred": "no"}, "possible"),
        ({"time_plausible": "no"}, "unlikely"),
        ({"time_plausible": "no", "alternative_excluded": "yes"}, "possible"),
    ],
)
def test_each_question_moves_the_category_as_the_method_says(said: dict[str, str], category: str) -> None:
    assert pair(assessed(answered(**said))).proposed == category


def test_the_words_name_the_person_and_keep_what_the_records_say() -> None:
    bare, told = pair(assessed([])), pair(assessed(answered(specific_phenomenon="yes")))
    answer, words = why(told, "specific_phenomenon")
    assert answer == "yes"
    assert words.startswith("Answered by a person, medical-monitor-1 (2026-03-12 08:30 UTC), not by the records.")
    assert why(bare, "specific_phenomenon")[1] in words, "what the records say stands beside it"
    same = {c.code for c in bare.criteria if c in told.criteria}
    assert {c.code for c in bare.criteria} - same == {"specific_phenomenon"}, "only the question that was answered"
    (shown,) = [c.why_vi for c in told.criteria if c.code == "specific_phenomenon"]
    assert "medical-monitor-1" in shown and "không phải từ hồ sơ" in shown
    assert all("as documented" not in c.why_en + c.why_vi for c in told.criteria), "free text stays apart"


def test_an_answer_is_about_one_pair_only() -> None:
    made, bare = assessed(answered(alternative_stronger="yes"), bundle()), assessed([], bundle())
    changed = {one.exposure_id for one in made.events[0].relatedness if one != pair(bare, one.exposure_id)}
    assert changed == {"INF"}


def test_what_was_given_in_the_same_hours_stays_on_one_clock_unless_it_is_ruled_out() -> None:
    both = answered(alternative_explains="yes", rechallenge_recurred="yes")
    assert pair(assessed(both), "INF").proposed == "probable"
    assert pair(assessed(both, bundle(), FEVER), "INF").proposed == "possible"
    unknown = answered(alternative_explains="unknown", rechallenge_recurred="yes")
    assert pair(assessed(unknown, bundle(), FEVER), "INF").proposed == "possible"
    excluded = answered(alternative_excluded="yes", rechallenge_recurred="yes")
    assert pair(assessed(excluded, bundle(), FEVER), "INF").proposed == "certain"


def test_who_has_judged_the_delay_does_not_wait_for_the_hour() -> None:
    def report(answers: list[PersonAnswer]) -> Relatedness:
        coarse = case(event(FEVER, "2026-03-12"))
        return propose(coarse, subject(), ALONE, [], [], [], [], "5.0", NOW, answers).events[0].relatedness[0]

    assert report([]).proposed == "conditional"
    assert report(answered(time_plausible="yes")).proposed == "possible"
    assert report(answered(time_plausible="unknown")).proposed == "conditional"
    assert report(answered(information_obtainable="no")).proposed == "unassessable"
    assert report(answered(information_obtainable="yes")).proposed == "conditional"


def test_no_answer_exposes_who_was_not_exposed() -> None:
    after = [exposure("INF", start="2026-03-10T09:00", end="2026-03-10T09:12")]
    sure = {"time_plausible": "yes", "alternative_excluded": "yes", "specific_phenomenon": "yes"}
    assert pair(assessed(answered(**sure), after)).proposed == "unlikely"


def test_the_last_answer_stands_until_it_is_withdrawn() -> None:
    first = answered(specific_phenomenon="yes", alternative_excluded="yes")
    changed = [*first, *answered(specific_phenomenon="no", first=3)]
    assert pair(assessed(first)).proposed == "certain"
    assert pair(assessed(changed)).proposed == "probable"
    gone = [*changed, *answered(specific_phenomenon="withdrawn", alternative_excluded="withdrawn", first=4)]
    assert standing(gone) == {}
    assert assessed(gone).events == assessed([]).events
    assert [one.number for one in assessed(gone).answers] == [1, 2, 3, 4, 5], "none is forgotten"


def test_an_answer_older_than_the_facts_asks_whether_it_still_holds() -> None:
    said = answered(specific_phenomenon="yes")
    assert "changed since" not in why(pair(assessed(said)), "specific_phenomenon")[1]
    later = ANSWERED + timedelta(hours=1)
    assert "changed since" in why(pair(assessed(said, recorded_at=later)), "specific_phenomenon")[1]
    moved = [exposure("INF", recorded_at=later)]
    assert "changed since" in why(pair(assessed(said, moved)), "specific_phenomenon")[1]


def test_what_was_answered_is_judged_and_a_later_answer_makes_it_stale() -> None:
    made = assessed(answered(alternative_explains="no", specific_phenomenon="unknown"))
    judged = {one.aggregate: one.version for one in made.judged}
    assert judged["answers/C1"] == 2
    assert is_stale(made, judged) == ()
    (stale,) = is_stale(made, judged | {"answers/C1": 3})
    assert (stale.aggregate, stale.judged_version, stale.current_version) == ("answers/C1", 2, 3)
    assert is_stale(made, judged | {"answers/C2": 9}) == (), "about another case of the child"
    bare = assessed([])
    before = {one.aggregate: one.version for one in bare.judged}
    assert [one.aggregate for one in is_stale(bare, before | {"answers/C1": 1})] == ["answers/C1"]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"exposure_id": "OTHER"}, "/answers/0"),
        ({"event_id": "E9"}, "/answers/0"),
        ({"exposure_id": "reported:antibiotic"}, "/answers/0/exposure_id"),
        ({"question": "withdrawal_improved"}, "/answers/0/question"),
        ({"question": "is_it_the_drug"}, "/answers/0/question"),
        ({"answer": "withdrawn"}, "/answers/0/answer"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_its_field(said: dict[str, str], pointer: str) -> None:
    made = assessed([], given={"answer": "yes", "kinds": ("antibiotic",)})
    (one,) = answered(specific_phenomenon="yes")
    assert problems_with(made, [], [one]) == []
    (problem,) = problems_with(made, [], [one.model_copy(update=said)])
    assert problem.pointer == pointer and problem.remedy


def test_what_can_be_stopped_has_a_dechallenge() -> None:
    made = assessed([], PIRACETAM)
    said = answered(withdrawal_improved="no")
    assert problems_with(made, [], said) == []
    assert why(pair(assessed(said, PIRACETAM)), "withdrawal_improved")[0] == "no"


@pytest.mark.parametrize(
    "said",
    [
        {"alternative_excluded": "yes", "alternative_explains": "yes"},
        {"alternative_excluded": "yes", "alternative_stronger": "yes"},
        {"alternative_stronger": "yes", "alternative_explains": "no"},
    ],
)
def test_answers_that_contradict_each_other_are_refused_whichever_comes_first(said: dict[str, str]) -> None:
    made = assessed([])
    for order in (said, dict(reversed(said.items()))):
        first, second = answered(**order)
        assert problems_with(made, [], [first]) == []
        (problem,) = problems_with(made, [first], [second])
        assert problem.pointer == "/answers/0/answer"
        assert len(problems_with(made, [], [first, second])) == 2
        back = first.model_copy(update={"number": 2, "answer": "withdrawn"})
        assert problems_with(made, [first], [back, second.model_copy(update={"number": 3})]) == []


def test_one_question_is_answered_once_at_a_time() -> None:
    made = assessed([])
    twice = [*answered(specific_phenomenon="yes"), *answered(specific_phenomenon="no", first=2)]
    assert [one.pointer for one in problems_with(made, [], twice)] == ["/answers/1/question"]


def test_every_question_means_something_to_the_method() -> None:
    bare = pair(assessed([], PIRACETAM))
    moved = {
        name for name in QUESTIONS if pair(assessed(answered(**{name: "yes"}), PIRACETAM)).criteria != bare.criteria
    }
    assert moved == set(QUESTIONS) - {"information_obtainable"}, "that one shows where something is missing"
    assert contradiction({}) is None
    assert told_by([], case()) == {}
