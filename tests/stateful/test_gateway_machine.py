"""Sending, answering, correcting, taking words back and dying in any order: no number is reused, no order is broken, no
acceptance is invented, and no word leaves that was taken back."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.sae_notifier import store
from services.sae_notifier.e2b import read, read_ack
from services.sae_notifier.e2b.hl7time import stamp
from services.sae_notifier.store import FilingRow
from shared.errors import Conflict, Refused
from tests.support import deeds
from tests.support.electronic import RECIPIENT, ElectronicWorld, reported
from tests.support.stories import stories

pytestmark = [pytest.mark.live, pytest.mark.schemas]
SAYS = st.sampled_from(
    [
        ("AA", "CA"),
        ("AA", ""),
        ("AE", "CA"),
        ("AE", "CR"),
        ("AR", "CR"),
        ("AR", ""),
        ("AA", "CR"),
        ("AE", ""),
        ("AE", "CE"),
    ]
)
NAME = "QZXNAMEQZX"
DEATHS = ("filing.after_send", "notify.before_receipt", "ack.after_take", "notify.after_claim")


class Machine(RuleBasedStateMachine):
    """One case, one recipient, one computer over there that answers anything about anything it got."""

    def __init__(self) -> None:
        super().__init__()
        self.world = ElectronicWorld()
        self.version = 0
        self.said: list[bytes] = []
        self.taken_back_at: int | None = None
        """How many files had left by then."""

    @initialize()
    def report(self) -> None:
        self.case_id = reported(self.world, verbatim={"text": f"sốt, mẹ là {NAME}", "language": "vi"})
        self.version = 1
        self.due = {one.obligation_id: one.due_at for one in self.duties()}

    def duties(self):  # type: ignore[no-untyped-def]
        return [one for one in deeds.duties(self.world, self.case_id) if one.recipient_id == RECIPIENT]

    def filings(self) -> list[FilingRow]:
        return self.world["sae_notifier"].db.read(lambda tx: store.filings(tx, case_id=self.case_id))

    @rule()
    def file(self) -> None:
        """Made anew and lined up; refused where this very file was rejected or a later one has gone."""
        with suppress(Refused, Conflict):
            self.world.transmit(self.world.duty(self.case_id).obligation_id)

    @rule()
    def file_an_old_one(self) -> None:
        forms = self.world["sae_notifier"].db.read(lambda tx: store.forms_of(tx, self.case_id))
        if forms:
            with suppress(Refused, Conflict):
                self.world.transmit(self.world.duty(self.case_id).obligation_id, forms[-1]["document_id"])

    @rule()
    def hand_over(self) -> None:
        self.world.clock.advance(minutes=16)
        self.world.hand_over()

    @rule(place=st.sampled_from(DEATHS))
    def die(self, place: str) -> None:
        self.world.clock.advance(minutes=16)
        with self.world.dying_at(place):
            self.world.hand_over()
            self.world.fetch()

    @rule(refuses=st.booleans(), deaf=st.booleans(), receipts=st.booleans())
    def moods(self, refuses: bool, deaf: bool, receipts: bool) -> None:
        desk = self.world.desk
        desk.refuses, desk.deaf, desk.receipts = refuses, deaf, receipts

    @precondition(lambda self: self.world.desk.taken)
    @rule(says=SAYS, nth=st.integers(0, 20))
    def answer(self, says: tuple[str, str], nth: int) -> None:
        nth %= len(self.world.desk.taken)
        content = self.world.ack(says[0], says[1], *(["C.5.4: required"] if says[1] == "CR" else []), nth=nth)  # type: ignore[arg-type]
        self.said.append(content)
        self.world.desk.answer(content)

    @precondition(lambda self: self.said)
    @rule(nth=st.integers(0, 20))
    def answer_again(self, nth: int) -> None:
        self.world.desk.answer(self.said[nth % len(self.said)])

    @rule()
    def garbage(self) -> None:
        self.world.desk.answer(b"garbage %d" % self.world.desk.counted)

    @rule()
    def fetch(self) -> None:
        self.world.fetch()

    @precondition(lambda self: self.version < 3)
    @rule()
    def amend(self) -> None:
        self.world.clock.advance(minutes=1)
        deeds.amend(self.world, self.case_id, self.version, news=self.world.clock.now(), reason="more is known")
        self.version += 1
        self.world.drain()

    @precondition(lambda self: self.version and self.taken_back_at is None)
    @rule()
    def take_back(self) -> None:
        self.world.clock.advance(seconds=1)
        deeds.redact(self.world, self.case_id)
        self.world.drain()
        self.taken_back_at = len(self.world.desk.taken)

    @rule()
    def make_again(self) -> None:
        self.world.dispatcher.taken_back.make_again()

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.world.clock.advance(hours=hours)
        self.world.dispatcher.answers.missed()

    # What holds ------------------------------------------------------------------------------------------------------

    @invariant()
    def a_number_means_one_file(self) -> None:
        files: dict[str, set[bytes]] = {}
        for one in self.world.desk.taken:
            files.setdefault(one.number, set()).add(one.content)
        assert all(len(contents) == 1 for contents in files.values())

    @invariant()
    def what_was_taken_back_leaves_no_more(self) -> None:
        if self.taken_back_at is not None:
            assert not any(NAME.encode() in one.content for one in self.world.desk.taken[self.taken_back_at :])

    @invariant()
    def what_left_is_kept(self) -> None:
        """What an authority may have must be known, whatever became of it here."""
        told = {row.message_number: row.document_id for row in self.filings()} if self.version else {}
        for one in self.world.desk.taken:
            held = self.world["sae_notifier"].db.read(lambda tx, n=one.number: store.form(tx, told[n]))
            assert held is not None and bytes(held.content) == one.content

    @invariant()
    def versions_and_times_leave_in_order(self) -> None:
        if not self.version:
            return
        by_number = {row.message_number: row for row in self.filings()}
        first = list({one.number: one for one in reversed(self.world.desk.taken)}.values())[::-1]
        order = sorted(
            first, key=lambda one: min(i for i, t in enumerate(self.world.desk.taken) if t.number == one.number)
        )
        versions = [by_number[one.number].case_version for one in order]
        assert versions == sorted(versions), "a follow-up overtook"
        times = [stamp(read(one.content).reports[0].text("C.1.2") or "") for one in order]
        instants = [one.earliest for one in times if one is not None]
        assert instants == sorted(instants) and len(set(instants)) == len(instants)

    @invariant()
    def an_acceptance_was_said(self) -> None:
        if not self.version:
            return
        for row in self.filings():
            about = [one for one in map(read_ack, self.said) if one.batch_number == row.message_number]
            if row.acceptance == "accepted":
                assert any(one.message_code in ("AA", "AE") for one in about)
            if row.acceptance == "rejected":
                assert row.state == "rejected"
                assert any(one.decision in ("rejected", "partly") for one in about)

    @invariant()
    def nothing_that_came_is_lost_or_counted_twice(self) -> None:
        kept = Counter(one.sha256 for one in self.world.acks())
        assert all(count == 1 for count in kept.values())
        used = Counter(one.filing_id for one in self.world.acks("used"))
        assert all(count == 1 for count in used.values()), "one answer per telling"
        alarmed = self.world.kinds().count("ack_parked")
        assert alarmed == sum(one.state == "parked" for one in self.world.acks())

    @invariant()
    def the_date_never_moves_and_a_duty_is_met_by_a_receipt(self) -> None:
        if not self.version:
            return
        for duty in self.duties():
            assert duty.due_at == self.due.get(duty.obligation_id, duty.due_at)
            told = [one for one in self.filings() if one.obligation_id == duty.obligation_id]
            if duty.state == "received":
                assert any(one.state == "received" for one in told)
            if duty.state == "open":
                assert all(one.state in ("waiting", "failed") for one in told)

    def teardown(self) -> None:
        try:
            self.world.drain()
            self.world.assert_audit()
        finally:
            self.world.close()


def test_send_answer_reject_correct() -> None:
    run_state_machine_as_test(Machine, settings=stories(12, steps=25))
