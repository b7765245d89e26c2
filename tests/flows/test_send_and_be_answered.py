"""A report goes to an authority's computer and is answered, well and badly: receipt meets the duty, acceptance is another fact."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.sae_notifier import store
from services.sae_notifier.channels import HandoverFailed, Waiting
from services.sae_notifier.e2b import SchemasMissing, read
from services.sae_notifier.handlers import acks, attempts, icsr
from services.sae_notifier.rebuild import rebuild
from services.sae_notifier.store import FilingRow
from shared.canonical import sha256
from shared.errors import Conflict, Refused
from shared.events.envelope import decode
from tests.support import deeds
from tests.support.electronic import ENDPOINT, RECIPIENT, ElectronicWorld, reported
from tests.support.world import OFFICER

pytestmark = [pytest.mark.live, pytest.mark.schemas]


@pytest.fixture
def world() -> Iterator[ElectronicWorld]:
    with ElectronicWorld() as made:
        yield made
        made.drain()
        made.assert_audit()


def sent(world: ElectronicWorld, case_id: str) -> FilingRow:
    """The report of this case's first duty, handed over."""
    row = world.transmit(world.duty(case_id).obligation_id)
    world.hand_over()
    return world.filing(row.filing_id)


# What may leave ------------------------------------------------------------------------------------------------------


