"""SUSAR: serious, suspected, unexpected, after exposure, asked of each suspect apart; what is not answered counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as holds
from hypothesis import settings
from hypothesis import strategies as st

from shared.case import Answer, Given, Seriousness
from tests.unit.sae_notifier.rules.cases import DIED, HARMLESS, HOSPITALISED, UNANSWERED, moment
from tests.unit.sae_notifier.rules.susar import case, duties, given, multinational, owed, says, sponsor

ABROAD = (("US-IND", "fda"), ("US-IND", "inv_nl"), ("EU-SUSAR", "ev"))


def test_a_fatal_case_is_owed_to_everyone_by_their_own_days() -> None:
    found = duties(case(DIED, says("yes")), views=[sponsor(related="yes", expected="no")])
    told = {(one.recipient_id, one.rule_id, str(one.due_on), one.zone) for one in found.values()}
    assert told == {
        ("necbr", "VN-SAE-7WD", "2026-03-18", "Asia/Ho_Chi_Minh"),
        ("astt", "VN-SAE-7WD", "2026-03-18", "Asia/Ho_Chi_Minh"),
        ("di_adr", "VN-SAE-7WD", "2026-03-18", "Asia/Ho_Chi_Minh"),
        ("iec", "VN-SAE-7WD", "2026-03-18", "Asia/Ho_Chi_Minh"),
        ("fda", "US-IND-7", "2026-03-16", "America/New_York"),
        ("ev", "EU-SUSAR-7", "2026-03-16", "Europe/Amsterdam"),
        ("inv_vn", "US-IND-15", "2026-03-24", "America/New_York"),
        ("inv_us", "US-IND-15", "2026-03-24", "America/New_York"),
        ("inv_nl", "US-IND-15", "2026-03-24", "America/New_York"),
    }
    # Nine in Hanoi is still the day before in New York: the strict date takes that day 0.
    assert str(found["US-IND", "fda", 1].due_strict_on) == "2026-03-15"


def test_one_that_is_not_fatal_has_fifteen_days_everywhere() -> None:
    found = duties(case(HOSPITALISED, says("yes")))
    assert [found[group, who, 1].rule_id for group, who in ABROAD] == ["US-IND-15", "US-IND-15", "EU-SUSAR-15"]
    assert {str(found[group, who, 1].due_on) for group, who in ABROAD} == {"2026-03-24"}


@pytest.mark.parametrize(
    ("changed", "still"),
    [
        ({"opinions": (), "views": []}, True),
        ({"opinions": (says("no"),), "views": []}, True),
        ({"opinions": (), "views": [sponsor(related="no")]}, True),
        ({"opinions": (says("yes"),), "views": [sponsor(related="no")]}, True),
        ({"opinions": (says("no"),), "views": [sponsor(related="yes")]}, True),
        ({"opinions": (says("no"),), "views": [sponsor(related="unknown")]}, True),
        ({"opinions": (says("no"),), "views": [sponsor(related="no", signed=False)]}, True),
        ({"opinions": (says("no"),), "views": [sponsor(related="no", stale=True)]}, True),
        ({"opinions": (says("no"),), "views": [sponsor(related="no")]}, False),
        ({"opinions": (says("yes"),), "views": [sponsor(related="yes", expected="yes")]}, False),
        ({"opinions": (says("yes"),), "views": [sponsor(related="yes", expected="yes", signed=False)]}, True),
        ({"opinions": (says("yes"),), "exposures": [given(start="2026-03-09")]}, False),
        ({"opinions": (says("yes"),), "exposures": [given(start=None)]}, True),
        ({"opinions": (says("yes"),), "exposures": []}, True),
        ({"opinions": (says("yes"),), "serious": HARMLESS}, False),
        ({"opinions": (), "serious": UNANSWERED}, True),
    ],
    ids=lambda value: "still owed" if value is True else "closed" if value is False else "",
)
def test_only_an_answer_closes_it(changed: dict[str, object], still: bool) -> None:
    """Everything else open or yes; one column of the decision table after the other."""
    views = changed.get("views", [])
    exposures = changed.get("exposures", [given()])
    found = duties(
        case(changed.get("serious", DIED), *changed.get("opinions", ())),  # type: ignore[arg-type,misc]
        views=views,  # type: ignore[arg-type]
        exposures=exposures,  # type: ignore[arg-type]
    )
    assert [owed(found, group, who) is not None for group, who in ABROAD] == [still] * 3
    # Vietnam asks none of this.
    assert (owed(found, "VN-SAE", "necbr") is not None) == (changed.get("serious") is not HARMLESS)


def test_the_sponsor_decides_alone_only_in_the_united_states_and_only_if_the_trial_says_so() -> None:
    versions, views = (case(DIED, says("yes")),), [sponsor(related="no")]
    alone = multinational({"us_causality": "sponsor"})
    found = duties(*versions, views=views, facts=alone)
    assert owed(found, "US-IND", "fda") is None
    assert owed(found, "EU-SUSAR", "ev") is not None
    draft = duties(*versions, views=[sponsor(related="no", signed=False)], facts=alone)
    assert owed(draft, "US-IND", "fda") is not None


def test_each_suspect_is_asked_apart() -> None:
    """Related to the infusion after the event, not to the one before it: no product that was given first is suspected."""
    before = given(start="2026-03-07", exposure_id="x1")
    after = given(start="2026-03-09", exposure_id="x2")
    opinions = (says("no", exposure_id="x1"), says("yes", exposure_id="x2"))
    signed = [sponsor(rows={"x1": "no", "x2": "yes"})]
    closed = duties(case(DIED, *opinions), views=signed, exposures=[before, after])
    assert [owed(closed, group, who) for group, who in ABROAD] == [None] * 3
    other = duties(case(DIED, *opinions), views=[sponsor(rows={"x1": "yes", "x2": "no"})], exposures=[before, after])
    assert all(owed(other, group, who) for group, who in ABROAD)


def test_a_draft_of_the_sponsor_clears_no_suspect_that_its_own_answer_for_the_event_suspects() -> None:
    exposures = [given(), given("lumbar_puncture")]
    rows: dict[str, Answer] = {"x-bm_mnc_infusion": "no", "x-lumbar_puncture": "yes"}

    def asked(signed: bool) -> dict[str, str]:
        views = [sponsor(rows=rows, signed=signed)]
        duty = owed(duties(case(DIED, says("no")), views=views, exposures=exposures), "EU-SUSAR", "ev")
        assert duty is not None
        return {one.suspect: one.answer for one in duty.factors if one.code == "rel_spo"}

    assert asked(signed=False) == {"x-bm_mnc_infusion": "yes", "x-lumbar_puncture": "yes"}
    assert asked(signed=True)["x-lumbar_puncture"] == "yes"
    assert asked(signed=True).get("x-bm_mnc_infusion") != "yes"


@pytest.mark.parametrize(
    "kinds", [("sedation", "lumbar_puncture"), ("bm_mnc_infusion",)], ids=["others", "the same kind"]
)
def test_what_the_reporter_says_was_given_is_asked_though_only_a_later_infusion_is_recorded(
    kinds: tuple[str, ...],
) -> None:
    """The record of the ninth does not answer for what was given before the event of the eighth."""
    later = [given(start="2026-03-09")]
    told = Given.model_validate({"answer": "yes", "kinds": kinds})
    found = duties(case(DIED, given=told), exposures=later)
    assert all(owed(found, group, who) for group, who in ABROAD)
    named = duties(case(DIED, says("yes", "bm_mnc_infusion")), exposures=later)
    assert all(owed(named, group, who) for group, who in ABROAD)
    recorded = duties(
        case(DIED, given=told), exposures=[*later, *(given(kind, exposure_id=f"b-{kind}") for kind in kinds)]
    )  # type: ignore[arg-type]
    assert not any(one.suspect.startswith("reported:") for one in recorded["EU-SUSAR", "ev", 1].factors)


def test_a_determination_named_later_moves_the_legal_date_in_the_open_and_no_alarm() -> None:
    first = duties(case(HOSPITALISED))["US-IND", "fda", 1]
    named = case(HOSPITALISED, number=2, day="28", determined_reportable=moment("2026-03-27T09:00"))
    later = duties(case(HOSPITALISED), named)["US-IND", "fda", 1]
    assert later.due_at > first.due_at
    assert later.due_strict_at == first.due_strict_at
    (why,) = [one for one in later.causes if one.code == "determination_named"]
    assert why.version == 2 and "alarms do not" in why.why_en


def test_an_opinion_on_the_cells_says_nothing_of_the_puncture() -> None:
    exposures = [given(), given("lumbar_puncture")]
    signed = [sponsor(rows={"x-bm_mnc_infusion": "no", "x-lumbar_puncture": "no"})]
    half = duties(case(DIED, says("no", "bm_mnc_infusion")), views=signed, exposures=exposures)
    duty = owed(half, "EU-SUSAR", "ev")
    assert duty is not None
    assert {one.suspect for one in duty.factors if one.suspect} == {"x-lumbar_puncture"}
    both = (says("no", "bm_mnc_infusion"), says("no", "lumbar_puncture"))
    assert owed(duties(case(DIED, *both), views=signed, exposures=exposures), "EU-SUSAR", "ev") is None


def test_piracetam_alone_is_no_suspect() -> None:
    found = duties(
        case(DIED, says("yes", "piracetam"), says("no", "bm_mnc_infusion")),
        views=[sponsor(related="no")],
        exposures=[given(), given("piracetam")],
    )
    assert owed(found, "EU-SUSAR", "ev") is None


def test_a_missing_first_infusion_keeps_the_question_open() -> None:
    second = given(start="2026-03-09", infusion_number=2)
    assert owed(duties(case(), exposures=[second]), "EU-SUSAR", "ev") is not None
    first = given(start="2026-03-09", infusion_number=1)
    assert owed(duties(case(), exposures=[first]), "EU-SUSAR", "ev") is None


def test_nothing_given_closes_only_from_a_clinician_and_without_a_contradiction() -> None:
    nothing = Given(answer="no")
    assert owed(duties(case(given=nothing), exposures=[]), "EU-SUSAR", "ev") is None
    for contradicted in (
        case(given=nothing, reporter_role="technician"),
        case(given=Given(answer="no", kinds=("bm_mnc_infusion",))),
        case(DIED, says("yes", "bm_mnc_infusion"), given=nothing),
    ):
        assert owed(duties(contradicted, exposures=[]), "EU-SUSAR", "ev") is not None
    assert owed(duties(case(given=nothing), exposures=[given()]), "EU-SUSAR", "ev") is not None


def test_a_site_outside_the_union_counts_where_the_trial_has_one_inside() -> None:
    at_home = multinational(countries_with_site=frozenset({"VN", "US"}))
    assert owed(duties(case(), facts=at_home), "EU-SUSAR", "ev") is None
    unanswered = replace(at_home, flags={"ind": True})
    assert owed(duties(case(), facts=unanswered), "EU-SUSAR", "ev") is not None
    same_cells = replace(at_home, flags={"ind": True, "same_substance_in_eu": True})
    assert owed(duties(case(), facts=same_cells), "EU-SUSAR", "ev") is not None


def test_day_0_is_the_sponsors_and_the_strict_date_the_sites() -> None:
    told = case(site_aware=moment("2026-03-05T09:00"), desk_aware=moment("2026-03-09T09:00"))
    found = duties(told)
    for group, who in (("US-IND", "fda"), ("EU-SUSAR", "ev")):
        assert str(found[group, who, 1].due_on) == "2026-03-16"
        assert found[group, who, 1].due_strict_on <= moment("2026-03-12").latest().date()
    careful = multinational({"us_day_0": "earliest_of_site_and_desk", "eu_day_0": "earliest_of_site_and_desk"})
    assert str(duties(told, facts=careful)["EU-SUSAR", "ev", 1].due_on) == "2026-03-12"


def test_a_desk_that_does_not_say_when_it_knew_is_asked_and_the_site_s_time_stands_in() -> None:
    told = case(site_aware=moment("2026-03-05T09:00"), desk_aware=None)
    duty = duties(told)["EU-SUSAR", "ev", 1]
    assert (str(duty.day_0), duty.provisional_why) == ("2026-03-05", ("desk_awareness_missing",))
    later = (
        case(site_aware=moment("2026-03-05T09:00"), desk_aware=None),
        case(number=2, day="10", site_aware=moment("2026-03-05T09:00"), desk_aware=moment("2026-03-06T09:00")),
    )
    answered = duties(*later)["EU-SUSAR", "ev", 1]
    assert (str(answered.day_0), answered.provisional_why) == ("2026-03-06", ())
    assert answered.due_strict_at == duty.due_strict_at, "the alarms keep the site's"


def test_fifteen_days_run_from_the_determination_and_the_alarms_from_awareness() -> None:
    found = duties(case(HOSPITALISED, determined_reportable=moment("2026-03-09T09:30")))
    fda = found["US-IND", "fda", 1]
    assert (str(fda.due_on), str(fda.due_strict_on)) == ("2026-03-24", "2026-03-23")
    assert not fda.provisional
    assert "determination_missing" in duties(case(HOSPITALISED))["US-IND", "fda", 1].provisional_why


def test_a_stated_death_is_not_relaxed_because_relatedness_was_unanswered() -> None:
    found = duties(case(DIED), case(HOSPITALISED, number=2, day="10", change_reason="he lives"))
    assert [found[group, who, 1].rule_id for group, who in ABROAD] == ["US-IND-7", "US-IND-15", "EU-SUSAR-7"]
    assert "downgrade_not_relaxed" in [one.code for one in found["EU-SUSAR", "ev", 1].causes]
    assumed = duties(case(UNANSWERED), case(HOSPITALISED, number=2, day="10", change_reason="asked"))
    assert assumed["EU-SUSAR", "ev", 1].rule_id == "EU-SUSAR-15"


def test_every_factor_says_who_answered_and_where() -> None:
    first = case(DIED, says("yes"), reported_by="investigator-1")
    second = case(DIED, says("yes"), number=2, day="10", reported_by="clinician-1")
    view = sponsor(of=2, expected="no")
    found = duties(first, second, views=[view])["EU-SUSAR", "ev", 1].factors
    by_code = {one.code: one for one in found}
    opinion = by_code["rel_inv"]
    assert (opinion.answer, opinion.answered_by, opinion.version) == ("yes", "investigator-1", 1)
    expected = by_code["unexp"]
    assert (expected.answer, expected.answered_by, expected.aggregate) == ("yes", "u2", "assessment/c1")
    assert (by_code["rel_spo"].answer, by_code["rel_spo"].taken_as_yes) == ("unknown", True)
    assert (by_code["exposed"].aggregate, by_code["exposed"].suspect) == (
        "exposure/x-bm_mnc_infusion",
        "x-bm_mnc_infusion",
    )
    assert all(one.why_en and one.why_vi and one.taken_as_yes == (one.answer == "unknown") for one in found)


def test_a_duty_that_ended_shows_what_closed_it() -> None:
    found = duties(case(DIED, says("no")), views=[sponsor(related="no")])
    closed = found["EU-SUSAR", "ev", 1]
    assert closed.ended is not None
    answers = {one.code: (one.answer, one.version) for one in closed.factors}
    assert answers["rel_inv"] == ("no", 1)
    assert answers["rel_spo"] == ("no", 1)


ANSWERS: tuple[Answer, ...] = ("yes", "no", "unknown")
said = st.sampled_from(ANSWERS)


@settings(deadline=None, max_examples=60)
@holds(
    st.fixed_dictionaries(dict.fromkeys(("death", "life_threatening", "hospitalisation"), said)),
    said,
    said,
    said,
    st.booleans(),
    st.sampled_from(["2026-03-07", "2026-03-09"]),
    st.sets(st.sampled_from(["serious", "opinion", "related", "expected", "signature", "start", "exposure", "onset"])),
)
def test_taking_answers_away_never_relaxes(
    criteria: dict[str, Answer],
    opinion: Answer,
    related: Answer,
    expected: Answer,
    fresh: bool,
    start: str,
    taken: set[str],
) -> None:
    """What was known, and the same with some of it unanswered: no duty goes, ends or falls later."""

    def told(lost: set[str]):
        answers = dict.fromkeys(criteria, "unknown") if "serious" in lost else criteria
        rest = {"disability": "no", "congenital_anomaly": "no", "medically_important": "no"}
        opinions = () if "opinion" in lost else (says(opinion),)
        view = sponsor(
            signed="signature" not in lost,
            stale=not fresh,
            related="unknown" if "related" in lost else related,
            expected="unknown" if "expected" in lost else expected,
        )
        return duties(
            case(
                Seriousness.model_validate(answers | rest), *opinions, onset=None if "onset" in lost else "2026-03-08"
            ),
            views=[view],
            exposures=[] if "exposure" in lost else [given(start=None if "start" in lost else start)],
        )

    whole, less = told(set()), told(taken)
    for key, duty in whole.items():
        if duty.ended is None:
            assert key in less and less[key].ended is None, key
            assert less[key].due_at <= duty.due_at
            assert less[key].due_strict_at <= duty.due_strict_at
