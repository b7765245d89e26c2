"""The judge itself: silent about a run that held, and loud about each way of breaking the promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.history import (
    Acknowledged,
    AlertFact,
    AssessmentFact,
    BoardFact,
    DutyFact,
    FilingFact,
    History,
    IntakeCase,
    MailFact,
    NotifierCase,
)

DUTY = DutyFact("d1", "VN-SAE-7WD", "necbr", "2026-12-01T16:59:59+00:00", "2026-11-30T16:59:59+00:00", 2)
ALERT = AlertFact("a1", "c1", "sae", "open", ("<m1>", "<m2>"))
CASE = IntakeCase("c1", "VN-1", "VN01-001", 2, "k1", ("sae",), (DUTY,))
RULE = AlertFact("a7", "", "dsmb_rule", "open", ("<m7>",))
CUT = {"case/c1": 2, "exposure/e1": 1, "subject/VN01-001": 1, "assessment/c1": 2, "allocation/VN01-001": 1}
BOARD = BoardFact(CUT, ("identical",) * 2, 1)
FILING = FilingFact("f1", "c1", 2, "necbr", "<f1>", "sent")


def held() -> History:
    """One case with one amendment and one exposure, all of it where it belongs."""
    return History(
        acknowledged=[
            Acknowledged("case", "k1", "c1", 1, "VN-1", "VN01-001"),
            Acknowledged("amendment", "k2", "c1", 2, "VN-1", "VN01-001"),
            Acknowledged("exposure", "k3", "e1", 1, "", "VN01-001"),
            Acknowledged("filing", "d1", "f1"),
            Acknowledged("allocation", "allocation/VN01-001", "VN01-001"),
        ],
        cases={"c1": CASE},
        aggregates={"VN01-001": {"case/c1": 2, "exposure/e1": 1, "subject/VN01-001": 1}},
        notifier={"c1": NotifierCase((DUTY,), (ALERT,))},
        causality={"c1": AssessmentFact((1, 2), {"case/c1": 2, "exposure/e1": 1, "subject/VN01-001": 1})},
        board=BOARD,
        caseless=[RULE],
        mails=[
            MailFact("<m1>", "safety-1@example.org", "a1"),
            MailFact("<f1>", "necbr@example.org"),
            MailFact("<m7>", "safety-1@example.org", "a7"),
        ],
        filings=[FILING],
        allocations_tried={"VN01-001": 1},
        breaches={"ae_intake": []},
    )


def kinds(history: History) -> set[str]:
    return {one.kind for one in check(history)}


def test_a_run_that_held_shows_nothing() -> None:
    assert check(held()) == []


def test_a_repeat_with_the_same_message_id_is_allowed() -> None:
    history = held()
    history.mails.append(history.mails[0])
    assert check(history) == []


def test_an_arm_that_had_to_be_asked_for_twice_may_have_two_versions() -> None:
    history = held()
    history.allocations_tried = {"VN01-001": 2}
    history.board = replace(BOARD, versions=CUT | {"allocation/VN01-001": 2})
    assert check(history) == []


def test_what_was_not_acknowledged_may_be_there_once() -> None:
    history = held()
    del history.acknowledged[0:2]
    assert check(history) == []


def test_a_strict_date_once_announced_may_be_earlier() -> None:
    history = held()
    earlier = replace(DUTY, due_strict_at="2026-11-20T16:59:59+00:00")
    history.notifier = {"c1": NotifierCase((earlier,), (ALERT,))}
    assert check(history) == []


def test_a_duty_that_nothing_explains_any_more_may_be_kept() -> None:
    history = held()
    kept = replace(DUTY, obligation_id="d2", kept=True)
    history.notifier = {"c1": NotifierCase((DUTY, kept), (ALERT,))}
    assert check(history) == []


def _no_case(history: History) -> None:
    history.cases.clear()
    history.notifier, history.causality = {}, {}


def _no_version(history: History) -> None:
    history.acknowledged.append(Acknowledged("amendment", "k9", "c1", 3, "VN-1", "VN01-001"))


def _no_exposure(history: History) -> None:
    del history.aggregates["VN01-001"]["exposure/e1"]


def _no_duty(history: History) -> None:
    history.notifier = {"c1": NotifierCase((), (ALERT,))}


def _no_alert(history: History) -> None:
    history.notifier = {"c1": NotifierCase((DUTY,), ())}
    history.mails.clear()


def _nothing_heard(history: History) -> None:
    history.notifier = {}
    history.mails.clear()
    history.cases["c1"] = replace(CASE, alerts=())


def _old_duty(history: History) -> None:
    history.notifier = {"c1": NotifierCase((replace(DUTY, rule_id="VN-SAE-15WD"),), (ALERT,))}


def _later_strict_date(history: History) -> None:
    history.notifier = {"c1": NotifierCase((replace(DUTY, due_strict_at=DUTY.due_at),), (ALERT,))}


def _not_assessed(history: History) -> None:
    history.causality = {}


def _old_assessment(history: History) -> None:
    history.causality = {"c1": AssessmentFact((1,), {"case/c1": 1, "exposure/e1": 1, "subject/VN01-001": 1})}


def _exposure_not_judged(history: History) -> None:
    history.causality = {"c1": AssessmentFact((1, 2), {"case/c1": 2, "subject/VN01-001": 1})}


def _not_in_the_cut(history: History) -> None:
    history.board = replace(BOARD, versions={"case/c1": 2, "subject/VN01-001": 1})


def _old_in_the_cut(history: History) -> None:
    history.board = replace(BOARD, versions=CUT | {"case/c1": 1})


def _no_arm(history: History) -> None:
    history.board = replace(
        BOARD, versions={name: version for name, version in CUT.items() if "allocation" not in name}
    )


def _crossed_unheard(history: History) -> None:
    history.caseless.clear()
    history.mails.pop()


def _unconfirmed(history: History) -> None:
    history.acknowledged.append(Acknowledged("confirmation", "a1", "a1"))


@pytest.mark.parametrize(
    "damage",
    [
        _no_case,
        _no_version,
        _no_exposure,
        _no_duty,
        _no_alert,
        _nothing_heard,
        _old_duty,
        _later_strict_date,
        _not_assessed,
        _old_assessment,
        _exposure_not_judged,
        _not_in_the_cut,
        _old_in_the_cut,
        _no_arm,
        _crossed_unheard,
        _unconfirmed,
    ],
)
def test_lost(damage: Callable[[History], None]) -> None:
    history = held()
    damage(history)
    assert "lost" in kinds(history)


def _two_cases_of_one_key(history: History) -> None:
    history.cases["c2"] = replace(CASE, case_id="c2", case_number="VN-2", alerts=(), duties=())


def _two_cases_of_one_number(history: History) -> None:
    history.cases["c2"] = replace(CASE, case_id="c2", key="k7", alerts=(), duties=())


def _two_answers(history: History) -> None:
    history.acknowledged.append(Acknowledged("case", "k1", "c2", 1, "VN-2", "VN01-001"))


def _one_version_twice(history: History) -> None:
    history.acknowledged.append(Acknowledged("amendment", "k9", "c1", 2, "VN-1", "VN01-001"))


def _another_number(history: History) -> None:
    history.acknowledged[0] = replace(history.acknowledged[0], case_number="VN-8")


def _two_alerts(history: History) -> None:
    again = replace(ALERT, alert_id="a2", message_ids=("<m3>",))
    history.notifier = {"c1": NotifierCase((DUTY,), (ALERT, again))}
    history.mails.append(MailFact("<m3>", "safety-1@example.org", "a2"))


def _two_duties(history: History) -> None:
    history.notifier = {"c1": NotifierCase((DUTY, replace(DUTY, obligation_id="d2")), (ALERT,))}


def _one_duty_twice(history: History) -> None:
    history.notifier = {"c1": NotifierCase((DUTY, DUTY), (ALERT,))}


def _another_message_id(history: History) -> None:
    history.mails.append(MailFact("<m9>", "safety-1@example.org", "a1"))


def _assessed_too_often(history: History) -> None:
    history.causality = {"c1": AssessmentFact((1, 1, 1, 2, 2), history.causality["c1"].judged)}  # type: ignore[index]


def _filed_twice(history: History) -> None:
    history.filings.append(replace(FILING, filing_id="f2"))


def _two_arms(history: History) -> None:
    history.board = replace(BOARD, versions=CUT | {"allocation/VN01-001": 2})


def _crossed_twice(history: History) -> None:
    history.caseless.append(replace(RULE, alert_id="a8", message_ids=("<m8>",)))
    history.mails.append(MailFact("<m8>", "safety-1@example.org", "a8"))


@pytest.mark.parametrize(
    "damage",
    [
        _two_cases_of_one_key,
        _two_cases_of_one_number,
        _two_answers,
        _one_version_twice,
        _another_number,
        _two_alerts,
        _two_duties,
        _one_duty_twice,
        _another_message_id,
        _assessed_too_often,
        _filed_twice,
        _two_arms,
        _crossed_twice,
    ],
)
def test_doubled(damage: Callable[[History], None]) -> None:
    history = held()
    damage(history)
    assert "doubled" in kinds(history)


def test_an_older_version_replaced_a_newer_duty() -> None:
    history = held()
    old = replace(DUTY, rule_id="VN-SAE-15WD", due_at="2026-12-11T16:59:59+00:00")
    history.notifier = {"c1": NotifierCase((old,), (ALERT,), frozenset({"d1"}))}
    assert kinds(history) == {"out_of_order"}


def test_an_older_version_replaced_a_newer_assessment() -> None:
    history = held()
    assert history.causality is not None
    history.causality["c1"] = AssessmentFact((1, 2, 1), history.causality["c1"].judged)
    assert "out_of_order" in kinds(history)


def _unknown_case(history: History) -> None:
    assert history.notifier is not None
    history.notifier["c9"] = NotifierCase((replace(DUTY, obligation_id="d9"),), ())


def _unknown_version(history: History) -> None:
    history.notifier = {"c1": NotifierCase((replace(DUTY, case_version=3),), (ALERT,))}


def _unknown_assessed(history: History) -> None:
    assert history.causality is not None
    history.causality["c9"] = AssessmentFact((1,), {})


def _unknown_version_assessed(history: History) -> None:
    assert history.causality is not None
    history.causality["c1"] = AssessmentFact((1, 3), history.causality["c1"].judged)


def _unknown_exposure_judged(history: History) -> None:
    assert history.causality is not None
    history.causality["c1"] = AssessmentFact((1, 2), {**history.causality["c1"].judged, "exposure/e9": 1})


def _uncalled_for(history: History) -> None:
    history.cases["c1"] = replace(CASE, alerts=())


def _mail_for_nothing(history: History) -> None:
    history.mails.append(MailFact("<m9>", "safety-1@example.org", "a9"))


def _unknown_case_in_the_cut(history: History) -> None:
    history.board = replace(BOARD, versions=CUT | {"case/c9": 1})


def _unknown_arm_in_the_cut(history: History) -> None:
    history.board = replace(BOARD, versions=CUT | {"allocation/VN01-009": 1})


def _unknown_version_in_the_cut(history: History) -> None:
    history.board = replace(BOARD, versions=CUT | {"exposure/e1": 2})


@pytest.mark.parametrize(
    "damage",
    [
        _unknown_case,
        _unknown_version,
        _unknown_assessed,
        _unknown_version_assessed,
        _unknown_exposure_judged,
        _uncalled_for,
        _mail_for_nothing,
        _unknown_case_in_the_cut,
        _unknown_arm_in_the_cut,
        _unknown_version_in_the_cut,
    ],
)
def test_phantom(damage: Callable[[History], None]) -> None:
    history = held()
    damage(history)
    assert "phantom" in kinds(history)


def test_a_cut_that_cannot_be_made_again() -> None:
    history = held()
    history.board = replace(BOARD, again=("identical", "different"))
    assert kinds(history) == {"out_of_order"}


def test_an_alert_that_rang_nowhere_is_missed() -> None:
    history = held()
    history.mails.pop(0)
    assert kinds(history) == {"missed"}


def test_a_filing_that_was_never_mailed_is_missed() -> None:
    history = held()
    history.mails.pop(1)
    assert kinds(history) == {"missed"}


def test_a_confirmed_alert_needs_no_mail() -> None:
    history = held()
    history.mails.pop(0)
    history.notifier = {"c1": NotifierCase((DUTY,), (replace(ALERT, state="confirmed"),))}
    assert check(history) == []


def test_after_a_filing_only_who_is_owed_is_compared() -> None:
    history = held()
    history.cases["c1"] = replace(CASE, filed=True)
    history.notifier = {
        "c1": NotifierCase((replace(DUTY, rule_id="other"), replace(DUTY, obligation_id="d2")), (ALERT,))
    }
    assert check(history) == []


def test_the_trail_parked_events_and_an_unfinished_drain_are_anomalies() -> None:
    history = held()
    history.breaches["ae_intake"].append("audit VN01-001 #3: its bytes were changed")
    history.parked["causality"] = 1
    history.undrained = "not at rest"
    assert kinds(history) == {"audit", "parked", "undrained"}


def test_a_service_that_did_not_run_is_not_judged() -> None:
    history = held()
    history.notifier = history.causality = history.board = None
    assert check(history) == []
