"""Reporting abroad, news, answers, signatures and a restore in any order: a signature closes what it may, and never more.

What may be signed is judged here a second time, from the documents alone.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.sae_notifier import store
from services.sae_notifier.store import FilingRow
from shared.bus import heard
from shared.case import CaseReport, Obligation, Says
from shared.errors import Conflict, Refused
from shared.settings import ROOT
from tests.support import coming_back, deeds
from tests.support.stories import stories
from tests.support.world import World

MULTINATIONAL = str(ROOT / "deploy" / "trials" / "demo-multinational.yaml")
RECIPIENTS = ("fda", "eudravigilance", "investigator_us")
SIGNED = ("complete_as_sent", "not_significant")
REPORTS = ("EU-SUSAR-7", "EU-SUSAR-15", "US-IND-7", "US-IND-15")
COMPLETES, FOLLOWS = ("EU-SUSAR-8", "US-IND-7-FULL"), ("EU-FU-15", "US-FU-15")
STAY = {"seriousness": deeds.seriousness(hospitalisation="yes"), "outcome": "recovering"}
NEWS: dict[str, dict[str, Any]] = {
    "a letter": {},
    "a death": {"seriousness": deeds.seriousness(death="yes"), "outcome": "fatal"},
    "danger to life": {"seriousness": deeds.seriousness(life_threatening="yes")},
    "recovered": {"outcome": "recovered"},
    "a view": {"opinions": [{"kind": "bm_mnc_infusion", "related": "no"}]},
}


def _says(duty: Obligation) -> Says:
    return "complete" if duty.rule_id in COMPLETES else "not_significant"


class Machine(RuleBasedStateMachine):
    """One case, told to three recipients abroad by a person who also signs whatever is allowed, and tries what is not."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(trial_file=MULTINATIONAL)
        self.copies = Path(tempfile.mkdtemp()) / "copies"
        self.earliest: dict[str, tuple[int, Any]] = {}

    @initialize(first=st.sampled_from([STAY, NEWS["a death"]]), arrived=st.sampled_from([True, True, False]))
    def report(self, first: dict[str, Any], arrived: bool) -> None:
        """The story begins when everybody was told the first version."""
        child, given = "VN01-007", self.world.clock.now()
        self.world.clock.advance(hours=5)
        answer = deeds.submit(self.world, deeds.report(child, aware=self.world.clock.now(), **first), "k1")
        self.case_id = answer["case_id"]
        deeds.expose(self.world, child, given)
        self.world.drain()
        coming_back.backup(self.world, self.copies)
        for duty in self.duties():
            filing = deeds.file(self.world, duty.obligation_id, "portal", "cioms_i")
            if arrived:
                deeds.receipt(self.world, filing.filing_id)

    def versions(self) -> list[CaseReport]:
        return self.world["sae_notifier"].db.read(lambda tx: heard.case_versions(tx, self.case_id))

    def duties(self) -> list[Obligation]:
        return [one for one in deeds.duties(self.world, self.case_id) if one.recipient_id in RECIPIENTS]

    def filings(self) -> list[FilingRow]:
        return self.world["sae_notifier"].db.read(lambda tx: store.filings(tx, case_id=self.case_id))

    @rule(which=st.integers(0, 10), arrives=st.sampled_from([True, True, True, False]))
    def file(self, which: int, arrives: bool) -> None:
        """What is not there yet is told first, as a person would."""
        owed = [one for one in self.duties() if one.state in ("open", "rejected")]
        owed.sort(key=lambda one: (one.rule_id in COMPLETES or one.rule_id in FOLLOWS, one.obligation_id))
        if owed:
            with suppress(Conflict, Refused):
                filing = deeds.file(self.world, owed[which % min(2, len(owed))].obligation_id, "portal", "cioms_i")
                if arrives:
                    deeds.receipt(self.world, filing.filing_id)

    @rule(which=st.integers(0, 10), verdict=st.sampled_from(["received", "rejected"]))
    def answer(self, which: int, verdict: Any) -> None:
        out = sorted(one.filing_id for one in self.filings() if one.state in ("sent", "received"))
        if out:
            deeds.receipt(self.world, out[which % len(out)], verdict)

    @rule(kind=st.sampled_from(["a letter", "a letter", *sorted(NEWS)]), hours=st.sampled_from([1, 30, 200]))
    def news(self, kind: str, hours: int) -> None:
        self.world.clock.advance(hours=hours)
        seen = deeds.case(self.world, self.case_id)
        assert seen is not None
        if seen.version > 6:
            return
        events = [{"event_id": seen.events[0].event_id, **NEWS[kind]}] if NEWS[kind] else None
        changes: dict[str, Any] = {"events": events} if events else {}
        deeds.amend(self.world, self.case_id, seen.version, news=self.world.clock.now(), **changes)
        self.world.drain()

    @rule(what=st.sampled_from(["signs", "records", "crashes"]))
    def something(self, what: str) -> None:
        self.world.clock.advance(minutes=5)
        match what:
            case "signs":
                with suppress(Conflict, Refused):
                    deeds.sign(self.world, self.case_id)
            case "records":
                deeds.expose(self.world, "VN01-007", self.world.clock.now(), "lumbar_puncture")
            case _:
                self.world.crash()
        self.world.drain()

    @rule()
    def sign_everything(self) -> None:
        """What stands open is signed away where it may be."""
        version = self.versions()[-1].version
        for one in self.duties():
            if one.state == "open" and one.rule_id in (*COMPLETES, *FOLLOWS):
                with suppress(Conflict, Refused):
                    deeds.state(self.world, one.obligation_id, _says(one), version)

    @rule(kind=st.sampled_from(["a letter", "a letter", "recovered"]))
    def sign_news_at_once(self, kind: str) -> None:
        self.news(kind, 1)
        self.sign_everything()

    @rule(which=st.integers(0, 20), wrong=st.sampled_from(["word", "duty", "version"]))
    def sign_what_may_not_be(self, which: int, wrong: str) -> None:
        duties, version = self.duties(), self.versions()[-1].version
        follows = [one for one in duties if one.state == "open" and one.rule_id in (*COMPLETES, *FOLLOWS)]
        one = (duties if wrong == "duty" or not follows else follows)[which % len(follows or duties)]
        other: Says = "complete" if _says(one) == "not_significant" else "not_significant"
        with suppress(Conflict, Refused):
            deeds.state(
                self.world,
                one.obligation_id,
                other if wrong == "word" else _says(one),
                version - (wrong == "version"),
            )
            assert wrong == "duty" or not follows, "that may not be signed"

    # What holds ------------------------------------------------------------------------------------------------------

    @invariant()
    def a_signature_closes_what_it_may_and_no_more(self) -> None:
        versions = self.versions() if hasattr(self, "case_id") else []
        by_number = {one.version: one for one in versions}
        for duty in self.duties() if versions else []:
            if duty.ended_why not in SIGNED:
                continue
            assert duty.state == "ended" and duty.statements
            found = [one for one in duty.statements if one.says == duty.ended_why.removesuffix("_as_sent")]
            assert found, "nothing closes by itself"
            signed = max(found, key=lambda one: one.case_version)
            held = [one for one in self.filings() if one.message_number == signed.report_number]
            assert [one.state for one in held] == ["received"] and held[0].recipient_id == duty.recipient_id
            if duty.ended_why == "not_significant":
                graver = {
                    one.causes[0].version
                    for one in self.duties()
                    if one.recipient_id == duty.recipient_id and one.rule_id in REPORTS
                }
                unread = {one.version for one in versions if one.version > signed.case_version}
                assert unread <= graver, "news that nobody has judged, and that no report of its own tells"
            told = by_number[signed.report_version].events[0]
            for one in versions:
                if one.version > signed.report_version:
                    now = one.events[0]
                    same = (told.seriousness, told.outcome, told.opinions, told.grades)
                    assert same == (now.seriousness, now.outcome, now.opinions, now.grades), "it mattered"

    @invariant()
    def a_date_moves_later_only_for_a_version_that_nobody_had_signed_away(self) -> None:
        for duty in self.duties() if hasattr(self, "case_id") else []:
            version, strict = self.earliest.get(duty.obligation_id, (0, duty.due_strict_at))
            begun = next(one.version for one in duty.causes if one.aggregate.startswith("case/"))
            if duty.state in ("open", "filed", "rejected"):
                assert duty.due_strict_at <= strict or begun > version
                self.earliest[duty.obligation_id] = (begun, duty.due_strict_at)

    def teardown(self) -> None:
        try:
            if hasattr(self, "case_id"):
                self.comes_back()
        finally:
            self.world.close()
            shutil.rmtree(self.copies.parent, ignore_errors=True)

    def stood(self) -> dict[str, Any]:
        return {
            one.obligation_id: (one.state, one.ended_why, one.due_at, one.due_strict_at, one.statements)
            for one in self.duties()
        }

    def comes_back(self) -> None:
        """The notifier comes back from the copy of the first day: what was signed is signed, and closes what it closed."""
        world = self.world
        world.drain()
        before, events = self.stood(), len({one.event_id for one in world.log.all()})
        coming_back.put_back(world, "sae_notifier", self.copies)
        door = coming_back.guard(world, "sae_notifier")
        if coming_back.look(world, door) == "held":
            assert not coming_back.restore(world, "sae_notifier").parked
            coming_back.look(world, door)
            coming_back.release(world, "sae_notifier")
            coming_back.look(world, door)
            coming_back.look(world, door)
        world.drain()
        assert self.stood() == before
        assert events <= len({one.event_id for one in world.log.all()})
        world.assert_audit()


def test_signed_instead_of_sent() -> None:
    run_state_machine_as_test(Machine, settings=stories(14, steps=20))
