"""Words taken back from electronic reports: what never left loses its bytes, no number ever names two files, what may be there stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from services.ae_intake import redacting
from services.ae_intake.commands import RedactCase
from services.ae_intake.handlers import Who
from services.sae_notifier import store
from services.sae_notifier.e2b import read
from services.sae_notifier.handlers import acks, icsr, withdrawing
from services.sae_notifier.rebuild import rebuild
from services.sae_notifier.store import FilingRow, FormRow
from shared.case.withholding import hash_of
from shared.errors import Conflict, Refused
from shared.events.envelope import decode
from tests.support import deeds
from tests.support.electronic import ElectronicWorld, reported
from tests.support.world import OFFICER

pytestmark = [pytest.mark.live, pytest.mark.schemas]
NAME = "QZXNAMEQZX"
CHILD = "VN01-007"
WORDS = {"text": f"sốt cao, mẹ là {NAME}", "language": "vi"}


_FORMS = text("SELECT body FROM outbox WHERE type = 'tocsin.form.made.v1'")
_FILINGS = text("SELECT body FROM outbox WHERE type = 'tocsin.filing.changed.v1'")


@pytest.fixture
def world() -> Iterator[ElectronicWorld]:
    made = ElectronicWorld()
    with made:
        yield made
        made.drain()
        made.assert_audit()


def lined_up(world: ElectronicWorld) -> tuple[str, FilingRow]:
    """A report whose story holds the name, waiting to be sent."""
    case_id = reported(world, verbatim=WORDS)
    row = world.transmit(world.duty(case_id).obligation_id)
    assert NAME in file_of(world, row).content.decode()
    return case_id, row


def redact(world: ElectronicWorld, case_id: str, *more: dict[str, Any]) -> None:
    """In intake; the notifier hears of it when the world is drained."""
    world.clock.advance(seconds=2)
    asked = {"texts": [{"version": 1, "pointer": "/events/0/verbatim"}, *more], "reason": "names a mother"}
    command = RedactCase.model_validate(asked)
    now = world.clock.now()
    db = world["ae_intake"].db
    db.transact(lambda tx: redacting.redact(world.intake, tx, case_id, command, Who(OFFICER), now, now))


def taken_back(world: ElectronicWorld, case_id: str) -> None:
    redact(world, case_id)
    world.drain()
    world.clock.advance(seconds=2)


def file_of(world: ElectronicWorld, row: FilingRow) -> FormRow:
    found = world["sae_notifier"].db.read(lambda tx: store.form(tx, row.document_id))
    assert found is not None
    return found


def tellings(world: ElectronicWorld, case_id: str) -> list[FilingRow]:
    """Oldest first."""
    return world["sae_notifier"].db.read(lambda tx: store.filings(tx, case_id=case_id))[::-1]


def later(world: ElectronicWorld, case_id: str) -> set[str]:
    db = world["sae_notifier"].db
    forms = db.read(lambda tx: store.forms_of(tx, case_id))
    return set(db.read(lambda tx: withdrawing.later(tx, case_id, CHILD, forms)))


def test_a_file_that_never_left_loses_its_bytes_and_another_goes_under_a_number_of_its_own(
    world: ElectronicWorld,
) -> None:
    case_id, row = lined_up(world)
    due = world.duty(case_id).due_at
    taken_back(world, case_id)
    world.hand_over()
    assert world.desk.taken == [], "nothing leaves before it is made again"
    assert world.dispatcher.taken_back.make_again() == 1
    assert world.dispatcher.taken_back.make_again() == 0
    old, new = tellings(world, case_id)
    assert (old.filing_id, old.state, new.state) == (row.filing_id, "failed", "waiting")
    assert new.message_number != old.message_number and new.message_number in (old.error or "")
    assert (file_of(world, old).content, bool(file_of(world, old).sha256)) == (b"", True)
    world.hand_over()
    [parcel] = world.desk.taken
    assert NAME.encode() not in parcel.content and hash_of(WORDS["text"]).encode() not in parcel.content
    assert parcel.number == new.message_number == read(parcel.content).batch.text("N.1.2")
    assert b"[withheld]" in parcel.content, "it says that words are missing"
    assert world.duty(case_id).state == "received" and world.duty(case_id).due_at == due
    assert later(world, case_id) == set()
    initial = world["sae_notifier"].db.read(lambda tx: [one.initial for one in store.icsrs_of(tx, case_id)])
    assert initial == [True, True], "the one before never left"


def test_a_file_made_and_not_filed_goes_with_what_was_found_in_it(world: ElectronicWorld) -> None:
    """A schema's message may quote the file."""
    case_id = reported(world, verbatim=WORDS, term_code=None)
    made = world.make(world.duty(case_id).obligation_id)
    db = world["sae_notifier"].db
    before = db.read(lambda tx: store.icsr(tx, made.document_id))
    assert before is not None
    quoting = json.loads(before.findings)
    assert quoting[0]["message"]["en"]
    taken_back(world, case_id)
    after = db.read(lambda tx: store.icsr(tx, made.document_id))
    assert after is not None and after.batch_number == before.batch_number
    kept = json.loads(after.findings)
    assert [(one["rule"], one["element"]) for one in kept] == [(one["rule"], one["element"]) for one in quoting]
    assert {one["message"]["en"] for one in kept} == {"(taken back)"}
    body = json.loads(db.read(lambda tx: tx.scalar(_FORMS)))
    assert body["content_base64"] is None and body["icsr"]["findings"] == after.findings
    with pytest.raises(Refused) as refused:
        world.transmit(world.duty(case_id).obligation_id, made.document_id)
    assert "words were taken back from it before it was sent" in [one.detail for one in refused.value.problems]


