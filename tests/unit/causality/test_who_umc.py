"""The WHO-UMC decision: total over every combination of answers, with its hard rules held in all of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from services.causality.methods.who_umc import Alternative, Answers, Withdrawal, decide, reasonable_possibility
from shared.case import Answer
from shared.case.assessment import WhoUmc

ANSWER = get_args(Answer)
ALTERNATIVE = get_args(Alternative)
WITHDRAWAL = get_args(Withdrawal)
EVERY = [
    Answers(exposed, time, alternative, withdrawal, rechallenge, specific, sufficient, consistent, obtainable)
    for exposed, time, alternative, withdrawal, rechallenge, specific, sufficient, consistent, obtainable in product(
        ANSWER, ANSWER, ALTERNATIVE, WITHDRAWAL, ANSWER, ANSWER, (True, False), (True, False), (True, False)
    )
]
RANK: dict[WhoUmc, int] = {"certain": 3, "probable": 2, "possible": 1, "unlikely": 0}


def test_every_combination_has_a_category() -> None:
    assert len(EVERY) == len(set(EVERY)) == 3 * 3 * 6 * 4 * 3 * 3 * 8
    given = {decide(answers) for answers in EVERY}
    assert given == set(get_args(WhoUmc))


def test_onset_before_the_exposure_is_unlikely_whatever_else_is_said() -> None:
    assert {decide(a) for a in EVERY if a.exposed == "no"} == {"unlikely"}


def test_a_contradiction_is_unassessable() -> None:
    assert {decide(a) for a in EVERY if a.exposed != "no" and not a.consistent} == {"unassessable"}


def test_missing_times_are_conditional_while_they_can_be_asked_for() -> None:
    gap = [a for a in EVERY if a.consistent and (a.exposed == "unknown" or (a.exposed == "yes" and not a.sufficient))]
    assert {decide(a) for a in gap if a.obtainable} == {"conditional"}
    assert {decide(a) for a in gap if not a.obtainable} == {"unassessable"}


def test_certain_needs_a_plausible_time_no_other_cause_and_an_objective_phenomenon_or_rechallenge() -> None:
    certain = [a for a in EVERY if decide(a) == "certain"]
    assert certain
    for a in certain:
        assert "yes" in (a.specific, a.rechallenge)
        assert (a.exposed, a.time) == ("yes", "yes")
        assert a.alternative in ("excluded", "unlikely")
        assert a.withdrawal in ("yes", "not_applicable")


def test_probable_needs_a_plausible_time() -> None:
    assert {a.time for a in EVERY if decide(a) == "probable"} == {"yes"}


def test_unlikely_needs_more_than_an_open_question() -> None:
    """Only onset before the exposure, an improbable delay, or a better explanation of a delay nobody can judge."""
    for a in EVERY:
        if decide(a) == "unlikely" and a.exposed == "yes":
            assert a.time == "no" or (a.time == "unknown" and a.alternative == "stronger")


def test_a_single_administration_is_not_a_negative_withdrawal() -> None:
    for a in EVERY:
        if a.withdrawal == "no":
            once, lower = decide(replace(a, withdrawal="not_applicable")), decide(a)
            assert RANK.get(once, 0) >= RANK.get(lower, 0)
    single = Answers("yes", "yes", "unlikely", "not_applicable", "unknown", "unknown", True, True, True)
    assert decide(single) == "probable"
    assert decide(replace(single, withdrawal="no")) == "possible"


@pytest.mark.parametrize(
    ("field", "ladder"),
    [
        ("rechallenge", ("no", "unknown", "yes")),
        ("specific", ("no", "unknown", "yes")),
        ("alternative", ("stronger", "shared_clock", "possible", "unlikely", "excluded")),
        ("withdrawal", ("no", "unknown", "yes")),
    ],
)
def test_more_evidence_never_lowers_the_category(field: str, ladder: tuple[str, ...]) -> None:
    for a in EVERY:
        if a.time == "unknown":
            continue  # without a known window there is no order between `conditional` and the rest
        steps = [decide(replace(a, **{field: value})) for value in ladder]
        ranks = [RANK[step] for step in steps if step in RANK]
        assert ranks == sorted(ranks), (field, a)


def test_one_clock_keeps_several_possible_even_after_a_second_infusion() -> None:
    shared = Answers("yes", "yes", "shared_clock", "not_applicable", "yes", "unknown", True, True, True)
    assert decide(shared) == "possible"
    assert decide(replace(shared, specific="yes")) == "probable"


@pytest.mark.parametrize(
    ("category", "answer"),
    [
        ("certain", "yes"),
        ("probable", "yes"),
        ("possible", "yes"),
        ("unlikely", "no"),
        ("conditional", "yes"),
        ("unassessable", "yes"),
    ],
)
def test_only_unlikely_is_no_reasonable_possibility(category: WhoUmc, answer: Answer) -> None:
    assert reasonable_possibility(category) == answer
