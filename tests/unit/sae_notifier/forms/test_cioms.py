"""What each box of the CIOMS I form says of a case, and why it is empty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.sae_notifier.forms.fields import Block, Field, Heading, Prose, Ticks
from services.sae_notifier.forms.form import Form
from services.sae_notifier.forms.payload import facts_sha256
from shared.case import (
    AdverseEvent,
    Exposure,
    FreeText,
    InvestigatorOpinion,
    Moment,
    Nullification,
    Seriousness,
)
from tests.unit.sae_notifier.forms.samples import (
    ASSESSMENT,
    CASE,
    DRAFT,
    EMPTY,
    EVENT,
    EXPOSURES,
    FIRST,
    MENINGITIS,
    NOW,
    OBLIGATION,
    SIGNED,
    SUBJECT,
    TRIAL,
    at,
    exposure,
    vi,
)

IN_SECTION = {
    1: ("1", "1a", "2", "2a", "3", "4", "5", "6", "8-12", "7+13"),
    2: ("14", "20", "15", "16", "21", "17", "18", "19"),
    3: ("22", "23"),
    4: ("24a", "26", "24b", "24c", "24d", "25", "25a"),
}
ALL_NO = Seriousness(
    death="no",
    life_threatening="no",
    hospitalisation="no",
    disability="no",
    congenital_anomaly="no",
    medically_important="no",
)
INFUSION = next(one for one in EXPOSURES if one.kind == "bm_mnc_infusion")
SECOND = exposure("exp-inf-2", "bm_mnc_infusion", "2026-03-09T08:30", "2026-03-09T08:50", name="BM MNC")


def key_of(block: Block) -> str:
    assert not isinstance(block, Heading)
    return block.key


def lines(form: Form, key: str) -> list[str]:
    """In the form's language: English, or the words as they were typed."""
    block = form.block(key)
    assert isinstance(block, Field | Prose)
    return [one.words.en or one.words.vi for one in block.values]


def said(form: Form, key: str) -> str:
    return " | ".join(lines(form, key))


def ticks(form: Form, key: str) -> Ticks:
    block = form.block(key)
    assert isinstance(block, Ticks)
    return block


def why(form: Form, key: str) -> str:
    words = ticks(form, key).why
    return words.en if words else ""


def of(event: dict[str, Any] | None = None, **changed: Any) -> Form:
    """The whole case with this about its event changed."""
    if event is not None:
        changed["case"] = CASE.model_copy(update={"events": (EVENT.model_copy(update=event),)})
    return MENINGITIS.cioms(**changed)


def only(one: Exposure, *more: Exposure, **event: Any) -> Form:
    return of({"opinions": (), **event}, exposures=(one, *more), assessment=None)


def test_every_box_is_there_once_in_four_sections() -> None:
    for form in (MENINGITIS.cioms(), EMPTY.cioms()):
        found = {section.number: tuple(key_of(block) for block in section.blocks) for section in form.sections}
        assert found == IN_SECTION


def test_every_box_is_documented_under_its_title() -> None:
    page = (Path(__file__).parents[4] / "docs" / "forms.md").read_text(encoding="utf-8")
    for section in MENINGITIS.cioms().sections:
        for block in section.blocks:
            assert f"| {key_of(block)} | {block.label.en} |" in page


def test_every_empty_box_says_why_in_both_languages() -> None:
    empties = dict(EMPTY.cioms().empties())
    assert {"2", "2a", "3", "4", "5", "6", "8-12", "15", "16", "17", "18", "19", "22"} <= set(empties)
    assert all(reason.vi and reason.en for reason in empties.values())


# --- 1 to 3: the child


def test_1_is_the_code_and_never_a_name() -> None:
    assert lines(MENINGITIS.cioms(), "1") == ["CP-017", "Initials withheld: the code alone is used"]
    assert "code being verified" in said(EMPTY.cioms(), "1")


def test_1a_is_the_country_of_the_site_or_why_not() -> None:
    assert said(MENINGITIS.cioms(), "1a") == "VN"
    assert said(of(trial=replace(TRIAL, country="")), "1a") == "Site not known"


def test_2_never_gives_the_birth_date_and_2a_gives_the_age() -> None:
    form = of(subject=SUBJECT.model_copy(update={"birth": at("2021-06-17")}))
    assert said(form, "2") == "Withheld: the age is given"
    assert "2021" not in str([section for section in form.sections if section.number == 1])
    assert said(form, "2a") == "4 y 8 mo"