def test_what_leaves_is_what_was_stored_under_its_number(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    document = world["sae_notifier"].db.read(lambda tx: store.form(tx, row.document_id))
    numbers = world["sae_notifier"].db.read(lambda tx: store.icsr(tx, row.document_id))
    assert document is not None and numbers is not None
    [parcel] = world.desk.taken
    assert parcel.content == bytes(document.content)
    assert sha256(parcel.content) == document.sha256 == parcel.sha256
    back = read(parcel.content)
    assert back.batch.text("N.1.2") == parcel.number == row.message_number == numbers.batch_number
    assert back.reports[0].text("N.2.r.1") == back.reports[0].text("C.1.1") == document.case_number
    assert document.case_version == row.case_version == 1
    assert (row.address, row.state) == (f"http_gateway:{ENDPOINT}", "received")


def test_without_schemas_nothing_is_made_and_nothing_leaves(world: ElectronicWorld, tmp_path: Path) -> None:
    case_id = reported(world)
    obligation_id = world.duty(case_id).obligation_id
    made = world.make(obligation_id)
    there, world.schemas = world.schemas, tmp_path
    world.crash()
    with pytest.raises(SchemasMissing, match="fetch-schemas"):
        world.make(obligation_id)
    with pytest.raises(Refused) as refused:
        world.transmit(obligation_id, made.document_id)
    assert refused.value.problems[0].detail == "the official E2B(R3) schemas are not installed"
    world.schemas = there
    world.crash()
    row = world.transmit(obligation_id, made.document_id)
    world.schemas = tmp_path  # they vanish between filing and sending
    world.crash()
    world.hand_over()
    row = world.filing(row.filing_id)
    assert row.state == "waiting" and "schemas are not installed" in (row.error or "")
    assert world.desk.taken == []
    assert world.duty(case_id).state == "open"


def test_a_report_with_errors_is_kept_shown_and_never_sent(world: ElectronicWorld) -> None:
    """Nobody coded the event: there is no E.i.2.1b, and no code is invented."""
    case_id = reported(world, term_code=None)
    obligation_id = world.duty(case_id).obligation_id
    made = world.make(obligation_id)
    numbers = world["sae_notifier"].db.read(lambda tx: store.icsr(tx, made.document_id))
    assert numbers is not None and not numbers.may_be_sent
    errors = {one["element"] for one in json.loads(numbers.findings) if one["severity"] == "error"}
    assert "E.i.2.1b" in errors
    with pytest.raises(Refused) as refused:
        world.transmit(obligation_id, made.document_id)
    assert refused.value.problems[0].detail == "the file has errors"


def test_the_same_facts_make_the_same_file_and_other_facts_another(world: ElectronicWorld) -> None:
    case_id = reported(world)
    obligation_id = world.duty(case_id).obligation_id
    first = world.make(obligation_id)
    world.clock.advance(hours=1)
    assert world.make(obligation_id).document_id == first.document_id, "an hour later nothing else is said"
    deeds.expose(world, "VN01-007", world.clock.now() - timedelta(days=2))
    world.drain()
    second = world.make(obligation_id)
    assert second.document_id != first.document_id
    assert b"-x2" in second.content


@pytest.mark.parametrize(
    ("changed", "with_its_hash", "said"),
    [
        (lambda xml: xml + b" ", False, "not the one that was made"),
        (lambda xml: xml.replace(b"10027199", b"xx"), True, "not valid any more"),
    ],
)
def test_a_file_changed_in_the_database_does_not_leave(
    world: ElectronicWorld, changed: Callable[[bytes], bytes], with_its_hash: bool, said: str
) -> None:
    """Judged once more when it leaves: a newer set of rules, or a hand that knew to write the hash as well."""
    row = world.transmit(world.duty(reported(world)).obligation_id)
    good = world["sae_notifier"].db.read(lambda tx: store.form(tx, row.document_id))
    assert good is not None
    content, digest = bytes(good.content), good.sha256

    def write(content: bytes, digest: str) -> None:
        with world["sae_notifier"].db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE forms SET content = ?, sha256 = ?", (content, digest))

    bad = changed(content)
    assert bad != content
    write(bad, sha256(bad) if with_its_hash else digest)
    world.hand_over()
    assert world.desk.taken == []
    assert said in (world.filing(row.filing_id).error or "")
    write(content, digest)


# Receipt and acceptance ----------------------------------------------------------------------------------------------


def test_the_receipt_meets_the_duty_and_acceptance_stands_beside(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    duty = world.duty(case_id)
    assert (row.state, row.acceptance, duty.state) == ("received", None, "received")
    received_at = duty.received_at
    world.clock.advance(hours=2)
    answer = world.ack("AE", "CA", "W0009: the name should match")
    world.desk.answer(answer)
    assert world.fetch() == 1
    row = world.filing(row.filing_id)
    assert (row.state, row.acceptance, row.answer_due_at) == ("received", "accepted", None)
    assert world.duty(case_id).received_at == received_at, "when it was received does not move"
    last = world.receipts(row.filing_id)[-1]
    assert (last.verdict, last.kind, last.reasons) == ("accepted", "acknowledgement", "W0009: the name should match")
    assert last.content == answer and last.sha256 == sha256(answer)
    assert world.desk.outbox == {}


def test_an_answer_is_a_receipt_where_the_gateway_gave_none(world: ElectronicWorld) -> None:
    world.desk.receipts = False
    case_id = reported(world)
    row = sent(world, case_id)
    assert (row.state, world.duty(case_id).state) == ("sent", "filed"), "handing over is not arriving"
    world.clock.advance(minutes=5)
    world.desk.answer(world.ack("AA", "CA"))
    world.fetch()
    assert world.duty(case_id).state == "received"


def test_a_rejection_opens_the_duty_again_with_its_old_date(world: ElectronicWorld) -> None:
    case_id = reported(world)
    before = world.duty(case_id)
    row = sent(world, case_id)
    world.clock.advance(hours=30)
    world.desk.answer(world.ack("AR", "CR", "C.3.4.8: Data value required", "E.i.2.1b contains invalid value"))
    world.fetch()
    duty, row = world.duty(case_id), world.filing(row.filing_id)
    assert (duty.state, duty.due_at, duty.due_strict_at) == ("rejected", before.due_at, before.due_strict_at)
    assert (row.state, row.acceptance) == ("rejected", "rejected")
    assert world.receipts(row.filing_id)[-1].reasons.splitlines() == [
        "C.3.4.8: Data value required",
        "E.i.2.1b contains invalid value",
    ]
    assert "rejected" in world.kinds(case_id)


def test_after_a_rejection_the_file_is_another_with_a_number_and_time_of_its_own(world: ElectronicWorld) -> None:
    case_id = reported(world)
    first = sent(world, case_id)
    world.desk.answer(world.ack("AR", "CR", "C.5.4: Data value required"))
    world.fetch()
    duty = world.duty(case_id)
    with pytest.raises(Refused) as refused:
        world.transmit(duty.obligation_id, first.document_id)
    assert refused.value.problems[0].detail == "this very file was rejected"
    world.clock.advance(seconds=1)
    db = world["sae_notifier"].db
    kept = db.read(lambda tx: store.icsr(tx, first.document_id))
    again = db.read(lambda tx: icsr.draft(world.notifier, tx, duty.obligation_id, world.clock.now()))
    assert kept is not None and again.message.first_received is not None, "C.1.4 is given again as it was first sent"
    assert again.message.first_received.model_dump_json() == kept.first_received
    second = world.transmit(duty.obligation_id)
    world.hand_over()
    old, new = (read(one.content) for one in world.desk.taken)
    assert second.message_number != first.message_number
    for element in ("N.2.r.4", "C.1.2"):
        assert old.reports[0].text(element) != new.reports[0].text(element)
    for element in ("C.1.1", "C.1.4"):
        assert old.reports[0].text(element) == new.reports[0].text(element), f"{element} never changes"
    world.desk.answer(world.ack("AA", "CA"))
    world.fetch()
    assert world.filing(second.filing_id).acceptance == "accepted"
    assert world.duty(case_id).state == "received"


# Answers that fit nothing --------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_one_answer(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    answer = world.ack("AR", "CR", "C.5.4")
    world.desk.answer(answer)
    world.desk.answer(answer)
    assert world.fetch() == 2
    world.desk.answer(answer)
    world.fetch()
    assert [one.state for one in world.acks()] == ["used"]
    assert world.kinds(case_id).count("rejected") == 1
    assert len(world.receipts(row.filing_id)) == 2, "the gateway's receipt and one rejection"


def test_a_second_answer_that_says_otherwise_is_parked_and_alarmed(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    world.desk.answer(world.ack("AA", "CA"))
    world.fetch()
    world.desk.answer(world.ack("AR", "CR", "C.5.4"))
    world.fetch()
    [parked] = world.acks("parked")
    assert (parked.why, parked.filing_id) == ("doubled", row.filing_id)
    assert world.filing(row.filing_id).acceptance == "accepted"
    assert world.duty(case_id).state == "received"
    assert "ack_parked" in world.kinds(case_id)


@pytest.mark.parametrize(
    ("content", "why"), [(b"<html>502</html>", "unreadable"), (b"\x00\xff", "unreadable"), (b"", "unreadable")]
)
def test_garbage_is_parked_and_alarmed(world: ElectronicWorld, content: bytes, why: str) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    world.desk.answer(content)
    world.fetch()
    [parked] = world.acks("parked")
    assert (parked.why, bytes(parked.content), parked.filing_id) == (why, content, None)
    assert "ack_parked" in world.kinds()
    assert world.filing(row.filing_id).acceptance is None
    assert world.desk.outbox == {}, "it is kept here, so it need not be given again"


def test_an_answer_about_nothing_of_ours_is_parked_and_closed_by_a_person(world: ElectronicWorld) -> None:
    sent(world, reported(world))
    world.desk.answer(world.ack("AA", "CA", batch_number="SOMEBODY-ELSE", reports=()))
    world.fetch()
    [parked] = world.acks("parked")
    assert parked.why == "unmatched"
    db, now = world["sae_notifier"].db, world.clock.now()

    def close(reason: str) -> None:
        db.transact(lambda tx: acks.close(world.notifier, tx, parked.ack_id, reason=reason, user_id=OFFICER, now=now))

    with pytest.raises(Refused):
        close("  ")
    close("sent to us by mistake; told them")
    with pytest.raises(Conflict):
        close("again")
    [closed] = world.acks()
    assert (closed.state, closed.closed_by, closed.closed_reason) == (
        "closed",
        OFFICER,
        "sent to us by mistake; told them",
    )


def test_an_answer_through_another_way_is_not_believed(world: ElectronicWorld) -> None:
    """Whoever can write into one endpoint cannot reject what was sent to another."""
    case_id = reported(world)
    row = sent(world, case_id)
    arrived = acks.Arrived(world.ack("AR", "CR", "forged"), "another-endpoint", "a.ack")
    taken = world["sae_notifier"].db.transact(lambda tx: acks.take(world.notifier, tx, arrived, world.clock.now()))
    assert (taken.state, taken.why) == ("parked", "unmatched")
    assert world.filing(row.filing_id).state == "received"


@pytest.mark.parametrize(
    "name", ["\udcff.ack", "a\x00.ack", "a\r\nb.ack", "\u202ekca.ack", "x" * 5_000, "../../etc/passwd"]
)
def test_whatever_an_answer_is_called_it_is_taken(world: ElectronicWorld, name: str) -> None:
    """One name that cannot be stored would keep every answer behind it waiting."""
    row = sent(world, reported(world))
    arrived = acks.Arrived(world.ack("AA", "CA"), ENDPOINT, name)
    taken = world["sae_notifier"].db.transact(lambda tx: acks.take(world.notifier, tx, arrived, world.clock.now()))
    assert taken.state == "used"
    assert world.filing(row.filing_id).acceptance == "accepted"
    assert taken.name.isprintable() and taken.name.encode() and len(taken.name) <= 200


def test_an_answer_that_a_person_brings_is_used(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    arrived = acks.Arrived(world.ack("AA", "CA"), acks.UPLOAD, "from the portal.xml", OFFICER)
    taken = world["sae_notifier"].db.transact(lambda tx: acks.take(world.notifier, tx, arrived, world.clock.now()))
    assert (taken.state, taken.brought_by) == ("used", OFFICER)
    assert world.receipts(row.filing_id)[-1].recorded_by == OFFICER


# Silence, refusal, crash ---------------------------------------------------------------------------------------------


def test_an_answer_that_never_comes_is_alarmed_once(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    world.clock.advance(hours=47, minutes=59)
    assert world.dispatcher.answers.missed() == 0
    world.clock.advance(minutes=1)
    assert world.dispatcher.answers.missed() == 1
    assert world.dispatcher.answers.missed() == 0
    assert world.kinds(case_id).count("ack_overdue") == 1
    world.desk.answer(world.ack("AA", "CA"))
    world.fetch()
    assert world.filing(row.filing_id).acceptance == "accepted", "late is better than never"


def test_a_closed_gateway_is_tried_again_and_given_up_on_aloud(world: ElectronicWorld) -> None:
    world.desk.refuses = True
    case_id = reported(world)
    row = sent(world, case_id)
    assert (row.state, row.error) == ("waiting", "http_gateway: answered 503")
    for _ in range(attempts.ATTEMPTS):
        world.clock.advance(minutes=20)
        world.hand_over()
    row = world.filing(row.filing_id)
    assert row.state == "failed"
    assert world.rung["delivery_failed"] == 1
    assert "filing_failed" in world.kinds(case_id)
    world.desk.refuses = False
    again = world.transmit(row.obligation_id, row.document_id)
    assert (again.filing_id, again.state, again.message_number) == (row.filing_id, "waiting", row.message_number)
    world.hand_over()
    assert world.filing(row.filing_id).state == "received"
    assert [one.number for one in world.desk.taken] == [row.message_number]


@pytest.mark.parametrize("place", ["filing.after_send", "notify.before_receipt"])
def test_a_crash_between_sending_and_receipt_repeats_number_and_bytes(world: ElectronicWorld, place: str) -> None:
    case_id = reported(world)
    row = world.transmit(world.duty(case_id).obligation_id)
    with world.dying_at(place) as died:
        world.hand_over()
    assert died == [place]
    assert world.filing(row.filing_id).state == "waiting"
    world.clock.advance(minutes=1)
    world.hand_over()
    first, second = world.desk.taken
    assert first == second, "the same number, the same bytes"
    assert world.filing(row.filing_id).state == "received"


def test_an_answer_proves_what_a_crash_forgot(world: ElectronicWorld) -> None:
    """They have it, we do not know that we sent it: their answer says so, and nothing is sent again."""
    case_id = reported(world)
    row = world.transmit(world.duty(case_id).obligation_id)
    with world.dying_at("filing.after_send"):
        world.hand_over()
    world.desk.answer(world.ack("AA", "CA"))
    world.fetch()
    row = world.filing(row.filing_id)
    assert (row.state, row.acceptance) == ("received", "accepted")
    world.clock.advance(minutes=5)
    world.hand_over()
    assert len(world.desk.taken) == 1


def test_a_crash_between_keeping_and_taking_away_keeps_one_answer(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    world.desk.answer(world.ack("AR", "CR", "C.5.4"))
    with world.dying_at("ack.after_take") as died:
        world.fetch()
    assert died == ["ack.after_take"]
    assert len(world.desk.outbox) == 1
    world.fetch()
    assert world.desk.outbox == {}
    assert len(world.acks()) == 1
    assert world.kinds(case_id).count("rejected") == 1
    assert world.filing(row.filing_id).state == "rejected"


def test_a_follow_up_never_overtakes(world: ElectronicWorld) -> None:
    world.desk.refuses = True
    case_id = reported(world)
    first = sent(world, case_id)
    deeds.amend(world, case_id, 1, news=world.clock.now(), reason="more is known")
    world.drain()
    world.clock.advance(minutes=1)
    second = world.transmit(world.duty(case_id).obligation_id)
    world.desk.refuses = False
    world.clock.advance(minutes=30)
    world.hand_over()
    assert [one.number for one in world.desk.taken] == [first.message_number, second.message_number]
    assert world["sae_notifier"].db.read(lambda tx: store.waits_for(tx, world.filing(second.filing_id))) == []


def test_what_nobody_took_does_not_keep_later_news_waiting_and_never_overtakes_it(world: ElectronicWorld) -> None:
    """The later version says everything the earlier one did; that one can be sent no more, or its news would come last."""
    world.desk.refuses = True
    case_id = reported(world)
    first = sent(world, case_id)
    for _ in range(attempts.ATTEMPTS):
        world.clock.advance(minutes=20)
        world.hand_over()
    assert world.filing(first.filing_id).state == "failed"
    deeds.amend(world, case_id, 1, news=world.clock.now(), reason="more is known")
    world.drain()
    world.clock.advance(minutes=1)
    world.desk.refuses = False
    second = sent(world, case_id)
    assert [one.number for one in world.desk.taken] == [second.message_number]
    with pytest.raises(Conflict, match="overtake"):
        world.transmit(first.obligation_id, first.document_id)
    assert world.duty(case_id).state == "received"


def test_turned_down_late_while_they_hold_the_later_version(world: ElectronicWorld) -> None:
    """The duty is met by what they hold, since they hold it; a person is told all the same."""
    world.desk.receipts = False
    case_id = reported(world)
    first = sent(world, case_id)
    deeds.amend(world, case_id, 1, news=world.clock.now(), reason="more is known")
    world.drain()
    world.clock.advance(minutes=5)
    second = sent(world, case_id)
    assert second.obligation_id == first.obligation_id
    world.clock.advance(minutes=5)
    world.desk.answer(world.ack("AA", "CA", nth=1))
    world.fetch()
    held_since = world.duty(case_id).received_at
    world.clock.advance(minutes=5)
    world.desk.answer(world.ack("AR", "CR", "C.5.4", nth=0))
    world.fetch()
    assert world.filing(first.filing_id).state == "rejected"
    assert (world.duty(case_id).state, world.duty(case_id).received_at) == ("received", held_since)
    assert world.kinds(case_id).count("rejected") == 1


def test_turned_down_after_its_receipt_the_duty_is_met_by_the_later_one(world: ElectronicWorld) -> None:
    """Received counts from the telling that stands, not from one that was thrown away."""
    case_id = reported(world)
    sent(world, case_id)
    first_received = world.duty(case_id).received_at
    deeds.amend(world, case_id, 1, news=world.clock.now(), reason="more is known")
    world.drain()
    world.clock.advance(minutes=5)
    second = sent(world, case_id)
    world.desk.answer(world.ack("AR", "CR", "C.5.4", nth=0))
    world.fetch()
    duty = world.duty(case_id)
    assert duty.state == "received"
    assert first_received is not None and duty.received_at == world.receipts(second.filing_id)[0].at > first_received


def test_the_first_receipt_date_binds_once_it_was_told(world: ElectronicWorld) -> None:
    """C.1.4 is constant for everybody who was told; a draft that nobody got does not fix a wrong date for ever."""
    case_id = reported(world)
    first = world.make(world.duty(case_id).obligation_id)
    assert first.content
    row = world["sae_notifier"].db.read(lambda tx: store.icsr(tx, first.document_id))
    assert row is not None

    def kept() -> object:
        now = world.clock.now()
        made = world["sae_notifier"].db.read(
            lambda tx: icsr.draft(world.notifier, tx, world.duty(case_id).obligation_id, now)
        )
        return made.message.first_received

    assert kept() is None
    sent(world, case_id)
    told = kept()
    assert told is not None and told.model_dump_json() == row.first_received  # type: ignore[attr-defined]


@pytest.mark.parametrize("failure", [HandoverFailed("http_gateway: answered 403"), UnicodeError("a name of theirs")])
def test_answers_that_cannot_be_fetched_ring_before_long(
    world: ElectronicWorld, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def closed() -> list[Waiting]:
        raise failure

    sent(world, reported(world))
    monkeypatch.setattr(world.desk, "answers", closed)
    for _ in range(2):
        world.fetch()
        assert world.rung["answers_closed"] == 0
        world.clock.advance(minutes=5)
    world.fetch()
    assert world.rung["answers_closed"] == 1
    monkeypatch.undo()
    world.fetch()
    monkeypatch.setattr(world.desk, "answers", closed)
    world.fetch()
    assert world.rung["answers_closed"] == 1, "a way that opens begins anew"


# After a restore -----------------------------------------------------------------------------------------------------


def test_files_and_answers_are_events() -> None:
    """What was told and what came back can be made again from our own events: numbers, bytes, the acceptance."""
    with ElectronicWorld() as world:
        _made_again(world)


def _made_again(world: ElectronicWorld) -> None:
    case_id = reported(world)
    row = sent(world, case_id)
    world.desk.answer(world.ack("AA", "CA"))
    world.desk.answer(b"garbage")
    world.fetch()
    world.drain()
    db = world["sae_notifier"].db
    tables = ("icsrs", "acknowledgements", "receipts", "filings", "forms")

    def content() -> dict[str, list[tuple[object, ...]]]:
        with db.engine.connect() as connection:
            return {
                table: sorted(tuple(one) for one in connection.exec_driver_sql(f"SELECT * FROM {table}").all())
                for table in tables
            }

    before = content()
    mine = [one for one in world.log.all() if (one.header("ce_source") or "").endswith("sae_notifier")]
    assert {one.header("ce_type") for one in mine} >= {"tocsin.acknowledgement.taken.v1", "tocsin.form.made.v1"}
    with db.engine.begin() as connection:
        for table in tables:
            connection.exec_driver_sql(f"DELETE FROM {table}")
    for record in mine:
        db.transact(lambda tx, r=record: rebuild(tx, decode(r), world.clock.now()))
    after = content()
    for table in ("icsrs", "acknowledgements", "forms"):
        assert after[table] == before[table], table
    assert world.filing(row.filing_id).acceptance == "accepted"
    assert world.filing(row.filing_id).recipient_id == RECIPIENT
