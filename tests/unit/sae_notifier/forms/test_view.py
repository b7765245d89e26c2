"""What the form says about a case, and why a place is empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.fields import Field, Prose, Table, Ticks, Values
from services.sae_notifier.forms.form import Form
from services.sae_notifier.forms.words import Words
from shared.case import AdverseEvent, FreeText, Nullification
from shared.case.text import withheld
from shared.errors import Refused
from tests.unit.sae_notifier.forms.samples import (
    ASSESSMENT,
    BATCHES,
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
)

SIX_FIELDS = DRAFT.model_copy(update={"events": (AdverseEvent(event_id="event-1", episode_id="episode-1"),)})


def words(values: Values) -> str:
    return " | ".join(str(value.words) for value in values)


def said(form: Form, key: str) -> str:
    block = form.block(key)
    assert isinstance(block, Field | Prose)
    return words(block.values)


def table(form: Form, key: str) -> Table:
    block = form.block(key)
    assert isinstance(block, Table)
    return block


def ticked(form: Form, key: str) -> tuple[str, ...]:
    block = form.block(key)
    assert isinstance(block, Ticks)
    return block.ticked


def stamps(form: Form) -> str:
    return " ".join(str(stamp) for stamp in form.stamps)


def test_sections_one_to_nine_and_the_changes() -> None:
    assert [section.number for section in MENINGITIS.form().sections] == list(range(1, 11))


@pytest.mark.parametrize("case", [DRAFT, SIX_FIELDS])
def test_every_empty_field_of_a_six_field_draft_says_why_in_both_languages(case) -> None:
    empties = list(EMPTY.form(case=case).empties())
    assert len(empties) > 25
    assert all(why.vi and why.en and why.vi != why.en for _, why in empties)


def test_a_field_without_a_reason_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="onset"):
        Field("onset", Words("a", "b"), ())
    with pytest.raises(ValueError, match="outcome"):
        Ticks("outcome", Words("a", "b"), ())
    with pytest.raises(ValueError, match="doses"):
        Table("doses", Words("a", "b"), (), ())


def test_the_phone_page_asked_and_the_reporter_did_not_know() -> None:
    form = EMPTY.form(case=SIX_FIELDS)
    assert "don't know" in said(form, "event-1.onset")
    assert "don't know" in said(form, "given")


def test_another_source_did_not_ask() -> None:
    form = EMPTY.form(case=SIX_FIELDS.model_copy(update={"source": "api"}))
    assert "Not stated in the report received" in said(form, "event-1.onset")
    assert "Not asked yet" in said(form, "event-1.end")


def test_an_earlier_phone_version_still_counts_as_asked() -> None:
    later = SIX_FIELDS.model_copy(update={"version": 2, "source": "amendment_page"})
    assert "don't know" in said(EMPTY.form(case=later, history=(SIX_FIELDS,)), "event-1.onset")


def test_initials_are_withheld_by_design() -> None:
    assert "Withheld by design" in said(MENINGITIS.form(), "subject_initials")
    assert said(MENINGITIS.form(), "subject_code") == "CP-017"


def test_an_unknown_code_is_marked() -> None:
    assert "being verified" in said(EMPTY.form(), "subject_code")


def test_times_stand_in_the_site_zone_with_their_offset() -> None:
    form = MENINGITIS.form()
    assert said(form, "site_aware") == "2026-03-09 02:10 UTC+07:00"
    assert "2026-03-09 02:20 UTC+07:00 (told as 2026-03-08 19:20 UTC+00:00, UTC)" in said(form, "desk_aware")
    assert said(form, "recorded_at") == "2026-03-10 08:30:00 UTC+07:00"


def test_a_partial_date_stays_partial() -> None:
    form = MENINGITIS.form()
    assert said(form, "birth") == "2021-06, chưa rõ ngày / 2021-06, day unknown"
    elsewhere = MENINGITIS.form(subject=SUBJECT.model_copy(update={"birth": at("2021", "Europe/Paris")}))
    assert "2021 (Europe/Paris), month and day unknown" in said(elsewhere, "birth")


def test_age_is_an_interval_when_the_birth_date_is_partial() -> None:
    assert "4 y 8 mo – 4 y 9 mo" in said(MENINGITIS.form(), "age")


def test_age_refuses_a_birth_after_onset() -> None:
    form = MENINGITIS.form(subject=SUBJECT.model_copy(update={"birth": at("2027-01")}))
    assert "to be checked" in said(form, "age")


def test_a_future_time_is_kept_as_typed_and_asked_back() -> None:
    event = EVENT.model_copy(update={"onset": at("2027-03-08T22:30")})
    shown = said(MENINGITIS.form(case=CASE.model_copy(update={"events": (event,)})), "event-1.onset")
    assert "2027-03-08 22:30" in shown
    assert "being asked back" in shown


def test_missing_awareness_is_marked_provisional() -> None:
    assert "PROVISIONAL" in said(EMPTY.form(), "site_aware")
    assert "PROVISIONAL" not in said(MENINGITIS.form(), "site_aware")
    duty = OBLIGATION.model_copy(update={"provisional": True, "provisional_why": ("no awareness",)})
    form = MENINGITIS.form(obligation=duty)
    assert "PROVISIONAL" in said(form, "site_aware")
    assert "PROVISIONAL" in said(form, "duty")
    assert "PROVISIONAL CLOCK" in stamps(form)


def test_seriousness_ticks_only_what_was_answered_yes() -> None:
    form = MENINGITIS.form()
    assert ticked(form, "event-1.seriousness") == ("life_threatening", "hospitalisation", "medically_important")
    block = form.block("event-1.seriousness")
    assert isinstance(block, Ticks)
    notes = {option.key: option.note for option in block.options}
    disability, death = notes["disability"], notes["death"]
    assert disability is not None
    assert disability.words is reasons.SERIOUS_UNTIL_ANSWERED
    assert death is not None
    assert death.kind == "given"
    assert ticked(form, "event-1.outcome") == ("recovering",)


def test_initial_and_follow_up() -> None:
    assert ticked(EMPTY.form(), "report_type") == ("initial",)
    assert ticked(MENINGITIS.form(), "report_type") == ("additional",)
    assert said(MENINGITIS.form(), "report_number") == "VN-VINMEC-2026-000123/01"


def test_the_form_goes_to_the_recipient_of_the_duty() -> None:
    assert len(EMPTY.form().addressees) == 2
    assert [one.en for one in MENINGITIS.form().addressees] == ["National Ethics Committee"]
    unknown = OBLIGATION.model_copy(update={"recipient_id": "elsewhere"})
    assert MENINGITIS.form(obligation=unknown).addressees == (Words("elsewhere"),)


def row(form: Form, key: str, name: str) -> list[str]:
    return next(cells for cells in ([words(cell) for cell in row] for row in table(form, key).rows) if name in cells[0])


def test_opinions_stand_side_by_side_and_a_proposal_is_never_ticked() -> None:
    cells = row(MENINGITIS.form(), "event-1.causality", "BM MNC")
    assert cells[1:4] == ["☒", "☐", "☐"]
    assert cells[5:8] == ["◇", "☐", "☐"]
    assert "PROPOSAL, NOT SIGNED" in cells[8]


def test_a_signed_opinion_is_ticked() -> None:
    form = MENINGITIS.form(assessment=SIGNED)
    assert row(form, "event-1.causality", "BM MNC")[5:8] == ["☒", "☐", "☐"]
    assert "NOT SIGNED" not in stamps(form)
    assert "monitor-1" in said(form, "assessment")


@pytest.mark.parametrize(
    "changed",
    [
        {"exposures": (EXPOSURES[0].model_copy(update={"version": 2}), *EXPOSURES[1:])},
        {"exposures": (EXPOSURES[0].model_copy(update={"version": 2, "voided": True}), *EXPOSURES[1:])},
        {"exposures": (*EXPOSURES, EXPOSURES[0].model_copy(update={"exposure_id": "exp-new"}))},
        {"subject": SUBJECT.model_copy(update={"version": 3})},
        {"case": CASE.model_copy(update={"version": 4})},
    ],
)
def test_a_signature_over_older_facts_is_stale_and_counts_as_a_proposal(changed) -> None:
    form = MENINGITIS.form(assessment=SIGNED, **changed)
    assert "STALE" in said(form, "assessment")
    assert "ASSESSMENT NOT SIGNED" in stamps(form)
    assert row(form, "event-1.causality", "BM MNC")[5] == "◇"


def test_an_opinion_on_something_not_on_record_is_shown() -> None:
    assert row(MENINGITIS.form(), "event-1.causality", "Opioid")[1:4] == ["☐", "☐", "☒"]
    form = MENINGITIS.form(exposures=EXPOSURES[2:])
    assert "not on record" in row(form, "event-1.causality", "exp-inf")[0]


def test_illustrative_is_stamped_from_the_assessment_or_the_trial() -> None:
    assert "ILLUSTRATIVE" in stamps(MENINGITIS.form(assessment=ASSESSMENT))
    assert "ILLUSTRATIVE" not in stamps(MENINGITIS.form(assessment=SIGNED))
    assert "ILLUSTRATIVE" in stamps(EMPTY.form(trial=replace(TRIAL, illustrative=True)))


def test_a_nullified_case_says_so() -> None:
    void = CASE.model_copy(update={"nullified": Nullification(reason="duplicate", replaced_by="case-2")})
    form = MENINGITIS.form(case=void)
    assert "NULLIFIED" in stamps(form)
    assert "replaced by case-2" in str(form.notices[0])


def test_redacted_text_says_so_and_gives_no_hash_away() -> None:
    event = EVENT.model_copy(update={"description": FreeText(text="", redacted=True, sha256="ab" * 32)})
    shown = said(MENINGITIS.form(case=CASE.model_copy(update={"events": (event,)})), "event-1.course")
    assert "identifying information" in shown
    assert "ab" * 32 not in shown, "a short text can be guessed from its hash"


@pytest.mark.parametrize("field", ["indication", "organism", "void"])
def test_a_short_text_taken_back_says_so_too(field: str) -> None:
    mark = withheld("0d" * 32)
    given = tuple(one.model_copy(update={"indication": mark}) for one in EXPOSURES)
    batches = tuple(one.model_copy(update={"organism": mark}) for one in BATCHES)
    case = CASE.model_copy(update={"nullified": Nullification(reason=mark)})
    form = {
        "indication": lambda: MENINGITIS.form(exposures=given),
        "organism": lambda: MENINGITIS.form(batches=batches),
        "void": lambda: MENINGITIS.form(case=case),
    }[field]()
    assert "identifying information" in str(form)
    assert "0d" * 32 not in str(form)


def test_voided_records_are_not_printed() -> None:
    gone = tuple(one.model_copy(update={"voided": True}) for one in EXPOSURES)
    doses = table(MENINGITIS.form(exposures=gone), "doses")
    assert doses.rows == ()
    assert doses.why is reasons.NO_EXPOSURE


def test_old_findings_are_counted_not_printed() -> None:
    findings = table(MENINGITIS.form(), "findings")
    assert len(findings.rows) == 5
    assert "5 of 6" in findings.label.en
    assert "ALT" not in str(findings.rows)


def test_several_events_each_have_their_block() -> None:
    second = EVENT.model_copy(update={"event_id": "event-2", "outcome": "recovered"})
    form = MENINGITIS.form(case=CASE.model_copy(update={"events": (EVENT, second)}))
    assert ticked(form, "event-2.outcome") == ("recovered",)
    assert len(table(form, "event-2.causality").rows) == len(table(form, "event-1.causality").rows)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"subject": SUBJECT.model_copy(update={"subject_id": "CP-018"})}, "/subject"),
        ({"exposures": (EXPOSURES[0].model_copy(update={"subject_id": "CP-018"}),)}, "/exposures/0"),
        ({"assessment": ASSESSMENT.model_copy(update={"case_id": "case-9"})}, "/assessment"),
        ({"last_received": FIRST.model_copy(update={"case_id": "case-9"})}, "/last_received"),
        ({"trial": replace(TRIAL, trial_id="trial-9")}, "/trial"),
        ({"report_number": -1}, "/report_number"),
        ({"now": NOW.replace(tzinfo=None)}, "/now"),
    ],
)
def test_another_childs_document_is_refused_by_name(changed, name) -> None:
    with pytest.raises(Refused) as refused:
        MENINGITIS.form(**changed)
    assert [problem.pointer for problem in refused.value.problems] == [name]


def test_equal_inputs_make_equal_forms() -> None:
    assert MENINGITIS.form() == MENINGITIS.form()
    assert MENINGITIS.form() != MENINGITIS.form(now=NOW + timedelta(seconds=1))