def test_a_file_that_may_be_there_stays_and_its_number_names_no_other_bytes(world: ElectronicWorld) -> None:
    """They took it, and the answer was lost: we cannot know."""
    world.desk.deaf = True
    case_id, row = lined_up(world)
    world.hand_over()
    assert world.filing(row.filing_id).attempts == 1 and len(world.desk.taken) == 1
    world.desk.deaf = False
    taken_back(world, case_id)
    world.clock.advance(hours=1)
    world.hand_over()
    assert len(world.desk.taken) == 1, "the words are not sent again"
    held = file_of(world, row)
    assert NAME in held.content.decode() and held.withdrawn_at is not None, "what was told must be known"
    assert later(world, case_id) == {row.document_id}
    assert world.dispatcher.taken_back.make_again() == 1
    world.hand_over()
    first, second = world.desk.taken
    assert first.number != second.number and NAME.encode() not in second.content
    back = read(second.content).reports[0]
    assert back.text("C.1.1") == read(first.content).reports[0].text("C.1.1"), "a follow-up of the same case"
    numbers = world["sae_notifier"].db.read(lambda tx: store.icsrs_of(tx, case_id))
    assert [one.initial for one in numbers] == [True, False]
    # The answer to the first one finds what it is about.
    world.desk.answer(world.ack("AA", "CA", nth=0))
    world.fetch()
    old = world.filing(row.filing_id)
    assert (old.state, old.acceptance) == ("received", "accepted")


def test_one_that_failed_is_not_tried_again_by_a_person(world: ElectronicWorld) -> None:
    world.desk.refuses = True
    case_id, row = lined_up(world)
    for _ in range(8):
        world.hand_over()
        world.clock.advance(hours=1)
    assert world.filing(row.filing_id).state == "failed"
    taken_back(world, case_id)
    world.desk.refuses = False
    with pytest.raises(Refused) as refused:
        world.transmit(world.duty(case_id).obligation_id, row.document_id)
    assert [one.detail for one in refused.value.problems] == ["words were taken back from it before it was sent"]
    assert world.dispatcher.taken_back.make_again() == 0, "a person makes and files it"
    again = world.transmit(world.duty(case_id).obligation_id)
    world.hand_over()
    [parcel] = world.desk.taken
    assert parcel.number == again.message_number != row.message_number and NAME.encode() not in parcel.content


@pytest.mark.parametrize("arrives", [True, False])
def test_one_on_its_way_at_that_moment_is_left_until_the_outcome_is_known(
    world: ElectronicWorld, arrives: bool
) -> None:
    case_id, row = lined_up(world)
    db = world["sae_notifier"].db
    with world.dying_at("filing.after_send" if arrives else "notify.after_claim") as died:
        world.hand_over()
    assert died
    redact(world, case_id)
    world.drain()
    held = file_of(world, row)
    assert held.content and held.withdrawn_at is None and held.withdrawn_by is not None
    if arrives:
        world.desk.answer(world.ack("AA", "CA"))
        world.fetch()
    world.clock.advance(minutes=1)
    world.hand_over()
    assert len(world.desk.taken) == int(arrives), "the claim is over, and still it does not leave again"
    assert world.dispatcher.taken_back.make_again() == (0 if arrives else 1)
    assert file_of(world, row).content, "it was, or may have been, handed over"
    assert later(world, case_id) == {row.document_id}
    state = db.read(lambda tx: store.filing(tx, row.filing_id))
    assert state is not None and state.state == ("received" if arrives else "failed")


def test_a_draft_read_before_and_kept_after_is_refused(world: ElectronicWorld) -> None:
    case_id = reported(world, verbatim=WORDS)
    obligation_id = world.duty(case_id).obligation_id
    db, now = world["sae_notifier"].db, world.clock.now()
    made = db.read(lambda tx: icsr.draft(world.notifier, tx, obligation_id, now))
    prepared = icsr.judged(world.notifier, made, now)
    taken_back(world, case_id)
    with pytest.raises(Conflict, match="taken back"):
        db.transact(lambda tx: icsr.keep(world.notifier, tx, made, prepared, OFFICER, now))