def test_3_is_the_sex_or_why_not() -> None:
    assert said(MENINGITIS.cioms(), "3") == "Female"
    assert said(of(subject=SUBJECT.model_copy(update={"sex": "unknown"})), "3") == "Not asked yet"
    assert "No subject record" in said(EMPTY.cioms(), "3")


# --- 4 to 6: onset of the first reaction


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-03-08T22:30", ("08", "MAR", "2026")),
        ("2026-03-08", ("08", "MAR", "2026")),
        ("2026-03", ("unknown", "MAR", "2026")),
        ("2026", ("unknown", "unknown", "2026")),
        ("2027-01-01", ("in the future, see 7",) * 3),
        (None, ("unknown",) * 3),
    ],
)
def test_4_to_6_are_cut_where_the_knowledge_ends(value: str | None, shown: tuple[str, ...]) -> None:
    form = of({"onset": at(value) if value else None})
    assert tuple(said(form, key) for key in "456") == shown


def test_4_to_6_are_of_the_earliest_reaction() -> None:
    other = EVENT.model_copy(update={"event_id": "event-2", "onset": at("2026-02-27")})
    form = of(case=CASE.model_copy(update={"events": (EVENT, other)}))
    assert [said(form, key) for key in "456"] == ["27", "FEB", "2026"]


# --- 7 + 13 and 8 to 12


def test_7_tells_the_reaction_its_times_its_course_and_the_tests() -> None:
    told = lines(MENINGITIS.cioms(), "7+13")
    assert told[:2] == ["Viêm màng não mủ sau truyền tế bào", "Meningitis (CTCAE 5.0, 10027199)"]
    assert "Onset: 2026-03-08 22:30 UTC+07:00" in told
    assert "End: Ongoing" in told
    assert "Outcome: Recovering" in told
    assert any("ceftriaxon" in one for one in told)
    assert any(one.startswith("Neutrophils · 18.20 10*9/L · 1.5 – 8.0") for one in told)
    assert not any("ALT" in one for one in told), "measured months before"


def test_7_numbers_several_reactions_and_says_when_there_is_none() -> None:
    other = EVENT.model_copy(update={"event_id": "event-2"})
    told = lines(of(case=CASE.model_copy(update={"events": (EVENT, other)})), "7+13")
    assert "Event 1/2" in told
    assert "Event 2/2" in told
    assert lines(EMPTY.cioms(), "7+13")[0] == "The report describes no event yet"


def test_7_says_that_a_text_was_taken_back() -> None:
    form = of({"description": FreeText(text="", redacted=True, sha256="ab" * 32)})
    assert "Removed because it held identifying information" in lines(form, "7+13")


def test_8_to_12_tick_what_the_facts_say_and_never_what_is_unanswered() -> None:
    block = ticks(MENINGITIS.cioms(), "8-12")
    assert set(block.ticked) == {"hospitalisation", "life_threatening", "medically_important"}
    notes = {one.key: one.note for one in block.options}
    assert notes["disability"] is not None
    assert notes["disability"].words.en == "unanswered: counts as serious"
    assert notes["death"] is None


@pytest.mark.parametrize(
    ("changed", "tick"),
    [
        ({"outcome": "fatal"}, "death"),
        ({"admission": "unplanned"}, "hospitalisation"),
        ({"admission_prolonged": "yes"}, "hospitalisation"),
    ],
)
def test_8_to_12_tick_a_criterion_told_in_another_field(changed: dict[str, Any], tick: str) -> None:
    quiet = {"seriousness": ALL_NO, "grades": (), "admission": "none", "outcome": "unknown"}
    assert ticks(of(quiet), "8-12").ticked == ()
    assert why(of(quiet), "8-12") == "No criterion was ticked"
    assert ticks(of(quiet | changed), "8-12").ticked == (tick,)


# --- 14 to 19: the suspect products


def test_14_is_what_somebody_judged_suspect_the_product_first() -> None:
    first, second = lines(MENINGITIS.cioms(), "14")
    assert first.startswith(
        "#1 BM MNC; Autologous bone-marrow mononuclear cell infusion, infusion 1; batch no. BATCH-0041"
    )
    assert "sterility: POSITIVE; Staphylococcus epidermidis" in first
    assert second == "#2 Lumbar puncture"


