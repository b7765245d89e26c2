"""Stories that random walks meet rarely, told step by step and judged by the same judge: who may relax a duty, and when one ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest

from shared.bus import parking
from shared.canonical import canonical
from shared.case import CaseReport, Obligation
from shared.errors import Conflict, Refused
from tests.support import deeds, judge
from tests.support.world import START, World

FATAL = deeds.seriousness(life_threatening="yes")
HARMLESS = {"seriousness": deeds.seriousness(), "outcome": "recovered", "admission": "none"}


class Told:
    """A world and what was acknowledged in it; judged when the story has ended."""

    def __init__(self) -> None:
        self.world = World()
        self.acknowledged: dict[tuple[str, int], str] = {}

    def remember(self, case: CaseReport | None) -> CaseReport:
        assert case is not None
        self.acknowledged[case.case_id, case.version] = sha256(canonical(case)).hexdigest()
        return case

    def report(self, **event: object) -> CaseReport:
        body = deeds.report(aware=self.world.clock.now() - timedelta(hours=1), **event)
        return self.remember(deeds.case(self.world, deeds.submit(self.world, body)["case_id"]))

    def amend(self, case: CaseReport, **answers: object) -> CaseReport:
        events = [{"event_id": case.events[0].event_id, **answers}]
        news = self.world.clock.now()
        return self.remember(deeds.amend(self.world, case.case_id, case.version, news=news, events=events))

    def states(self, case: CaseReport, rule: str = "VN-SAE") -> set[tuple[str, str | None]]:
        return {(one.state, one.ended_why) for one in self.duties(case) if one.rule_id.startswith(rule)}

    def duties(self, case: CaseReport) -> list[Obligation]:
        self.world.drain()
        return deeds.duties(self.world, case.case_id)


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    try:
        yield made
        made.world.tick(seconds=1)
        made.world.drain()
        judge.assert_all(made.world, made.acknowledged, set())
    finally:
        made.world.close()


def test_what_was_stated_is_taken_back_by_a_fresh_signature_only(told: Told) -> None:
    case = told.report(seriousness=FATAL)
    due = {one.obligation_id: one.due_strict_at for one in told.duties(case)}
    told.amend(case, **HARMLESS)
    assert told.states(case) == {("open", None)}, "an amendment alone takes nothing back"
    told.world.drain()
    deeds.sign(told.world, case.case_id)
    assert told.states(case) == {("ended", "not_reportable_signed")}
    causality = told.world["causality"]
    causality.failing.add("tocsin.exposure.recorded.v1")  # no new proposal comes: staleness alone must do it
    deeds.expose(told.world, case.subject_id, START - timedelta(days=1))
    assert told.states(case) == {("open", None)}, "something became known that the signer had not seen"
    assert {one.obligation_id: one.due_strict_at for one in told.duties(case)} == due, "with its old date"
    causality.failing.clear()
    [parked] = causality.db.read(parking.open_rows)
    causality.worker.replay(parked.parked_id, actor="safety-officer-1", reason="mended")
    assert told.states(case) == {("open", None)}, "proposed anew, and not signed"
    deeds.sign(told.world, case.case_id)
    assert told.states(case) == {("ended", "not_reportable_signed")}


def test_a_stale_proposal_cannot_be_signed(told: Told) -> None:
    case = told.report(seriousness=FATAL)
    told.world.drain()
    told.amend(case, **HARMLESS)
    told.world.relay("ae_intake")
    told.world["causality"].failing.add("tocsin.case.amended.v1")  # the new version is there, its proposal is not
    told.world.consume("causality")
    told.world["causality"].failing.clear()
    [parked] = told.world["causality"].db.read(parking.open_rows)
    deeds.sign(told.world, case.case_id)  # as far as causality knows, nothing is newer
    assert told.states(case) == {("open", None)}, "the notifier knows better: it is stale, and relaxes nothing"
    told.world["causality"].worker.replay(parked.parked_id, actor="safety-officer-1", reason="mended")
    told.world.drain()
    deeds.sign(told.world, case.case_id)
    with pytest.raises(Conflict):
        deeds.sign(told.world, case.case_id)
    assert told.states(case) == {("ended", "not_reportable_signed")}


def test_a_persons_answer_relaxes_nothing_and_makes_the_signature_stale(told: Told) -> None:
    case = told.report(seriousness=FATAL)
    told.world.drain()
    deeds.expose(told.world, case.subject_id, START - timedelta(hours=20))
    told.amend(case, **HARMLESS)
    told.world.drain()
    due = {one.obligation_id: one.due_strict_at for one in told.duties(case)}
    made = deeds.answer(told.world, case.case_id, "alternative_stronger", "yes")
    assert made.signature is None
    assert told.states(case) == {("open", None)}, "answered, and not signed"
    deeds.sign(told.world, case.case_id)
    assert told.states(case) == {("ended", "not_reportable_signed")}
    deeds.answer(told.world, case.case_id, "alternative_stronger", "withdrawn")
    assert told.states(case) == {("open", None)}, "no document of the child is newer, and yet the signature is stale"
    assert {one.obligation_id: one.due_strict_at for one in told.duties(case)} == due
    deeds.sign(told.world, case.case_id)
    assert told.states(case) == {("ended", "not_reportable_signed")}


def test_an_open_question_is_closed_by_a_documented_answer(told: Told) -> None:
    case = told.report()  # nothing answered: everything is owed
    assert told.states(case) == {("open", None)}
    told.amend(case, **HARMLESS)
    assert told.states(case) == {("ended", "answered_not_reportable")}


def test_the_duties_of_a_void_case_wait_for_its_replacement(told: Told) -> None:
    """The nullification is here, the replacement is parked: until it has been received, everything stays owed."""
    first = told.report(seriousness=FATAL)
    told.world.drain()
    told.world.clock.advance(hours=5)
    notifier = told.world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    second = told.report(seriousness=FATAL)
    told.world.drain()
    notifier.failing.clear()
    told.remember(deeds.nullify(told.world, first.case_id, first.version, second.case_id))
    told.world.drain()
    told.world.tick(seconds=1)
    assert told.states(first) == {("open", None)}
    [parked] = notifier.db.read(parking.open_rows)
    notifier.worker.replay(parked.parked_id, actor="safety-officer-1", reason="mended")
    told.world.tick(seconds=1)
    assert told.states(first) == {("ended", "replaced")}
    assert told.states(second) == {("open", None)}
    old = {(one.rule_id, one.recipient_id): one.due_strict_at for one in told.duties(first)}
    for one in told.duties(second):
        assert one.due_strict_at <= old[one.rule_id, one.recipient_id], "a nullification never buys time"


def test_a_void_case_that_nothing_replaces_owes_nothing(told: Told) -> None:
    case = told.report(seriousness=FATAL)
    told.world.drain()
    told.remember(deeds.nullify(told.world, case.case_id, case.version))
    assert told.states(case) == {("ended", "nullified")}


def test_two_cases_cannot_be_void_in_favour_of_each_other(told: Told) -> None:
    """Both would have been replaced, and nothing owed for either."""
    first, second = told.report(seriousness=FATAL), told.report(seriousness=FATAL)
    told.remember(deeds.nullify(told.world, first.case_id, 1, second.case_id))
    with pytest.raises(Refused, match="void itself"):
        deeds.nullify(told.world, second.case_id, 1, first.case_id)
    assert told.states(second) == {("open", None)}


def test_an_upgrade_after_a_filing_is_owed_anew_and_a_rejection_keeps_its_date(told: Told) -> None:
    case = told.report(seriousness=deeds.seriousness(hospitalisation="yes"))
    [duty] = [one for one in told.duties(case) if one.recipient_id == "necbr"]
    assert duty.rule_id == "VN-SAE-15WD"
    filing = deeds.file(told.world, duty.obligation_id)
    told.world.clock.advance(hours=48)
    worse = told.amend(case, seriousness={"death": "yes"}, outcome="fatal")
    necbr = [one for one in told.duties(worse) if one.recipient_id == "necbr" and one.rule_id.startswith("VN-SAE")]
    assert {(one.rule_id, one.state) for one in necbr} == {("VN-SAE-15WD", "filed"), ("VN-SAE-7WD", "open")}
    deeds.receipt(told.world, filing.filing_id, "rejected")
    [again] = [one for one in told.duties(worse) if one.obligation_id == duty.obligation_id]
    assert (again.state, again.due_at, again.due_strict_at) == ("rejected", duty.due_at, duty.due_strict_at)
