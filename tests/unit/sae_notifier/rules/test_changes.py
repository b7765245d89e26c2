"""What later knowledge does to a duty: never later, never doubled, never quietly gone."""

from __future__ import annotations

import pytest

from services.sae_notifier.rules import Duty, Told
from services.sae_notifier.rules.evaluate import evaluate
from services.sae_notifier.rules.history import History
from shared.case import CaseReport, Nullification, Seriousness
from tests.unit.sae_notifier.rules.cases import (
    CALENDARS,
    DIED,
    HARMLESS,
    HOSPITALISED,
    NOW,
    RULES,
    THREATENED,
    UNANSWERED,
    assessment,
    duties,
    moment,
    necbr,
    stored,
    to,
    trial,
    version,
)


def then(number: int, serious: Seriousness, day: str, **fields: object) -> CaseReport:
    """An amendment whose news is of that day in March, recorded an hour later."""
    return version(number, serious, news=f"2026-03-{day}T09:00", recorded=f"2026-03-{day}T10:00", **fields)  # type: ignore[arg-type]


def codes(duty: Duty) -> list[str]:
    return [cause.code for cause in duty.causes]


def test_an_upgrade_counts_from_the_news_and_moves_the_same_duty() -> None:
    before = necbr(duties(version()))
    after = necbr(duties(version(), then(2, DIED, "10")))
    assert after.obligation_id == before.obligation_id
    assert (after.rule_id, str(after.due_on), str(after.day_0)) == ("VN-SAE-7WD", "2026-03-19", "2026-03-10")
    assert codes(after) == ["became_reportable", "upgraded"]


def test_an_upgrade_never_ends_later_than_the_open_date() -> None:
    after = necbr(duties(version(), then(2, THREATENED, "25")))
    assert (after.rule_id, str(after.due_on)) == ("VN-SAE-7WD", "2026-03-30")
    assert "upgraded_open_due_stays" in codes(after)


def test_what_becomes_serious_later_counts_from_then() -> None:
    assert duties(version(serious=HARMLESS)) == ()
    after = necbr(duties(version(serious=HARMLESS), then(2, HOSPITALISED, "12")))
    assert str(after.day_0) == "2026-03-12"


def test_a_stated_class_is_never_relaxed_by_an_amendment() -> None:
    after = necbr(duties(version(serious=THREATENED), then(2, HOSPITALISED, "10")))
    assert (after.rule_id, str(after.due_on)) == ("VN-SAE-7WD", "2026-03-18")
    assert "downgrade_not_relaxed" in codes(after)


def test_an_assumed_class_relaxes_the_legal_date_once_answered_and_never_the_strict_one() -> None:
    after = necbr(duties(version(serious=UNANSWERED), then(2, HOSPITALISED, "10")))
    assert (after.rule_id, str(after.due_on), str(after.due_strict_on)) == ("VN-SAE-15WD", "2026-03-30", "2026-03-18")
    assert "assumption_answered" in codes(after)


def test_an_amendment_that_leaves_the_question_open_moves_nothing() -> None:
    before = necbr(duties(version(serious=UNANSWERED)))
    after = necbr(duties(version(serious=UNANSWERED), then(2, UNANSWERED, "12"), then(3, DIED, "16")))
    assert (after.due_at, after.due_strict_at, after.aware_at) == (before.due_at, before.due_strict_at, before.aware_at)


@pytest.mark.parametrize("fields", [{"reason": None}, {"reason": "  "}, {"role": "technician"}, {"role": "other"}])
def test_an_answer_without_a_reason_or_from_no_clinician_relaxes_nothing(fields: dict[str, object]) -> None:
    after = necbr(duties(version(serious=UNANSWERED), then(2, HOSPITALISED, "10", **fields)))
    assert (after.rule_id, str(after.due_on)) == ("VN-SAE-7WD", "2026-03-18")
    gone = necbr(duties(version(serious=UNANSWERED), then(2, HARMLESS, "10", **fields)))
    assert gone.ended is None
    assert "answer_not_documented" in codes(gone)


def test_an_assumption_answered_no_ends_the_duty_with_its_reason() -> None:
    after = necbr(duties(version(serious=UNANSWERED), then(2, HARMLESS, "10")))
    assert after.ended
    assert after.ended.code == "answered_not_reportable"


