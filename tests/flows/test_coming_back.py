"""One service comes back from last night's copy while the others are current; a cut log is made whole from its owners."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services.sae_notifier import store
from services.sae_notifier import store as notifier_store
from services.sae_notifier.handlers import attempts, telling
from services.sae_notifier.store import FilingRow
from shared.bus import hold
from shared.bus.guard import Held, Unverified
from shared.db import Tx
from shared.errors import Conflict, NotFound
from tests.support import coming_back, deeds
from tests.support.world import START, World, _made

FATAL = deeds.seriousness(life_threatening="yes")
SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def before_midnight(world: World) -> str:
    """One case told, filed, signed; another child's infusion."""
    body = deeds.report("VN01-007", aware=START - timedelta(hours=1), seriousness=FATAL)
    case_id = deeds.submit(world, body, "k1")["case_id"]
    world.drain()
    deeds.expose(world, "VN01-007", START - timedelta(days=1))
    world.drain()
    deeds.sign(world, case_id)
    world.drain()
    duty = deeds.duties(world, case_id)[0]
    deeds.receipt(world, deeds.file(world, duty.obligation_id).filing_id)
    world.hand_over()
    world.drain()
    return case_id


def after_midnight(world: World, first: str) -> str:
    """What last night's copy does not know: news, a second case, mails that were sent, receipts, an allocation."""
    world.tick(hours=6)
    second = deeds.submit(world, deeds.report("VN01-008", aware=world.clock.now(), seriousness=FATAL), "k2")["case_id"]
    deeds.culture(world, "VN01-008", "B-8", "positive")
    world.drain()
    world.hand_over()
    for duty in deeds.duties(world, second)[:2]:
        deeds.file(world, duty.obligation_id, "mail")
    world.hand_over()
    world.drain()
    filed = world["sae_notifier"].db.read(
        lambda tx: (
            tx.execute(text("SELECT filing_id FROM filings WHERE state = 'sent' AND method = 'mail'")).scalars().all()
        )
    )
    deeds.receipt(world, filed[0])
    deeds.sign(world, second)
    world.drain()
    deeds.freeze(world)
    world.drain()
    return second


