"""What a person may sign instead of another report, what keeps them from it, and what takes it away again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from services.sae_notifier.rules import AssessmentView, Duty, Held, Told
from shared.case import CaseReport, DutyStatement, Exposure, FreeText, Nullification, Obligation, Signature
from tests.unit.sae_notifier.rules.cases import DIED, HOSPITALISED, THREATENED, moment, stored
from tests.unit.sae_notifier.rules.susar import case, duties, given, says, sponsor

FIRST = case(DIED)
FULL, NEWS = ("EU-SUSAR-FULL", "ev", 1), ("EU-FU", "ev", 1)
SENT = "2026-03-12T10:00"


def at(text: str) -> datetime:
    return moment(text).earliest()


def looked(
    *cases: CaseReport,
    signed: Sequence[tuple[tuple[str, str, int], DutyStatement]] = (),
    state: str = "received",
    views: Sequence[AssessmentView] = (),
    exposures: Sequence[Exposure] = (given(),),
    more: Sequence[Obligation] = (),
    versions: tuple[int, ...] = (1,),
) -> dict[tuple[str, str, int], Duty]:
    """The first version was told to EudraVigilance, in a document made at nine on the twelfth; then these things were signed."""
    report = duties(cases[0])["EU-SUSAR", "ev", 1]
    arrived = tuple(Held(one, at("2026-03-12T09:00"), f"n{one}") for one in versions) if state == "received" else ()
    told = {report.obligation_id: Told(versions[0], versions[-1], versions, arrived)}
    kept = [stored(report, state, SENT), *more]
    plain = duties(*cases, obligations=kept, told=told, views=views, exposures=exposures)
    for key, statement in signed:
        one = stored(plain[key], "open")
        kept.append(one.model_copy(update={"statements": (statement,)}))
    return duties(*cases, obligations=kept, told=told, views=views, exposures=exposures)


def statement(word: str, through: int, version: int = 1, number: str = "n1") -> DutyStatement:
    return DutyStatement.model_validate(
        {
            "says": word,
            "case_version": through,
            "report_version": version,
            "report_number": number,
            "report_sha256": "0" * 64,
            "report_as_of": at("2026-03-12T09:00"),
            "reason": "nothing was lacking",
            "signature": Signature(signed_by="u3", signed_at=at("2026-03-14T09:00"), meaning="x", sha256="0" * 64),
        }
    )


def why(duty: Duty) -> list[str]:
    assert duty.statable is not None
    return [one.code for one in duty.statable.objections]


def test_nothing_closes_by_itself_and_a_signature_closes_what_completes() -> None:
    found = looked(FIRST)[FULL]
    assert found.ended is None and why(found) == []
    assert found.statable is not None and (found.statable.says, found.statable.case_version) == ("complete", 1)
    closed = looked(FIRST, signed=[(FULL, statement("complete", 1))])[FULL]
    assert closed.ended is not None and closed.ended.code == "complete_as_sent"
    assert closed.due_at == found.due_at and closed.statable is None


@pytest.mark.parametrize("state", ["filed", "rejected"])
def test_a_report_that_did_not_arrive_was_not_complete(state: str) -> None:
    second = case(DIED, number=2, day="13")
    for key, word in ((FULL, "complete"), (NEWS, "not_significant")):
        found = looked(FIRST, second, state=state)[key]
        assert why(found) == ["report_not_received"]
        lapsed = looked(FIRST, second, state=state, signed=[(key, statement(word, 2))])[key]
        assert lapsed.ended is None and lapsed.due_at == found.due_at
        assert [one.code for one in lapsed.causes if one.code == "statement_lapsed"]


def changed(**fields: object) -> CaseReport:
    made = case(DIED, says("yes"), number=2, day="13")
    return made.model_copy(update={"events": (made.events[0].model_copy(update=fields),)})


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (case(THREATENED, says("yes"), number=2, day="13"), "seriousness_changed"),
        (case(DIED, says("no"), number=2, day="13"), "causality_changed"),
        (case(DIED, number=2, day="13"), "causality_changed"),
        (changed(outcome="fatal"), "outcome_changed"),
        (changed(verbatim=FreeText(text="viêm phổi")), "events_changed"),
        (
            case(
                DIED, says("yes"), number=2, day="13", nullified=Nullification(reason="no such child", replaced_by="c2")
            ),
            "case_was_voided",
        ),
    ],
)
def test_what_the_rules_know_to_have_changed_cannot_be_signed_away(later: CaseReport, code: str) -> None:
    first = case(DIED, says("yes"))
    for key in (FULL, NEWS):
        assert code in why(looked(first, later)[key])
    news = looked(first, later, signed=[(NEWS, statement("not_significant", 2))])[NEWS]
    assert news.ended is None, "a signature that was never allowed closes nothing"
    full = looked(first, later, signed=[(FULL, statement("complete", 1))])[FULL]
    assert full.ended is None and full.due_at == looked(first)[FULL].due_at, "open again with its date"


def test_a_change_and_back_is_a_change() -> None:
    cases = (
        case(DIED, says("yes")),
        case(DIED, says("no"), number=2, day="13"),
        case(DIED, says("yes"), number=3, day="14"),
    )
    assert why(looked(*cases)[NEWS]) == ["causality_changed"]


def test_what_a_monitor_signs_after_the_report_is_not_in_it() -> None:
    later = sponsor(1, 1, related="yes", expected="no", at="2026-03-13T09:00")
    assert why(looked(FIRST, views=[later])[FULL]) == ["causality_changed", "expectedness_changed"]
    before = sponsor(1, 1, related="yes", expected="no", at="2026-03-11T09:00")
    assert why(looked(FIRST, views=[before])[FULL]) == []
    gone_stale = sponsor(1, 1, related="yes", expected="no", at="2026-03-11T09:00", stale=True)
    again = sponsor(2, 2, related="yes", expected="no", at="2026-03-14T09:00")
    second = case(DIED, number=2, day="13")
    assert why(looked(FIRST, second, views=[gone_stale, again])[NEWS]) == [], "the same answer signed again is no news"
    other = sponsor(2, 2, related="yes", expected="yes", at="2026-03-14T09:00")
    assert why(looked(FIRST, second, views=[gone_stale, other])[NEWS]) == ["expectedness_changed"]


def test_a_product_recorded_after_the_report_is_a_change_of_suspects() -> None:
    late = given("lumbar_puncture", recorded_at=at("2026-03-13T09:00"))
    assert why(looked(FIRST, exposures=[given(), late])[FULL]) == ["suspects_changed"]


def test_news_signed_as_insignificant_ends_and_the_next_version_has_days_of_its_own() -> None:
    second, third = case(DIED, number=2, day="13"), case(DIED, number=3, day="20")
    assert str(looked(FIRST, second)[NEWS].due_on) == "2026-03-28"
    done = statement("not_significant", 2)
    closed = looked(FIRST, second, signed=[(NEWS, done)])[NEWS]
    assert closed.ended is not None and closed.ended.code == "not_significant"
    assert str(closed.due_on) == "2026-03-28"
    kept = stored(closed, "ended").model_copy(update={"statements": (done,), "ended_why": "not_significant"})
    open_again = looked(FIRST, second, third, more=[kept])[NEWS]
    assert open_again.ended is None and open_again.obligation_id == closed.obligation_id
    assert str(open_again.due_on) == "2026-04-04" and open_again.causes[0].version == 3
    assert open_again.statable is not None and open_again.statable.case_version == 3


def test_a_signature_that_lapses_gives_the_first_date_back() -> None:
    second, third = case(DIED, number=2, day="13"), case(DIED, number=3, day="20")
    done = statement("not_significant", 2)
    first = looked(FIRST, second)[NEWS]
    late = sponsor(1, 2, related="yes", expected="yes", at="2026-03-21T09:00")
    lapsed = looked(FIRST, second, third, signed=[(NEWS, done)], views=[late])[NEWS]
    assert lapsed.ended is None and (lapsed.due_at, lapsed.due_strict_at) == (first.due_at, first.due_strict_at)
    [said] = [one for one in lapsed.causes if one.code == "statement_lapsed"]
    assert "u3" in said.why_en and "u3" in said.why_vi


def test_a_signature_about_another_telling_counts_for_nothing() -> None:
    for other in (statement("complete", 1, number="n7"), statement("not_significant", 1)):
        assert looked(FIRST, signed=[(FULL, other)])[FULL].ended is None


def test_insignificant_news_does_not_bind_the_report_of_a_later_death() -> None:
    """Signed away on the fourteenth; a death much later has the days of its own news, not those of the letter that was mended."""
    cases = (case(HOSPITALISED), case(HOSPITALISED, number=2, day="13"), case(DIED, number=3, day="25"))
    report = duties(cases[0])["EU-SUSAR", "ev", 1]
    told = {report.obligation_id: Told(1, 1, (1,), (Held(1, at("2026-03-12T09:00"), "n1"),))}
    kept = [stored(report, "received", SENT)]
    first = duties(*cases, obligations=kept, told=told)
    graver = first["EU-SUSAR", "ev", 2]
    told[graver.obligation_id] = Told(3, 3, (3,))
    kept.append(stored(graver, "filed", "2026-03-26T10:00"))
    bound = duties(*cases, obligations=kept, told=told)["EU-SUSAR-FULL", "ev", 2]
    assert str(bound.due_strict_on) == "2026-03-28"
    signed = stored(first[NEWS], "open").model_copy(update={"statements": (statement("not_significant", 2),)})
    free = duties(*cases, obligations=[*kept, signed], told=told)["EU-SUSAR-FULL", "ev", 2]
    assert str(free.due_strict_on) == "2026-04-03"


def test_when_the_telling_between_is_turned_down_nothing_looks_closed_by_what_was_signed_about_it() -> None:
    """Version 2 was told, version 3 was signed away as adding nothing to it; then the authority rejects version 2."""
    cases = (FIRST, case(DIED, number=2, day="13"), case(DIED, number=3, day="20"))
    report = duties(FIRST)["EU-SUSAR", "ev", 1]
    news = looked(*cases[:2])[NEWS]
    held = tuple(Held(one, at(f"2026-03-{11 + one}T09:00"), f"n{one}") for one in (1, 2))
    told = {report.obligation_id: Told(1, 1, (1,), held[:1]), news.obligation_id: Told(2, 2, (2,), held[1:])}
    kept = [stored(report, "received", SENT), stored(news, "received", "2026-03-13T12:00")]
    second = duties(*cases, obligations=kept, told=told)["EU-FU", "ev", 2]
    assert second.statable is not None and second.statable.held == held[1]
    done = statement("not_significant", 3, version=2, number="n2").model_copy(update={"report_as_of": held[1].as_of})
    kept.append(stored(second, "open").model_copy(update={"statements": (done,)}))
    closed = duties(*cases, obligations=kept, told=told)["EU-FU", "ev", 2]
    assert closed.ended is not None and closed.ended.code == "not_significant"
    kept[1:] = [
        stored(news, "rejected", "2026-03-13T12:00"),
        kept[2].model_copy(update={"state": "ended", "ended_why": "not_significant"}),
    ]
    after = {
        one.obligation_id: one
        for one in duties(*cases, obligations=kept, told={report.obligation_id: told[report.obligation_id]}).values()
    }
    gone = after[second.obligation_id]
    assert gone.ended is not None and gone.ended.code == "taken_over"
    owes = after[news.obligation_id]
    assert owes.ended is None and owes.due_at == news.due_at, "the first follow-up owes all of it, by its own date"