def test_a_stated_seriousness_ends_only_with_a_fresh_signature() -> None:
    versions = (version(), then(2, HARMLESS, "10"))
    assert necbr(duties(*versions)).ended is None
    assert necbr(duties(*versions, views=[assessment(1, 2, signed=False)])).ended is None
    assert necbr(duties(*versions, views=[assessment(1, 2, signed=True, stale=True)])).ended is None
    assert necbr(duties(*versions, views=[assessment(1, 1, signed=True)])).ended is None
    signed = necbr(duties(*versions, views=[assessment(1, 2, signed=True)]))
    assert signed.ended
    assert signed.ended.code == "not_reportable_signed"
    again = necbr(duties(*versions, then(3, HARMLESS, "12"), views=[assessment(1, 2, signed=True, stale=True)]))
    assert again.ended is None
    assert again.due_at == signed.due_at


def test_a_signature_does_not_end_what_is_still_serious() -> None:
    assert necbr(duties(version(), views=[assessment(1, 1, signed=True, related="no", expected="yes")])).ended is None


def test_a_duty_that_ended_and_holds_again_is_the_same_duty_with_its_strict_date() -> None:
    ended = necbr(duties(version(serious=UNANSWERED), then(2, HARMLESS, "10")))
    again = necbr(duties(version(serious=UNANSWERED), then(2, HARMLESS, "10"), then(3, HOSPITALISED, "20")))
    assert again.ended is None
    assert again.obligation_id == ended.obligation_id
    assert again.due_strict_at == ended.due_strict_at
    assert str(again.day_0) == "2026-03-20"


def test_earlier_awareness_moves_the_date_and_later_awareness_does_not() -> None:
    earlier = necbr(duties(version(), then(2, HOSPITALISED, "12", site="2026-03-05T09:00")))
    assert str(earlier.due_on) == "2026-03-26"
    assert "awareness_moved_earlier" in codes(earlier)
    later = necbr(duties(version(), then(2, HOSPITALISED, "12", site="2026-03-11T09:00")))
    assert later.due_at == necbr(duties(version())).due_at
    assert "awareness_moved_later_not_relaxed" in codes(later)


def test_a_void_case_keeps_its_duties_until_the_replacement_is_here() -> None:
    void = then(2, HOSPITALISED, "10", nullified=Nullification(reason="duplicate", replaced_by="c2"))
    waiting = necbr(duties(version(), void))
    assert waiting.ended is None
    assert "nullified_waits_for_replacement" in codes(waiting)
    done = necbr(duties(version(), void, replacement_received=True))
    assert done.ended
    assert done.ended.code == "replaced"
    no_subject = then(2, HOSPITALISED, "10", nullified=Nullification(reason="no such child"))
    gone = necbr(duties(version(), no_subject))
    assert gone.ended
    assert gone.ended.code == "nullified"


def test_an_upgrade_after_receipt_opens_the_next_generation() -> None:
    first = necbr(duties(version()))
    sent = stored(first, "received", "2026-03-11T10:00")
    told, new = to("necbr", duties(version(), then(2, DIED, "12"), obligations=[sent]))
    assert (told.obligation_id, told.due_at, told.settled) == (first.obligation_id, first.due_at, True)
    assert (new.generation, new.rule_id, str(new.day_0), str(new.due_on)) == (
        2,
        "VN-SAE-7WD",
        "2026-03-12",
        "2026-03-23",
    )
    assert new.obligation_id != first.obligation_id


def test_filing_a_report_with_open_questions_does_not_hide_a_death_learned_later() -> None:
    sent = stored(necbr(duties(version(serious=UNANSWERED))), "received", "2026-03-11T10:00")
    found = to("necbr", duties(version(serious=UNANSWERED), then(2, DIED, "12"), obligations=[sent]))
    assert [one.rule_id for one in found] == ["VN-SAE-7WD", "VN-SAE-7WD"]


def test_what_was_in_the_filed_report_opens_nothing() -> None:
    versions = (version(), then(2, DIED, "10"))
    sent = stored(necbr(duties(*versions)), "received", "2026-03-11T10:00")
    (only,) = to("necbr", duties(*versions, obligations=[sent]))
    assert only.settled
    assert only.follow_up_owed == ()


def test_other_news_after_filing_is_owed_without_a_date() -> None:
    sent = stored(necbr(duties(version())), "filed", "2026-03-11T10:00")
    (only,) = to("necbr", duties(version(), then(2, HOSPITALISED, "12"), obligations=[sent]))
    assert only.follow_up_owed == (2,)
    assert "follow_up_owed" in codes(only)
    assert not only.settled  # sent is not received