def stood(world: World, *cases: str) -> dict[str, object]:
    """What must be the same after a restore."""
    duties = [one for case in cases for one in deeds.duties(world, case)]
    read = world.read
    return {
        "duties": {one.obligation_id: (one.state, one.due_at, one.due_strict_at) for one in duties},
        "cases": [deeds.case(world, one) for one in cases],
        "numbers": sorted(
            read("ae_intake", lambda tx: tx.execute(text("SELECT case_number FROM cases")).scalars().all())
        ),  # type: ignore[call-overload]
        "signed": [deeds.assessment(world, one) for one in cases],
        "filings": read(
            "sae_notifier",
            lambda tx: tx.execute(
                text("SELECT message_number, state, sent_at, version FROM filings ORDER BY message_number")
            ).all(),
        ),
        "receipts": read(
            "sae_notifier",
            lambda tx: tx.execute(text("SELECT receipt_id, sha256 FROM receipts ORDER BY receipt_id")).all(),
        ),
        "cuts": [
            read("dsmb", lambda tx, t=table: tx.execute(text(f"SELECT * FROM {t} ORDER BY 1, 2, 3")).all())
            for table in ("cuts", "codings", "reports", "prints")
        ],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_from_last_nights_copy_comes_back_whole(world: World, copies: Path, name: str) -> None:
    first = before_midnight(world)
    coming_back.backup(world, copies)
    second = after_midnight(world, first)
    before, mails = stood(world, first, second), len([m for m in world.mail.taken if m.attachments])
    events = len({one.event_id for one in world.log.all()})

    coming_back.put_back(world, name, copies)
    door = coming_back.guard(world, name)
    assert coming_back.look(world, door) == "held"
    assert world.rung["held"] == 1
    with pytest.raises(Held):
        world[name].db.transact(lambda tx: None)
    with pytest.raises(Conflict):  # nobody releases what was not restored
        coming_back.release(world, name)
    with pytest.raises(Held):  # it sends nothing, while everything else goes on
        world.relay(name)
    for other in set(SERVICES) - {name}:
        world.relay(other)
        world.consume(other)
    assert len({one.event_id for one in world.log.all()}) == events

    restored = coming_back.restore(world, name)
    assert restored.counts and not restored.parked
    assert coming_back.look(world, door) == "held", "restored, but nobody has released it"
    coming_back.release(world, name)
    assert coming_back.look(world, door) == "open"
    coming_back.look(world, door)  # judges the children anew
    assert not world.read(name, hold.unfinished)
    world.drain()
    world.hand_over()
    world.drain()

    assert stood(world, first, second) == before
    assert len([m for m in world.mail.taken if m.attachments]) == mails, "nothing was filed twice"
    third = deeds.submit(world, deeds.report("VN01-009", aware=world.clock.now()), "k3")
    assert third["case_number"] not in before["numbers"]  # type: ignore[operator]
    world.drain()
    world.assert_audit()
    lost = world.verify(name).lost
    assert lost, "the trail says which seals cover what was lost"
    with pytest.raises(NotFound):
        coming_back.release(world, name)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_held_when_nothing_is_missing(world: World, copies: Path, name: str) -> None:
    first = before_midnight(world)
    coming_back.backup(world, copies)
    coming_back.put_back(world, name, copies)
    door = coming_back.guard(world, name)
    assert door.state == "unverified"
    assert coming_back.look(world, door) == "open"
    assert deeds.case(world, first) is not None


def test_a_held_service_rings_for_that_and_not_for_seals_it_may_not_make(world: World, copies: Path) -> None:
    deeds.submit(world, deeds.report("VN01-007", aware=START, seriousness=FATAL), "k1")
    for step in (world.relay, world.consume):
        step("ae_intake")
    world.consume("causality")
    coming_back.backup(world, copies)  # what was proposed is not sealed yet
    world.drain()
    coming_back.put_back(world, "causality", copies)
    door = coming_back.guard(world, "causality")
    assert coming_back.look(world, door) == "held"
    world.clock.advance(minutes=10)
    relay = world["causality"].relay
    world.loop.run_until_complete(relay._watch())
    assert world.rung["held"] == 1 and not world.rung["seal_failed"]
    coming_back.restore(world, "causality")
    coming_back.release(world, "causality")
    coming_back.look(world, door)
    world.loop.run_until_complete(relay._watch())
    assert world.rung["seal_failed"] == 1, "from then on it may"


def test_unverified_takes_reports_and_nothing_else(world: World) -> None:
    case_id = before_midnight(world)
    coming_back.guard(world, "ae_intake")
    taken = deeds.submit(world, deeds.report("VN01-010", aware=world.clock.now()), "k9")
    assert taken["case_number"]
    with pytest.raises(Unverified):
        deeds.nullify(world, case_id, 1)


def test_a_restore_that_dies_in_the_middle_goes_on(world: World, copies: Path) -> None:
    first = before_midnight(world)
    coming_back.backup(world, copies)
    second = after_midnight(world, first)
    before = stood(world, first, second)
    coming_back.put_back(world, "sae_notifier", copies)
    coming_back.look(world, coming_back.guard(world, "sae_notifier"))
    with world.dying_at("restore.after_commit", 2) as died:
        coming_back.restore(world, "sae_notifier")
    assert died
    door = coming_back.guard(world, "sae_notifier")
    coming_back.restore(world, "sae_notifier")
    coming_back.release(world, "sae_notifier")
    assert coming_back.look(world, door) == "open"
    coming_back.look(world, door)
    world.drain()
    assert stood(world, first, second) == before
    world.assert_audit()


@pytest.mark.parametrize("from_nothing", [False, True], ids=["last night's copy", "an empty database"])
def test_what_was_activated_after_the_copy_still_judges(world: World, copies: Path, from_nothing: bool) -> None:
    """Otherwise a restore would judge by yesterday's files, and relax what was owed since."""
    first = before_midnight(world)
    world.dispatcher.law.review()
    world.drain()
    coming_back.backup(world, copies)
    if from_nothing:
        (copies / "sae_notifier.db").unlink()
        shutil.copy(_made().template / "sae_notifier.db", copies)
    deeds.activate(world, "", "number: 7, unit: working_days", "number: 5, unit: working_days")
    assert world.dispatcher.law.review()
    second = after_midnight(world, first)
    before = stood(world, first, second)
    law = world.read("sae_notifier", notifier_store.active_law)
    assert law is not None and law[0] == 2  # type: ignore[index]

    coming_back.put_back(world, "sae_notifier", copies)
    assert world.read("sae_notifier", notifier_store.active_law)[0] == 1  # type: ignore[index]
    door = coming_back.guard(world, "sae_notifier")
    assert coming_back.look(world, door) == "held"
    coming_back.restore(world, "sae_notifier")
    assert world.read("sae_notifier", notifier_store.active_law) == law
    coming_back.release(world, "sae_notifier")
    assert coming_back.look(world, door) == "open"
    coming_back.look(world, door)
    world.dispatcher.law.review()
    world.drain()
    assert stood(world, first, second)["duties"] == before["duties"]
    row = world.read("sae_notifier", lambda tx: notifier_store.activation(tx, 2))
    assert (row.activated_by, row.reason) == ("admin", "the ministry wrote so")  # type: ignore[attr-defined]
    world.assert_audit()
    assert not world.rung["same_version_other_bytes"]


@pytest.mark.parametrize("keep", [0, 5])
def test_a_cut_log_is_made_whole_from_its_owners(world: World, keep: int) -> None:
    """Every partition lost its tail, or all of it."""
    first = before_midnight(world)
    second = after_midnight(world, first)
    before = stood(world, first, second)
    events = {one.event_id: (one.key, one.value, one.headers) for one in world.log.all()}
    mails = len(world.mail.taken)
    for place, records in world.log.partitions.items():
        world.log.partitions[place] = records[:keep]
    done = coming_back.rebuild_log(world)
    assert done.appended > 0
    assert {one.event_id: (one.key, one.value, one.headers) for one in world.log.all()} == events
    world.crash()
    world.drain()
    world.hand_over()
    assert stood(world, first, second) == before
    assert len(world.mail.taken) == mails
    third = deeds.submit(world, deeds.report("VN01-009", aware=world.clock.now(), seriousness=FATAL), "k3")["case_id"]
    world.drain()
    assert deeds.duties(world, third)
    world.assert_audit()
    assert not any(world.rung[kind] for kind in ("position_invalid", "same_version_other_bytes", "event_parked"))


def test_a_child_that_cannot_be_judged_anew_rings_and_keeps_nobody_waiting(
    world: World, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = before_midnight(world)
    coming_back.backup(world, copies)
    after_midnight(world, first)
    deeds.expose(world, "VN01-007", START)
    world.drain()
    coming_back.put_back(world, "sae_notifier", copies)
    door = coming_back.guard(world, "sae_notifier")
    coming_back.look(world, door)
    assert len(coming_back.restore(world, "sae_notifier").children) == 2
    coming_back.release(world, "sae_notifier")
    honest, failing = door.reconsider, True

    def judge(tx: Tx, child: str, now: datetime) -> object:
        if failing and child == "VN01-007":
            raise ZeroDivisionError
        assert honest is not None
        return honest(tx, child, now)

    door.reconsider = judge
    for _ in range(3):
        coming_back.look(world, door)
    left = world.read("sae_notifier", hold.unfinished)
    assert isinstance(left, hold.HoldRow) and left.waiting() == ["VN01-007"]
    assert (door.state, world.rung["not_judged_anew"]) == ("open", 1), "once a minute, not once a second"
    failing = False
    door._later.clear()
    coming_back.look(world, door)
    assert world.read("sae_notifier", hold.unfinished) is None
    world.assert_audit()


def test_a_server_that_changes_while_the_log_is_compared_is_looked_at_again(world: World) -> None:
    before_midnight(world)
    door = coming_back.guard(world, "ae_intake")
    ends = world.log.end_offsets

    async def another_answers(topic: str) -> dict[int, int]:
        door.doubt()
        return await ends(topic)

    world.log.end_offsets = another_answers  # type: ignore[method-assign]
    assert coming_back.look(world, door) == "unverified"
    world.log.end_offsets = ends  # type: ignore[method-assign]
    assert coming_back.look(world, door) == "open"
    door.doubt()
    assert door.state == "unverified"


def waiting_mail(world: World) -> FilingRow:
    """A report that is to be mailed and has not been yet."""
    body = deeds.report("VN01-007", aware=START, seriousness=FATAL)
    case_id = deeds.submit(world, body, "k1")["case_id"]
    world.drain()
    world.hand_over()
    return deeds.file(world, deeds.duties(world, case_id)[0].obligation_id, "mail")


@pytest.mark.parametrize("done_to_it", ["DELETE FROM forms", "UPDATE forms SET content = x''"])
def test_a_report_is_never_mailed_without_the_document_that_was_made(world: World, done_to_it: str) -> None:
    filing = waiting_mail(world)
    world["sae_notifier"].db.transact(lambda tx: tx.execute(text(done_to_it)) and None)
    before = len(world.mail.taken)
    for _ in range(attempts.ATTEMPTS):
        world.hand_over()
        world.clock.advance(minutes=20)
    left = world.read("sae_notifier", lambda tx: store.filing(tx, filing.filing_id))
    assert isinstance(left, FilingRow)
    assert (left.state, "make the form again" in (left.error or "")) == ("failed", True)
    assert not [one for one in world.mail.taken[before:] if one.attachments]
    assert any(one.kind == "filing_failed" for one in deeds.alerts_of(world, filing.case_id))


def test_a_document_too_large_for_the_log_does_not_come_back_empty(
    world: World, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming_back.backup(world, copies)
    monkeypatch.setattr(telling, "ROOM", telling.MAX_BODY_BYTES)
    filing = waiting_mail(world)
    world.drain()
    coming_back.put_back(world, "sae_notifier", copies)
    coming_back.look(world, coming_back.guard(world, "sae_notifier"))
    coming_back.restore(world, "sae_notifier")
    assert isinstance(world.read("sae_notifier", lambda tx: store.filing(tx, filing.filing_id)), FilingRow)
    assert world.read("sae_notifier", lambda tx: store.form(tx, filing.document_id)) is None