def test_14_follows_the_sponsor_only_when_it_is_signed() -> None:
    event = {"opinions": ()}
    judged = ASSESSMENT.events[0].relatedness[3].model_copy(update={"reasonable_possibility": "yes"})
    found = ASSESSMENT.events[0].model_copy(update={"relatedness": (judged,)})
    assert judged.exposure_kind == "piracetam"
    assert len(lines(of(event, assessment=ASSESSMENT.model_copy(update={"events": (found,)})), "14")) == 1
    signed = lines(of(event, assessment=SIGNED.model_copy(update={"events": (found,)})), "14")
    assert signed[1] == "#2 piracetam; Piracetam"


def test_14_names_the_product_when_no_exposure_is_known() -> None:
    form = EMPTY.cioms()
    assert lines(form, "14") == [
        "#1 Autologous BM MNC, suspension, intrathecal; No exposure recorded yet; missing exposure counts as exposed"
    ]
    for key in ("15", "16", "17", "18", "19"):
        assert "missing exposure counts as exposed" in said(form, key)


def test_what_was_begun_after_the_reaction_is_neither_suspect_nor_concomitant() -> None:
    drug = exposure("exp-ab", "antibiotic", "2026-03-09T04:00", name="ceftriaxone")
    form = only(INFUSION, SECOND, drug)
    assert len(lines(form, "14")) == 1
    assert "ceftriaxone" not in said(form, "22")
    assert sum(one.startswith("Begun after the reaction:") for one in lines(form, "7+13")) == 2
    blamed = (InvestigatorOpinion(exposure_id="exp-inf-2", related="yes"),)
    assert len(lines(only(INFUSION, SECOND, drug, opinions=blamed), "14")) == 2
    assert "No use before the reaction on record" in said(only(SECOND), "14")


def test_15_to_18_one_line_for_each_suspect() -> None:
    form = MENINGITIS.cioms()
    assert lines(form, "15") == [
        "#1 22.4 10*6/kg",
        "#2 Not stated in the report received",
        "Times a day: not collected",
    ]
    assert lines(form, "16") == ["#1 intrathecal", "#2 Not stated in the report received"]
    assert lines(form, "17") == ["#1 Not stated in the report received", "#2 Not stated in the report received"]
    assert lines(form, "18")[0] == "#1 2026-03-08 08:30 UTC+07:00 – 2026-03-08 08:50 UTC+07:00"


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2026-03-08T08:30", "2026-03-08T08:50", "20 min"),
        ("2026-03-07T08:30", "2026-03-08T10:31", "1 d 2 h 1 min"),
        ("2026-03-08T08:30", "2026-03-08T08:30", "0 min"),
        ("2026-03-01", "2026-03-08", "8 d (first and last day counted)"),
        ("2026-03-01", "2026-03-01", "1 d (first and last day counted)"),
        ("2026-03-01", "2026-03-08T10:00", "Dates not known well enough"),
        ("2026-02", "2026-03", "Dates not known well enough"),
        ("2026-03-08T08:50", "2026-03-08T08:30", "Dates not known well enough"),
        ("2026-03-08T08:30", None, "Not stated in the report received"),
    ],
)
def test_19_only_where_both_ends_are_known(start: str, end: str | None, shown: str) -> None:
    one = INFUSION.model_copy(update={"start": at(start), "end": at(end) if end else None})
    assert said(only(one), "19") == f"#1 {shown}"


def test_19_counts_days_where_the_clocks_change() -> None:
    start, end = (Moment(value=value, zone="Europe/Paris") for value in ("2026-03-28", "2026-03-30"))
    one = INFUSION.model_copy(update={"start": start, "end": end})
    assert said(only(one, onset=at("2026-04-02")), "19") == "#1 3 d (first and last day counted)"


def test_19_says_that_it_goes_on() -> None:
    one = INFUSION.model_copy(update={"end": None, "ongoing": True})
    assert said(only(one), "19") == "#1 Ongoing"


# --- 20 and 21: stopped, and given again


