"""When the clock starts: what was told, what was left out, what cannot be true."""

from __future__ import annotations

import pytest

from tests.unit.sae_notifier.rules.cases import HARMLESS, duties, moment, necbr, to, trial, version


def test_the_earlier_of_site_and_desk_counts() -> None:
    duty = necbr(duties(version(site="2026-03-09T09:00", desk="2026-03-06T17:00")))
    assert (str(duty.day_0), str(duty.due_on)) == ("2026-03-06", "2026-03-27")


def test_missing_awareness_runs_from_receipt_and_asks() -> None:
    duty = necbr(duties(version(site=None, recorded="2026-03-10T08:00")))
    assert duty.aware_at == moment("2026-03-10T08:00").earliest()
    assert duty.provisional_why == ("awareness_missing",)
    assert all(one.en and one.vi for one in duty.questions)


def test_a_desk_that_knew_leaves_the_question_when_the_site_knew() -> None:
    assert necbr(duties(version(site=None, desk="2026-03-09T09:00"))).provisional_why == ("site_awareness_missing",)


@pytest.mark.parametrize("typed", ["2026-03-09T10:01", "2026-03-10", "2027"])
def test_a_time_after_receipt_counts_as_missing_even_when_it_has_since_passed(typed: str) -> None:
    duty = necbr(duties(version(site=typed)))
    assert duty.aware_at == moment("2026-03-09T10:00").earliest()
    assert duty.provisional_why == ("awareness_in_future",)


def test_awareness_can_never_lie_after_our_own_first_receipt() -> None:
    late = version(2, site="2026-03-20T09:00", news="2026-03-20T09:00", recorded="2026-03-20T10:00")
    duty = necbr(duties(version(site=None), late))
    assert duty.aware_at == moment("2026-03-09T10:00").earliest()
    assert duty.provisional_why == ("awareness_after_receipt",)


@pytest.mark.parametrize(
    ("typed", "day_0"), [("2026-03", "2026-03-01"), ("2026", "2026-01-01"), ("2026-03-09", "2026-03-09")]
)
def test_a_partial_date_is_read_at_its_earliest(typed: str, day_0: str) -> None:
    duty = necbr(duties(version(site=typed)))
    assert str(duty.day_0) == day_0
    assert duty.provisional == (len(typed) < 10)


def test_an_hour_clock_asks_for_the_hour() -> None:
    (duty,) = to("sponsor", duties(version(site="2026-03-09")), "SP-INV")
    assert duty.provisional_why == ("awareness_partial",)
    assert duty.due_at == moment("2026-03-10T00:00").earliest()


def test_the_investigators_24_hours_run_from_the_sites_knowledge_not_the_desks() -> None:
    (duty,) = to("sponsor", duties(version(site="2026-03-09T08:00", desk="2026-03-09T07:00")), "SP-INV")
    assert duty.due_at == moment("2026-03-10T08:00").earliest()
    assert duty.due_strict_at == moment("2026-03-10T07:00").earliest()


def test_a_setting_chooses_whose_awareness_is_legal_and_never_loosens_the_strict_date() -> None:
    case = version(site="2026-03-06T09:00", desk="2026-03-09T09:00")
    duty = necbr(duties(case, facts=trial({"vn_day_0": "desk"})))
    assert (str(duty.due_on), str(duty.due_strict_on)) == ("2026-03-30", "2026-03-27")


def test_day_0_is_the_desks_and_strictly_the_earliest_of_desk_site_and_authority() -> None:
    case = version(site="2026-03-09T09:00", zone="Asia/Ho_Chi_Minh")
    duty = necbr(duties(case, facts=trial(desk_zone="America/Los_Angeles")))
    assert str(duty.day_0) == "2026-03-08"
    night = version(site="2026-03-10T01:00", recorded="2026-03-10T02:00")
    assert str(necbr(duties(night, facts=trial(desk_zone="Pacific/Auckland"))).due_strict_on) == "2026-03-31"


def test_a_replacement_keeps_the_first_awareness_of_what_it_replaces() -> None:
    duty = necbr(duties(version(), inherited=moment("2026-03-02T09:00").earliest()))
    assert str(duty.day_0) == "2026-03-02"


def test_a_fast_clock_elsewhere_gives_no_time_away() -> None:
    now = moment("2026-03-09T09:30").earliest()
    assert necbr(duties(version(site=None, recorded="2026-03-11T10:00"), now=now)).aware_at == now


def test_missing_news_time_runs_from_receipt_and_asks() -> None:
    duty = necbr(duties(version(serious=HARMLESS), version(2, news=None, recorded="2026-03-12T10:00")))
    assert duty.provisional_why == ("news_time_missing",)
    assert duty.aware_at == moment("2026-03-12T10:00").earliest()