def test_two_versions_in_line_are_made_again_in_their_order(world: ElectronicWorld) -> None:
    """A later version with an earlier time in it would be taken for old news."""
    world.desk.refuses = True
    case_id, _ = lined_up(world)
    deeds.amend(world, case_id, 1, news=world.clock.now(), reason="more is known")
    world.drain()
    world.clock.advance(minutes=1)
    world.transmit(world.duty(case_id).obligation_id)
    world.desk.refuses = False
    taken_back(world, case_id)
    assert world.dispatcher.taken_back.make_again() == 2
    world.hand_over()
    world.hand_over()
    numbers = [one.number for one in world.desk.taken]
    assert [one.split("-v")[1][0] for one in numbers] == ["1", "2"]
    times = [read(one.content).reports[0].text("C.1.2") or "" for one in world.desk.taken]
    assert times == sorted(times) and times[0] != times[1]
    initial = {
        one.batch_number: one.initial for one in world["sae_notifier"].db.read(lambda tx: store.icsrs_of(tx, case_id))
    }
    assert [initial[one] for one in numbers] == [True, False]


def test_a_person_who_was_faster_is_not_doubled(world: ElectronicWorld) -> None:
    case_id, row = lined_up(world)
    taken_back(world, case_id)
    mine = world.transmit(world.duty(case_id).obligation_id)
    world.dispatcher.taken_back.make_again()
    assert world.filing(row.filing_id).state == "failed"
    assert mine.message_number in (world.filing(row.filing_id).error or "")
    world.hand_over()
    assert [one.number for one in world.desk.taken] == [mine.message_number]


def test_what_was_sent_stays_and_an_answer_that_came_back_is_a_file(world: ElectronicWorld) -> None:
    case_id, row = lined_up(world)
    world.hand_over()
    reason = f"E.i.1.1a: the value '{WORDS['text']}' is not understood"
    world.desk.answer(world.ack("AR", "CR", reason))
    world.fetch()
    said = world.receipts(row.filing_id)[-1]
    assert NAME in said.reasons
    filing = world.filing(row.filing_id)
    # What the recipient said is a text of its own: whoever finds a name in it names it.
    quoted = {
        "aggregate": f"filing/{row.filing_id}",
        "version": filing.version,
        "pointer": "/receipts/1/reasons",
        "sha256": hash_of(said.reasons),
    }
    redact(world, case_id, quoted)
    world.drain()
    assert NAME in file_of(world, row).content.decode() and later(world, case_id) == {row.document_id}
    assert NAME not in world.receipts(row.filing_id)[-1].reasons
    [ack] = world.acks()
    assert NAME in ack.content.decode(), "nothing looks inside a file that came from outside"
    told = world["sae_notifier"].db.read(lambda tx: tx.execute(_FILINGS).scalars().all())
    assert not any(NAME in one for one in told)


def test_what_a_person_wrote_when_closing_an_answer_is_taken_back(world: ElectronicWorld) -> None:
    case_id, _ = lined_up(world)
    world.hand_over()
    world.desk.answer(world.ack("AA", "CA"))
    world.fetch()
    world.desk.answer(world.ack("AR", "CR", "C.5.4"))
    world.fetch()
    [parked] = world.acks("parked")
    db, now = world["sae_notifier"].db, world.clock.now()
    why = f"spoke to {NAME}"
    closed = db.transact(lambda tx: acks.close(world.notifier, tx, parked.ack_id, reason=why, user_id=OFFICER, now=now))
    reason = {
        "aggregate": f"acknowledgement/{parked.ack_id}",
        "version": closed.version,
        "pointer": "/closed_reason",
        "sha256": hash_of(why),
    }
    redact(world, case_id, reason)
    world.drain()
    [closed] = world.acks("closed")
    assert NAME not in (closed.closed_reason or "") and hash_of(why) in (closed.closed_reason or "")


def test_after_a_restore_the_number_of_a_file_taken_back_is_still_taken(world: ElectronicWorld) -> None:
    """Our own event has lost the file; were its number forgotten with it, other bytes would get it."""
    case_id, row = lined_up(world)
    taken_back(world, case_id)
    db = world["sae_notifier"].db
    bodies = db.read(lambda tx: tx.execute(_FORMS).scalars().all())
    body = json.loads(bodies[0])
    assert body["content_base64"] is None
    [record] = [one for one in world.log.all() if one.header("ce_type") == "tocsin.form.made.v1"]
    event = replace(decode(record), body=bodies[0].encode(), data=body)
    with ElectronicWorld() as other:
        base = other["sae_notifier"].db
        base.transact(lambda tx: rebuild(tx, event, other.clock.now()))
        assert base.read(lambda tx: store.form(tx, row.document_id)) is None, "an empty file might be sent"
        known = base.read(lambda tx: store.icsr_numbered(tx, row.message_number))
        assert known is not None and known.document_id == row.document_id