@pytest.mark.parametrize(
    ("action", "outcome", "tick", "reason"),
    [
        ("withdrawn", "recovered", ("yes",), "from action taken and outcome"),
        ("reduced", "recovering", ("yes",), "from action taken and outcome"),
        ("withdrawn", "not_recovered", ("no",), "from action taken and outcome"),
        ("withdrawn", "fatal", ("no",), "from action taken and outcome"),
        ("withdrawn", "unknown", (), "outcome unknown, or it differs"),
        ("unchanged", "recovered", ("na",), "not stopped or reduced"),
        ("increased", "recovered", ("na",), "not stopped or reduced"),
        ("not_applicable", "recovered", ("na",), "not stopped or reduced"),
        ("unknown", "recovered", (), "action taken: not asked"),
    ],
)
def test_20_is_derived_from_what_was_done_and_how_it_went_on(
    action: str, outcome: str, tick: tuple[str, ...], reason: str
) -> None:
    form = only(INFUSION.model_copy(update={"action_taken": action}), outcome=outcome)
    assert ticks(form, "20").ticked == tick
    assert reason in why(form, "20")


def test_20_gives_each_answer_where_they_differ() -> None:
    form = MENINGITIS.cioms()
    assert ticks(form, "20").ticked == ()
    assert why(form, "20") == "#1 YES: from action taken and outcome; #2 NA: not stopped or reduced"


def test_20_is_unknown_while_two_reactions_ended_differently() -> None:
    other = EVENT.model_copy(update={"event_id": "event-2", "outcome": "not_recovered", "opinions": ()})
    case = CASE.model_copy(update={"events": (EVENT, other)})
    form = MENINGITIS.cioms(case=case, exposures=(INFUSION,))
    assert "outcome unknown, or it differs" in why(form, "20")


@pytest.mark.parametrize(
    ("action", "again", "tick", "reason"),
    [
        ("withdrawn", (), ("na",), "no later use on record"),
        ("unchanged", (), ("na",), "not stopped or reduced"),
        ("unknown", (), (), "action taken: not asked"),
        ("withdrawn", (SECOND,), (), "given again; whether it reappeared was not asked"),
        ("not_applicable", (SECOND,), (), "given again; whether it reappeared was not asked"),
    ],
)
def test_21_is_never_guessed(action: str, again: tuple[Exposure, ...], tick: tuple[str, ...], reason: str) -> None:
    form = only(INFUSION.model_copy(update={"action_taken": action}), *again)
    assert ticks(form, "21").ticked == tick
    assert reason in why(form, "21")


def test_20_and_21_are_unknown_without_an_exposure_or_an_onset() -> None:
    assert "missing exposure counts as exposed" in why(EMPTY.cioms(), "20")
    assert "missing exposure counts as exposed" in why(EMPTY.cioms(), "21")
    assert "onset unknown" in why(only(INFUSION, onset=None), "21")


# --- 22 and 23


def test_22_is_everything_else_with_its_dates() -> None:
    told = lines(MENINGITIS.cioms(), "22")
    assert "piracetam; Piracetam; 400 (unit not given); PO; 2026-02, day unknown – Ongoing" in told
    assert any("Bone-marrow harvest" in one for one in told)
    assert not any("Rehabilitation" in one or "BM MNC" in one for one in told)
    assert said(EMPTY.cioms(), "22") == "None recorded so far"


def test_23_is_what_is_known_and_what_is_not_collected() -> None:
    told = lines(MENINGITIS.cioms(), "23")
    assert told[0] == "GMFCS level: III"
    assert told[1].startswith("Rehabilitation; Course 1, at a centre, technician")
    assert told[-1] == "Medical history: Not collected by this system"


# --- 24 to 26


def test_24a_and_24b() -> None:
    form = MENINGITIS.cioms()
    assert lines(form, "24a") == ["Trial sponsor", "Address: not stated in the trial file"]
    assert said(form, "24b") == "VN-VINMEC-2026-000123"


def test_24c_is_first_received_on_the_first_report_and_the_latest_news_on_a_follow_up() -> None:
    heard = FIRST.model_copy(update={"desk_aware": at("2026-03-09T02:20")})
    first = MENINGITIS.cioms(history=(heard,), report_number=0)
    assert lines(first, "24c") == ["2026-03-09 02:20 UTC+07:00"]
    later = MENINGITIS.cioms(history=(heard,), report_number=1)
    assert lines(later, "24c") == ["2026-03-10 08:00 UTC+07:00"]


def test_24c_is_our_own_record_where_nobody_said() -> None:
    assert lines(EMPTY.cioms(), "24c") == ["2026-03-09 02:25 UTC+07:00", "our own record: the latest it can be"]