def test_the_version_filed_decides_when_it_is_known() -> None:
    sent = stored(necbr(duties(version())), "received", "2026-03-20T10:00")
    history = History(
        versions=(version(), then(2, DIED, "12")), obligations=(sent,), told={sent.obligation_id: Told(1, 1)}
    )
    found = to("necbr", evaluate(history, trial(), RULES, CALENDARS, NOW))
    assert [one.generation for one in found] == [1, 2]


def test_a_rejected_report_is_open_again_with_its_original_date() -> None:
    first = necbr(duties(version()))
    (again,) = to("necbr", duties(version(), obligations=[stored(first, "rejected", "2026-03-11T10:00")]))
    assert (again.due_at, again.settled, again.ended) == (first.due_at, False, None)


def test_the_24_hours_of_the_investigator_never_run_twice() -> None:
    (first,) = to("sponsor", duties(version(serious=UNANSWERED)), "SP-INV")
    sent = stored(first, "received", "2026-03-09T12:00")
    found = to("sponsor", duties(version(serious=UNANSWERED), then(2, DIED, "12"), obligations=[sent]), "SP-INV")
    assert [one.generation for one in found] == [1]


def test_a_gap_is_flagged_and_its_filling_never_moves_the_strict_date_later() -> None:
    gap = necbr(duties(version(2, DIED, news="2026-03-12T09:00", recorded="2026-03-12T10:00")))
    assert gap.provisional_why == ("versions_missing",)
    filled = necbr(duties(version(serious=HARMLESS), then(2, DIED, "12"), obligations=[stored(gap)]))
    assert str(filled.day_0) == "2026-03-12"
    assert filled.due_strict_at == gap.due_strict_at
    assert "strict_date_kept" in codes(filled)


def test_news_known_earlier_but_told_later_pulls_the_strict_date() -> None:
    told_first = then(2, DIED, "16")
    told_later = version(3, DIED, news="2026-03-12T09:00", recorded="2026-03-18T10:00")
    without = necbr(duties(version(serious=HARMLESS), told_later))
    duty = necbr(duties(version(serious=HARMLESS), told_first, told_later))
    assert duty.due_strict_at <= without.due_strict_at
    assert str(duty.due_strict_on) == "2026-03-23"
    assert str(duty.due_on) == "2026-03-25"


def test_a_duty_no_rule_explains_any_more_is_kept() -> None:
    orphan = stored(necbr(duties(version()))).model_copy(update={"recipient_id": "gone", "obligation_id": "o9"})
    (kept,) = [one for one in duties(version(), obligations=[orphan]) if one.recipient_id == "gone"]
    assert (kept.obligation_id, kept.due_at, kept.ended) == ("o9", orphan.due_at, None)
    assert codes(kept) == ["kept_unexplained"]


def test_a_recipient_nobody_resolves_still_gets_its_duty() -> None:
    facts = trial()
    nobody = {name: who for name, who in facts.recipients.items() if name != "institutional_ethics"}
    found = duties(version(), facts=type(facts)(**{**vars(facts), "recipients": nobody}))
    (duty,) = to("institutional_ethics", found)
    assert "recipient_unresolved" in duty.provisional_why


def test_two_documents_under_one_version_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        duties(version(), version(serious=DIED))


def test_a_replay_makes_the_same_duties() -> None:
    versions = (version(), then(2, DIED, "10"))
    first = duties(*versions)
    assert duties(*versions) == first
    assert duties(*versions, obligations=[stored(one) for one in first]) == first


def test_every_cause_says_why_in_both_languages() -> None:
    for duty in duties(version(serious=UNANSWERED, site=None), then(2, DIED, "10"), then(3, HARMLESS, "12")):
        assert all(
            cause.why_en.strip() and cause.why_vi.strip() and cause.why_en != cause.why_vi for cause in duty.causes
        )
        assert duty.causes[0].at == duty.aware_at or len(duty.causes) > 1


def test_a_news_time_is_when_it_was_known_not_when_it_was_typed() -> None:
    late = version(2, DIED, news="2026-03-10T09:00", recorded="2026-03-14T10:00")
    assert necbr(duties(version(), late)).aware_at == moment("2026-03-10T09:00").earliest()
