"""What changed since the version last received, field by field."""

from __future__ import annotations

from services.sae_notifier.forms import times
from services.sae_notifier.forms.diff import OWN, Change, changes
from services.sae_notifier.forms.fields import Table, Value
from services.sae_notifier.forms.vocabulary import NAMES
from shared.case import (
    AdverseEvent,
    CaseReport,
    Given,
    InvestigatorOpinion,
    Moment,
    Nullification,
    Seriousness,
)
from tests.unit.sae_notifier.forms.samples import CASE, EMPTY, EVENT, FIRST, MENINGITIS, SECOND, ZONE, at, vi


def told(moment: Moment) -> Value:
    return times.told(moment, ZONE)


def found(old: CaseReport, new: CaseReport) -> dict[str, Change]:
    return {"/".join(change.path): change for change in changes(old, new, told)}


def amended(**changed: object) -> CaseReport:
    return CASE.model_copy(update={"events": (EVENT.model_copy(update=changed),)})


def test_nothing_changed_between_equal_documents() -> None:
    assert found(CASE, CASE) == {}
    assert found(FIRST, SECOND) == {}, "a version's own metadata is not a change of the case"


def test_old_and_new_are_both_shown() -> None:
    change = found(CASE, amended(onset=at("2026-03-08T21:00")))["events/event-1/onset"]
    assert change.old[0].words.vi == "2026-03-08 22:30 UTC+07:00"
    assert change.new[0].words.vi == "2026-03-08 21:00 UTC+07:00"
    assert change.label.en == "Event 1: onset"


def test_a_field_that_appears_or_goes_is_shown_against_empty() -> None:
    gone = found(CASE, amended(description=None))["events/event-1/description"]
    assert gone.new[0].kind == "absent"
    appeared = found(FIRST, CASE)["desk_aware"]
    assert appeared.old[0].kind == "absent"


def test_an_answer_that_changes_is_named_in_words() -> None:
    change = found(CASE, amended(seriousness=EVENT.seriousness.model_copy(update={"death": "yes"})))
    assert list(change) == ["events/event-1/seriousness/death"]
    assert change["events/event-1/seriousness/death"].new[0].words.en == "Yes"


def test_a_removed_and_an_added_event_are_told_apart() -> None:
    other = EVENT.model_copy(update={"event_id": "event-2"})
    change = found(CASE, CASE.model_copy(update={"events": (other,)}))
    assert change["events/event-1/verbatim"].new[0].kind == "absent"
    assert change["events/event-2/verbatim"].old[0].kind == "absent"
    assert change["events/event-2/verbatim"].label.en.startswith("Event 2")


def test_two_opinions_on_one_kind_hide_neither() -> None:
    opinions = (
        InvestigatorOpinion(kind="opioid", related="no"),
        InvestigatorOpinion(kind="opioid", related="yes", reason=vi("x")),
    )
    change = found(CASE, amended(opinions=opinions))["events/event-1/opinions/opioid"]
    assert [value.words.en or value.words.vi for value in change.new] == ["No", "Yes; x"]


def test_every_field_of_a_case_has_a_name() -> None:
    models = (CaseReport, AdverseEvent, Seriousness, Given, Nullification)
    missing = {name for model in models for name in model.model_fields} - set(NAMES) - OWN
    assert missing == set()


def test_the_form_compares_with_what_was_received_only() -> None:
    table = MENINGITIS.form().block("changes")
    assert isinstance(table, Table)
    assert len(table.rows) > 10
    nothing = MENINGITIS.form(last_received=None).block("changes")
    assert isinstance(nothing, Table)
    assert nothing.rows == ()
    assert nothing.why is not None
    assert "nothing to compare" in nothing.why.en
    versions = MENINGITIS.form().block("versions")
    assert isinstance(versions, Table)
    assert [row[0][0].words.vi for row in versions.rows] == ["1", "2", "3"]
    assert EMPTY.form().block("changes")