def test_24c_of_a_follow_up_is_never_before_the_first() -> None:
    heard = FIRST.model_copy(update={"desk_aware": at("2026-03-09T02:20")})
    case = CASE.model_copy(update={"news_known": at("2026-03-01")})
    assert lines(MENINGITIS.cioms(case=case, history=(heard,)), "24c") == ["2026-03-09 02:20 UTC+07:00"]


@pytest.mark.parametrize(
    ("role", "ticked"),
    [
        ("clinician", ("study", "health_professional")),
        ("investigator", ("study", "health_professional")),
        ("technician", ("study", "health_professional")),
        ("caregiver_through_site", ("study",)),
        ("other", ("study",)),
    ],
)
def test_24d_is_the_study_and_who_reported(role: str, ticked: tuple[str, ...]) -> None:
    case = CASE.model_copy(update={"reporter_role": role})
    assert ticks(MENINGITIS.cioms(case=case), "24d").ticked == ticked


def test_25_is_the_day_and_25a_initial_or_follow_up() -> None:
    assert said(MENINGITIS.cioms(), "25") == "2026-03-10 09:15:00 UTC+07:00"
    assert ticks(MENINGITIS.cioms(report_number=0), "25a").ticked == ("initial",)
    follow_up = ticks(MENINGITIS.cioms(report_number=3), "25a")
    assert follow_up.ticked == ("follow_up",)
    assert follow_up.options[1].label.en == "FOLLOW-UP 3"


def test_26_masks_the_reporter_and_gives_both_opinions() -> None:
    told = lines(MENINGITIS.cioms(), "26")
    assert told[:2] == ["Reporter: Clinician", "Name and address of the reporter: withheld"]
    assert "user-7" not in str(MENINGITIS.cioms().sections)
    assert "Investigator, related to #1: Yes; Sốt 14 giờ sau truyền, dịch não tủy đục" in told
    assert "Investigator, related to Opioid: Unknown or not answered" in told
    assert any(one.startswith("Sponsor, #1: reasonable possibility: Yes") and "NOT SIGNED" in one for one in told)
    assert any(one.startswith("Sponsor, expectedness: Unexpected") for one in told)
    signed = lines(MENINGITIS.cioms(assessment=SIGNED), "26")
    assert not any("NOT SIGNED" in one for one in signed)
    assert "Sponsor: No assessment made yet" in lines(EMPTY.cioms(), "26")


def test_26_names_what_is_no_longer_on_record_and_warns_of_an_old_assessment() -> None:
    assert any("related to exp-lp" in one for one in lines(of(exposures=(INFUSION,)), "26"))
    assert any(one.startswith("STALE") for one in lines(of(subject=SUBJECT.model_copy(update={"version": 9})), "26"))


# --- every page


def test_the_stamps_are_those_of_the_vietnamese_form() -> None:
    void = CASE.model_copy(update={"nullified": Nullification(reason="duplicate", replaced_by="case-2")})
    duty = OBLIGATION.model_copy(update={"provisional": True, "provisional_why": ("no awareness",)})
    changed = {"case": void, "obligation": duty}
    form = MENINGITIS.cioms(**changed)
    assert [one.en for one in form.stamps] == [
        "NULLIFIED",
        "ILLUSTRATIVE",
        "PROVISIONAL CLOCK",
        "ASSESSMENT NOT SIGNED",
    ]
    assert form.stamps == MENINGITIS.form(**changed).stamps
    assert "replaced by case-2" in form.notices[0].en


def test_made_on_another_day_it_says_the_same() -> None:
    later = NOW.replace(hour=8)
    assert facts_sha256(MENINGITIS.cioms()) == facts_sha256(MENINGITIS.cioms(now=later))
    assert facts_sha256(MENINGITIS.cioms()) != facts_sha256(of({"outcome": "recovered"}))
    assert facts_sha256(MENINGITIS.cioms()) != facts_sha256(MENINGITIS.form())


def test_a_phone_report_says_that_the_reporter_did_not_know() -> None:
    six = DRAFT.model_copy(update={"events": (AdverseEvent(event_id="event-1", episode_id="episode-1"),)})
    form = EMPTY.cioms(case=six)
    assert why(form, "8-12") == "Reporter answered: don't know"
    assert "Onset: Reporter answered: don't know" in lines(form, "7+13")
    assert lines(
        EMPTY.cioms(case=six.model_copy(update={"events": (EVENT.model_copy(update={"verbatim": vi(" ")}),)})), "7+13"
    )
