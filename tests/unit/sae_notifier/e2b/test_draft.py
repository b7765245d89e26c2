"""What a case becomes: the meningitis told to two receivers, and the corners where guessing would be easy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.sae_notifier.e2b import Amendment, Block, Doubts, Facts, Profile, draft, write
from services.sae_notifier.e2b.draft.age import age_at
from services.sae_notifier.e2b.draft.intervals import between
from shared.case import AdverseEvent, CaseReport, CodedTerm, FreeText, Moment, Nullification
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, SENDER, STUDY, message
from tests.unit.sae_notifier.forms import samples

EVENT = samples.EVENT
at = samples.at


def told(
    case: CaseReport = CASE,
    facts: Facts = FACTS,
    profile: Profile = "ich",
    doubts: Doubts | None = None,
    **sent: object,
) -> Block:
    return draft(case, facts, profile, message(profile, **sent), doubts).batch.of("N.2.r")[0]


def rules(case: CaseReport = CASE, facts: Facts = FACTS, profile: Profile = "ich") -> set[str]:
    return {one.rule for one in draft(case, facts, profile, message(profile)).notices}


def with_event(**changed: object) -> CaseReport:
    return CASE.model_copy(update={"events": (EVENT.model_copy(update=changed),)})


def reaction(report: Block) -> Block:
    return report.of("E.i")[0]


def drug(report: Block, name: str) -> Block:
    return next(one for one in report.of("G.k") if one.text("G.k.2.2") == name)


def role(report: Block, name: str) -> str | None:
    own = drug(report, name).text("G.k.id")
    return next(one.text("G.k.1") for one in report.of("G.k.1") if one.text("G.k.1.drug") == own)


def views(report: Block, name: str) -> list[tuple[str | None, str | None, str | None]]:
    own = drug(report, name).text("G.k.id")
    return [
        (one.text("G.k.9.i.2.r.1"), one.text("G.k.9.i.2.r.2"), one.text("G.k.9.i.2.r.3"))
        for one in report.of("G.k.9.i.2.r")
        if one.text("G.k.9.i.2.r.drug") == own
    ]


def test_the_same_message_is_the_same_bytes() -> None:
    assert write(CASE, FACTS, "ich", message()) == write(CASE, FACTS, "ich", message())


def test_the_case_and_its_times() -> None:
    report = told()
    assert report.text("C.1.1") == report.text("N.2.r.1") == report.text("C.1.8.1") == "VN-VINMEC-2026-000123"
    assert report.text("C.1.2") == report.text("N.2.r.4") == "20260311100405+0700"
    assert report.text("C.1.4") == "202603090225+0700", "version 1 did not say when: our record of it"
    assert report.text("C.1.5") == "202603100800+0700", "the news of version 3"
    assert (report.text("C.1.3"), report.text("C.5.4")) == ("2", "1")


def test_first_received_never_moves_and_an_amendment_brings_no_news() -> None:
    report = told(first_received=at("2026-03-09"), amendment=Amendment("2", "recoded"))
    assert (report.text("C.1.4"), report.text("C.1.5")) == ("20260309", "20260309")
    assert (report.text("C.1.11.1"), report.text("C.1.11.2")) == ("2", "recoded")


def test_a_void_case_is_nullified_with_its_reason() -> None:
    report = told(CASE.model_copy(update={"nullified": Nullification(reason="duplicate")}))
    assert (report.text("C.1.11.1"), report.text("C.1.11.2")) == ("1", "duplicate")
    assert report.text("C.1.1") == report.text("C.1.8.1") == CASE.case_number


def test_news_told_for_the_future_counts_from_our_record() -> None:
    case = CASE.model_copy(update={"news_known": at("2027-01-01")})
    assert told(case).text("C.1.5") == "202603100830+0700"
    assert "awareness" in rules(case)


def test_nobody_can_be_recognised() -> None:
    xml = write(CASE, FACTS, "ich", message()).decode()
    report = told()
    assert report.cells["D.1"].null == "MSK"
    assert report.text("D.1.1.4") == "CP-017"
    assert "D.2.1" not in report.cells and "2021" not in xml, "no birth date, only an age"
    source = report.of("C.2.r")[0]
    assert {source.cells[name].null for name in ("C.2.r.1.1", "C.2.r.1.2", "C.2.r.1.4")} == {"MSK"}


def test_age_weight_and_history() -> None:
    report = told()
    assert (report.text("D.2.2a"), report.text("D.2.2b"), report.text("D.3")) == ("4", "a", "14.8")
    assert report.text("D.7.2") == (
        "Spastic cerebral palsy; GMFCS level III; "
        "Rehabilitation no. 1, at a centre, technician (2026-02-24 to 2026-03-05)"
    )
    assert told(facts=replace(FACTS, study=replace(STUDY, condition=""), subject=None, exposures=())).cells[
        "D.7.2"
    ].null == ("UNK")


@pytest.mark.parametrize(
    ("birth", "onset", "number", "group"),
    [
        ("2021-06", "2026-03-08", (4, "a"), "3"),
        ("2021-03", "2026-03-08", None, "3"),  # four or five
        ("2025-01", "2026-03-31", (14, "mo"), "2"),
        ("2025-03-09", "2026-03-08", (11, "mo"), "2"),
        ("2024-03", "2026-03", None, None),  # 23 to 24 months: infant or child
        ("2014-01", "2026-12", (12, "a"), "4"),
        ("2027", "2026-03-08", None, None),
    ],
)
def test_an_age_is_told_only_when_it_is_one(
    birth: str, onset: str, number: tuple[int, str] | None, group: str | None
) -> None:
    age = age_at(at(birth), at(onset))
    assert (age.number() if age else None) == number
    assert (age.group() if age else None) == group


def test_the_reaction_as_reported_and_as_coded() -> None:
    one = reaction(told())
    assert (one.text("E.i.1.1a"), one.text("E.i.1.1b")) == ("Viêm màng não mủ sau truyền tế bào", "vie")
    assert (one.text("E.i.2.1b"), one.text("E.i.2.1a")) == ("10027199", "20.1"), "CTCAE 5.0 prints MedDRA 20.1"
    assert one.text("E.i.4") == "202603082230+0700"
    assert (one.text("E.i.7"), one.text("E.i.8"), one.text("E.i.9")) == ("2", "true", "VN")
    serious = {name: cell for name, cell in one.cells.items() if name.startswith("E.i.3.2")}
    assert {name for name, cell in serious.items() if cell.text == "true"} == {"E.i.3.2b", "E.i.3.2c", "E.i.3.2f"}
    assert {cell.null for cell in serious.values() if cell.text is None} == {"NI"}, "E2B cannot say no"


def test_without_a_meddra_licence_a_finding_says_so() -> None:
    notice = next(one for one in draft(CASE, FACTS, "ich", message()).notices if one.rule == "coded-by-ctcae")
    assert (notice.element, notice.severity) == ("E.i.2.1b", "warning")
    assert "CTCAE 5.0" in notice.en and "MedDRA licence" in notice.en and "giấy phép MedDRA" in notice.vi
    assert "without a MedDRA licence" in (told().text("H.4") or "")
    assert reaction(told(doubts=Doubts(ctcae_version_as="ctcae"))).text("E.i.2.1a") == "5.0"


def test_with_meddra_nothing_is_said() -> None:
    term = CodedTerm(dictionary="MedDRA", version="29.1", code="10027199", term="Meningitis")
    assert "coded-by-ctcae" not in rules(with_event(term=term))
    assert reaction(told(with_event(term=term))).text("E.i.2.1a") == "29.1"


def test_an_event_nobody_coded_has_no_code() -> None:
    one = reaction(told(with_event(term=None)))
    assert "E.i.2.1b" not in one.cells and "E.i.2.1a" not in one.cells
    assert "uncoded" in rules(with_event(term=None))


@pytest.mark.parametrize(
    ("changed", "element"),
    [
        ({"outcome": "fatal", "seriousness": samples.FIRST_EVENT.seriousness}, "E.i.3.2a"),
        ({"admission_prolonged": "yes", "seriousness": samples.FIRST_EVENT.seriousness}, "E.i.3.2c"),
    ],
)
def test_a_criterion_told_in_another_field_is_ticked(changed: dict[str, object], element: str) -> None:
    assert reaction(told(with_event(**changed))).text(element) == "true"


def test_unanswered_seriousness_is_said() -> None:
    assert "unanswered" in rules(CASE.model_copy(update={"events": (AdverseEvent(event_id="e", episode_id="e"),)}))


def test_death() -> None:
    fatal = with_event(outcome="fatal", end=at("2026-03-10T04:00"))
    report = told(fatal)
    assert report.text("D.9.1") == "202603100400+0700"
    assert report.cells["D.9.3"].null == "UNK"
    assert report.of("D.9.2.r")[0].text("D.9.2.r.1b") == "10027199"
    assert told(with_event(outcome="fatal")).cells["D.9.1"].null == "NASK"
    assert "D.9.3" not in told().cells


def test_measurements_keep_their_digits_and_limits() -> None:
    tests = {one.text("F.r.2.1"): one for one in told().of("F.r")}
    neutrophils = tests["Neutrophils"]
    assert (neutrophils.text("F.r.3.2"), neutrophils.text("F.r.3.3")) == ("18.20", "10*9/L")
    assert (neutrophils.text("F.r.4"), neutrophils.text("F.r.5")) == ("1.5", "8.0")
    assert tests["Body temperature (nách)"].text("F.r.6") == "lasted 6 h"


def test_a_number_without_a_unit_is_words() -> None:
    measured = samples.MEASUREMENTS[1].model_copy(update={"unit": None})
    one = told(facts=replace(FACTS, measurements=(measured,))).of("F.r")[0]
    assert "F.r.3.2" not in one.cells
    assert one.text("F.r.3.4") == "18.20 (unit not given); normal from 1.5; normal to 8.0"


def test_the_infusion() -> None:
    report = told()
    one = drug(report, "BM MNC")
    assert report.of("G.k")[0] is one, "the suspect comes first"
    dose = one.of("G.k.4.r")[0]
    assert (dose.text("G.k.4.r.1a"), dose.text("G.k.4.r.1b")) == ("22.4", "10*6/kg")
    assert (dose.text("G.k.4.r.4"), dose.text("G.k.4.r.5")) == ("202603080830+0700", "202603080850+0700")
    assert (dose.text("G.k.4.r.7"), dose.text("G.k.4.r.10.1")) == ("BATCH-0041", "intrathecal")
    assert one.text("G.k.8") == "1"
    assert [each.text("G.k.10.r") for each in one.of("G.k.10.r")] == ["6"], "the culture was positive"
    assert "viability 96.50 %" in (one.text("G.k.11") or "")
    first, last = one.of("G.k.9.i.3.1")[0], one.of("G.k.9.i.3.2")[0]
    assert (first.text("G.k.9.i.3.1a"), last.text("G.k.9.i.3.2a")) == ("840", "820")


def test_procedures_are_told_and_are_no_drugs() -> None:
    report = told()
    names = {one.text("G.k.2.2") for one in report.of("G.k")}
    assert names == {"BM MNC", "propofol", "piracetam", "vitamin D3"}
    assert "Procedure: Lumbar puncture" in (report.text("H.1") or "")


def test_what_was_begun_after_the_event_treats_it() -> None:
    late = samples.exposure("exp-abx", "antibiotic", "2026-03-09T01:00", name="ceftriaxone")
    report = told(facts=replace(FACTS, exposures=(*FACTS.exposures, late)))
    assert "ceftriaxone" not in {one.text("G.k.2.2") for one in report.of("G.k")}
    assert "Begun after the event: ceftriaxone" in (report.text("H.1") or "")


def test_what_was_voided_is_not_told() -> None:
    voided = tuple(one.model_copy(update={"voided": True}) for one in FACTS.exposures if one.exposure_id == "exp-vit")
    others = tuple(one for one in FACTS.exposures if one.exposure_id != "exp-vit")
    assert "vitamin D3" not in {
        one.text("G.k.2.2") for one in told(facts=replace(FACTS, exposures=others + voided)).of("G.k")
    }


def test_a_missing_infusion_is_not_an_absent_one() -> None:
    facts = replace(FACTS, exposures=())
    assert role(told(facts=facts), FACTS.product) == "1"
    assert "no-exposure" in rules(facts=facts)
    said_no = CASE.model_copy(update={"given": samples.DRAFT.given.model_copy(update={"answer": "no"})})
    assert role(told(said_no, facts), FACTS.product) == "4"


def test_roles() -> None:
    report = told()
    assert role(report, "BM MNC") == "1"
    assert role(report, "propofol") == "2"
    opinion = EVENT.opinions[0].model_copy(update={"exposure_id": "exp-sed"})
    assert role(told(with_event(opinions=(opinion,))), "propofol") == "1", "an investigator suspects it"


def test_who_thinks_what_at_ich() -> None:
    found = views(told(), "BM MNC")
    assert ("Investigator", None, "Related") in found
    assert ("Sponsor", "Reasonable possibility", "Reasonable possibility") in found
    assert views(told(), "vitamin D3") == [("Investigator", None, "Not related")], "told of the kind"


def test_who_thinks_what_at_fda() -> None:
    report = told(profile="fda-premarket")
    assert views(report, "BM MNC") == [("Sponsor", "FDA", "Suspected"), ("Investigator", "FDA", "Suspected")]
    assert views(report, "piracetam") == [("Sponsor", "FDA", "Not Suspected")]
    assert views(report, "propofol") == []


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, assessment=None),
        replace(FACTS, assessment=samples.ASSESSMENT),  # not signed
        replace(FACTS, subject=samples.SUBJECT.model_copy(update={"version": 3})),  # newer than what was judged
        replace(FACTS, measurements=(*FACTS.measurements, samples.measurement("m-9", "crp", "80", None))),
    ],
    ids=["none", "unsigned", "stale", "a document it never saw"],
)
def test_only_a_signed_and_fresh_assessment_speaks_for_the_sponsor(facts: Facts) -> None:
    report = told(facts=facts)
    assert {source for source, _, _ in views(report, "BM MNC")} == {"Investigator"}
    assert "not signed" in (report.text("H.4") or "")
    assert views(told(facts=facts, profile="fda-premarket"), "BM MNC")[0] == ("Sponsor", "FDA", "Suspected")
    assert "unanswered" in rules(facts=facts, profile="fda-premarket")


def test_of_two_opinions_of_one_source_the_graver_counts() -> None:
    yes = EVENT.opinions[0]
    no = yes.model_copy(update={"related": "no"})
    for opinions in ((no, yes), (yes, no)):
        assert ("Investigator", None, "Related") in views(told(with_event(opinions=opinions)), "BM MNC")


def test_expectedness_and_words_stand_in_the_comments() -> None:
    report = told()
    assert "expected no (reference safety information 1.0)" in (report.text("H.4") or "")
    assert "Sốt 14 giờ sau truyền" in (report.text("H.2") or "")
    native = report.of("H.5.r")[0]
    assert native.text("H.5.r.1b") == "vie"
    assert "chọc dò" in (native.text("H.5.r.1a") or "").lower()


def test_the_sponsors_view_of_a_procedure_is_told_although_it_is_no_drug() -> None:
    """It has no G.k, so G.k.9.i cannot hold it."""
    comments = told().text("H.4") or ""
    assert "relation to Lumbar puncture, 2026-03-08T08:20 (Asia/Ho_Chi_Minh): reasonable possibility yes" in comments
    assert "relation to Bone-marrow harvest" in comments
    assert "relation to BM MNC" not in comments, "that one stands in G.k.9.i"
    assert "Meningitis is not in the reference safety information" in comments


def everything(report: Block) -> str:
    return "\n".join(cell.text for block in report.walk() for cell in block.cells.values() if cell.text)


LATE = samples.exposure(
    "exp-abx",
    "antibiotic",
    "2026-03-09T01:00",
    name="ceftriaxone",
    route="INTRAOSSEOUS",
    indication="SEPSIS",
    ongoing=True,
)
PROCEDURE = samples.exposure("exp-lp2", "lumbar_puncture", "2026-03-07T08:20", route="L3-L4", indication="CELL COUNT")
BATCH = FACTS.batches[0].model_copy(
    update={
        "harvested": at("2026-03-08T07:31"),
        "released": at("2026-03-08T08:16"),
        "sterility_on": at("2026-03-10T09:17"),
    }
)
CHILD = samples.SUBJECT.model_copy(update={"enrolled": at("2026-02-03"), "left": at("2026-03-10T11:12")})
FULL = replace(FACTS, exposures=(*FACTS.exposures, LATE, PROCEDURE), batches=(BATCH,), subject=CHILD)


@pytest.mark.parametrize(
    "words",
    [
        "Onset 2026-03-08T22:30 (Asia/Ho_Chi_Minh), ongoing",
        "ceftriaxone, 2026-03-09T01:00 (Asia/Ho_Chi_Minh) to ongoing, INTRAOSSEOUS, for SEPSIS",
        "L3-L4, for CELL COUNT",
        "Vitamin; ongoing",
        "harvested 2026-03-08T07:31",
        "released 2026-03-08T08:16",
        "on 2026-03-10T09:17",
        "enrolled 2026-02-03",
        "left the trial 2026-03-10T11:12",
    ],
)
@pytest.mark.parametrize("profile", ["ich", "fda-premarket"])
def test_what_has_no_element_of_its_own_is_told_in_words(words: str, profile: Profile) -> None:
    assert words in everything(told(facts=FULL, profile=profile))


def test_an_end_that_is_known_is_not_called_ongoing() -> None:
    assert ", ongoing" not in (told(with_event(end=at("2026-03-10"))).text("H.1") or "").split("Course")[0]


def test_whether_a_suspect_was_given_again() -> None:
    """Nobody asks whether the reaction came back: only that there was no occasion can be told."""
    (row,) = drug(told(), "BM MNC").of("G.k.9.i.4")
    assert (row.text("G.k.9.i.4"), row.text("G.k.9.i.4.reaction")) == ("4", reaction(told()).text("E.i.id"))
    assert drug(told(), "propofol").of("G.k.9.i.4") == []
    again = samples.exposure("exp-inf-2", "bm_mnc_infusion", "2026-03-09T08:30", name="BM MNC again")
    facts = replace(FACTS, exposures=(*FACTS.exposures, again))
    assert drug(told(facts=facts), "BM MNC").of("G.k.9.i.4") == []
    unknown = tuple(one.model_copy(update={"action_taken": "unknown"}) for one in FACTS.exposures)
    assert drug(told(facts=replace(FACTS, exposures=unknown)), "BM MNC").of("G.k.9.i.4") == []


def test_comments_name_what_was_given_and_not_our_ids() -> None:
    """Whoever reads them has never seen an id of ours."""
    report = told()
    spoken = f"{report.text('H.2')}\n{report.text('H.4')}"
    ours = [one.exposure_id for one in FACTS.exposures] + [one.event_id for one in CASE.events]
    assert not [one for one in ours if one in spoken]
    assert f"Sponsor on {EVENT.term.term if EVENT.term else ''}: expected" in spoken
    assert "relation to BM MNC, 2026-03-08T08:30" in spoken


def test_fda_gets_its_own_elements_and_ich_none_of_them() -> None:
    fda = told(profile="fda-premarket")
    assert (fda.text("FDA.C.1.7.1"), fda.text("FDA.C.1.12"), fda.text("FDA.C.5.5a")) == ("6", "false", "123456")
    assert [one.text("FDA.C.5.6.r") for one in fda.of("FDA.C.5.6.r")] == ["222222"]
    assert not [name for block in told().walk() for name in block.cells if name.startswith("FDA.")]
    alone = told(facts=replace(FACTS, study=replace(STUDY, cross_reported=())), profile="fda-premarket")
    assert alone.of("FDA.C.5.6.r")[0].cells["FDA.C.5.6.r"].null == "NA"


def test_a_long_text_is_cut_and_kept_whole_in_the_narrative() -> None:
    whole = "sốt " * 100
    report = told(with_event(verbatim=FreeText(text=whole, language="vi")))
    cut = reaction(report).text("E.i.1.1a") or ""
    assert len(cut) == 250 and cut.endswith("…")
    assert f"E.i.1.1a in full: {whole}" in (report.text("H.1") or "")
    assert "cut" in rules(with_event(verbatim=FreeText(text=whole)))


def test_an_identifier_is_never_cut() -> None:
    case = CASE.model_copy(update={"subject_id": "S" * 40})
    assert told(case).text("D.1.1.4") == "S" * 40


def test_what_was_taken_back_stays_back() -> None:
    back = FreeText(text="", redacted=True, sha256="ab" * 32)
    report = told(with_event(verbatim=back, description=back))
    assert "E.i.1.1a" not in reaction(report).cells
    assert "[withheld]" in (report.text("H.1") or "")


def test_a_time_in_the_future_is_left_out_and_said() -> None:
    assert "E.i.4" not in reaction(told(with_event(onset=at("2027-03-08")))).cells
    assert "future" in rules(with_event(onset=at("2027-03-08")))


@pytest.mark.parametrize(
    ("begun", "onset", "found"),
    [
        ("2026-03-08T08:30", "2026-03-08T22:30", (840, "min")),
        ("2026-03-08T08:30", "2026-03-10", (2, "d")),
        ("2026-03-08", "2026-03-08T22:30", (0, "d")),
        ("2026-03", "2026-03-08T22:30", None),
        ("2026-03-08T23:30", "2026-03-08T22:30", None),
        ("2025-03-08T08:30", "2026-03-08T22:30", (365, "d")),
        ("2026-03-08T08", "2026-03-08T22:30", None),
    ],
)
def test_an_interval_is_told_only_when_it_is_one(begun: str, onset: str, found: tuple[int, str] | None) -> None:
    assert between(at(begun), at(onset)) == found


def test_a_bare_case_is_still_a_file() -> None:
    bare = replace(FACTS, subject=None, exposures=(), batches=(), measurements=(), assessment=None, sender=SENDER)
    report = told(samples.DRAFT, bare)
    assert not report.of("E.i")
    assert report.text("H.1")


def test_a_message_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        message(created_at=datetime(2026, 3, 11))
    assert message(created_at=datetime(2026, 3, 11, tzinfo=UTC)).initial is False


def test_a_moment_of_a_repeated_hour_has_an_offset() -> None:
    repeated = Moment(value="2025-11-02T01:30", zone="America/New_York")
    assert reaction(told(with_event(onset=repeated))).text("E.i.4") == "202511020130-0400"


def test_a_unit_that_ucum_does_not_know_is_words() -> None:
    """`mmHg` would be refused by the receiver's list of units; the number and what was written stand as text."""
    pressure = FACTS.measurements[0].model_copy(update={"value": "140", "unit": "mmHg"})
    (test,) = told(facts=replace(FACTS, measurements=(pressure,))).of("F.r")
    assert (test.text("F.r.3.2"), test.text("F.r.3.4")) == (None, "140 mmHg")
