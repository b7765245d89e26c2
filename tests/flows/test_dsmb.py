"""The board's service among the others: cuts that never change, and a stopping rule that calls people exactly once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.ae_intake import records
from services.ae_intake.commands import RecordAllocation, RecordSubject
from services.dsmb import handlers, store
from services.dsmb import main as dsmb_main
from services.dsmb.domain import Manifest
from services.dsmb.handlers import Dsmb
from services.dsmb.handlers.checking import documents_of
from services.dsmb.handlers.freezing import Tampered
from services.dsmb.handlers.letters import CodingDiffers
from services.dsmb.handlers.making import make
from services.dsmb.handlers.watching import look_at, watch_anew
from services.dsmb.store import CutRow, WatchedRow
from shared.bus.guard import Held
from shared.bus.port import ALLOCATION_TOPIC, SAFETY_TOPIC, TOPICS, Record
from shared.db import Tx
from shared.errors import NotFound
from shared.trial.charter import StoppingRule
from tests.support import coming_back, deeds
from tests.support.world import CLINICIAN, START, World

FATAL = deeds.seriousness(life_threatening="yes")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


def enrol(world: World, count: int, arms: str = "AB", first: int = 1) -> list[str]:
    """Children with a date of enrolment and an arm each."""
    db, now = world["ae_intake"].db, world.clock.now()
    codes = [f"VN01-{number:03d}" for number in range(first, first + count)]
    for number, code in enumerate(codes):
        subject = RecordSubject.model_validate_json(
            json.dumps({"subject_id": code, "enrolled": deeds.moment(now - timedelta(days=60))})
        )
        db.transact(lambda tx, c=subject: records.record(world.intake, tx, "subject", c, CLINICIAN, now))
        arm = RecordAllocation(subject_id=code, arm=arms[number % len(arms)])
        db.transact(lambda tx, a=arm: records.allocate(world.intake, tx, a, CLINICIAN, now))
    return codes


def harmed(world: World, code: str) -> str:
    """Infused five days ago, and in danger since yesterday; returns the case."""
    now = world.clock.now()
    deeds.expose(world, code, now - timedelta(days=5))
    body = deeds.report(code, aware=now, seriousness=FATAL, onset=deeds.moment(now - timedelta(days=1)))
    return deeds.submit(world, body, code)["case_id"]


def report(world: World, cut: CutRow, kind: str) -> dict[str, Any]:
    row = world["dsmb"].db.read(lambda tx: store.report(tx, cut.cut_id, kind))
    assert row is not None
    return json.loads(row.body)


def manifest_of(cut: CutRow) -> Manifest:
    return Manifest.from_json(json.loads(cut.manifest))


def crossed(world: World) -> list[dict[str, Any]]:
    return [
        json.loads(one.value) for one in world.log.all() if one.header("ce_type") == "tocsin.stopping_rule.crossed.v1"
    ]


def rung(world: World) -> list[str]:
    return [row.cause for row in deeds.alerts_of(world) if row.kind == "dsmb_rule"]


# Cuts -----------------------------------------------------------------------------------------------------------------


def test_a_cut_holds_everything_that_was_received_at_one_vector_of_both_topics(world: World) -> None:
    codes = enrol(world, 12)
    harmed(world, codes[0])
    world.drain()
    cut = deeds.freeze(world)
    ends = {
        topic: {str(partition): len(world.log.partitions[topic, partition]) for partition in range(12)}
        for topic in TOPICS
    }
    assert json.loads(cut.offsets) == ends
    assert cut.children == 12
    named = {one.aggregate for one in manifest_of(cut).entries}
    assert {f"subject/{code}" for code in codes} | {f"allocation/{code}" for code in codes} <= named
    assert {name.partition("/")[0] for name in named} == {"subject", "allocation", "exposure", "case", "assessment"}
    for kind in ("closed", "open"):
        head = report(world, cut, kind)["header"]
        assert (head["manifest_sha256"], head["offsets"], head["subjects"]) == (cut.manifest_sha256, ends, 12)
        assert head["cut_at"] == cut.at.isoformat()
    world.assert_audit()


def test_later_news_change_the_next_cut_and_not_this_one(world: World) -> None:
    case_id = harmed(world, enrol(world, 12)[0])
    world.drain()
    first = deeds.freeze(world)
    before = [report(world, first, kind) for kind in ("closed", "open")]
    deeds.nullify(world, case_id, 1)
    world.drain()
    world.clock.advance(days=40)
    second = deeds.freeze(world)
    assert [report(world, first, kind) for kind in ("closed", "open")] == before
    found = world["dsmb"].db.read(lambda tx: handlers.check_cut(tx, first.cut_id))
    assert (found.closed, found.open, found.missing) == ("identical", "identical", 0)
    assert second.manifest_sha256 != first.manifest_sha256
    assert report(world, second, "closed")["tables"] != before[0]["tables"]


def test_a_cut_survives_a_republished_log(world: World) -> None:
    """The same events in other places: each child's order stays, everything else moves."""
    for code in enrol(world, 12)[:2]:
        harmed(world, code)
    world.drain()
    cut = deeds.freeze(world)
    manifest = manifest_of(cut)
    with World() as after:
        deliveries = sorted(world.log.all(), key=lambda one: (one.topic, one.key[::-1], one.offset))
        for one in deliveries:
            # What was published twice takes its place twice: offsets are not what they were.
            after.log.append(Record(one.topic, one.key, one.value, one.headers))
            after.log.append(Record(one.topic, one.key, one.value, one.headers))
        after.consume("dsmb")
        coding = world["dsmb"].db.read(lambda tx: store.coding(tx, cut.cut_id))
        found = after["dsmb"].db.read(lambda tx: documents_of(tx, manifest))
        assert len(found) == len(manifest.entries)
        again = make(manifest, found, coding, json.loads(cut.offsets), 0, "")
        for kind in ("closed", "open"):
            row = world["dsmb"].db.read(lambda tx, k=kind: store.report(tx, cut.cut_id, k))
            assert row is not None
            assert again.body(kind).decode() == row.body
        moved = deeds.freeze(after)
        assert manifest_of(moved).entries == manifest.entries
        assert json.loads(moved.offsets) != json.loads(cut.offsets)


def test_a_document_edited_by_hand_gets_into_no_report(world: World) -> None:
    code = enrol(world, 12)[0]
    world.drain()
    cut = deeds.freeze(world)
    with world["dsmb"].db.engine.begin() as connection:
        connection.exec_driver_sql(
            f'UPDATE received SET body = replace(body, \'"arm":"A"\', \'"arm":"B"\') '
            f"WHERE aggregate = 'allocation/{code}'"
        )
    with pytest.raises(Tampered, match=f"allocation/{code}"):
        deeds.freeze(world)
    found = world["dsmb"].db.read(lambda tx: handlers.check_cut(tx, cut.cut_id))
    assert (found.missing, found.closed) == (1, "documents_missing")


def test_events_set_aside_stand_in_the_cut(world: World) -> None:
    enrol(world, 12)
    world["dsmb"].failing.add("tocsin.exposure.recorded.v1")
    deeds.expose(world, "VN01-001", START)
    world.drain()
    cut = deeds.freeze(world)
    assert cut.parked == 1
    assert report(world, cut, "closed")["header"]["parked"] == 1


def test_a_second_open_report_soon_after_is_withheld(world: World) -> None:
    enrol(world, 12)
    world.drain()
    first = deeds.freeze(world)
    world.clock.advance(days=27)
    second = deeds.freeze(world)
    world.clock.advance(days=1, seconds=1)
    third = deeds.freeze(world)
    assert [one.withheld for one in (first, second, third)] == ["", "too_soon", ""]
    assert report(world, second, "open")["tables"] == []
    assert report(world, second, "closed")["tables"]
    found = world["dsmb"].db.read(lambda tx: handlers.check_cut(tx, second.cut_id))
    assert found.open == "identical"


def test_letters_stay_with_their_arms_and_who_asked_is_kept(world: World) -> None:
    enrol(world, 12)
    world.drain()
    first, second = deeds.freeze(world), deeds.freeze(world)
    db, now = world["dsmb"].db, world.clock.now()
    assert db.read(lambda tx: store.coding(tx, first.cut_id)) == db.read(lambda tx: store.coding(tx, second.cut_id))
    told = db.transact(
        lambda tx: handlers.tell_coding(
            world.dsmb, tx, first.cut_id, user_id="dsmb-member", reason="an alert rang", now=now
        )
    )
    assert set(told) == {"X", "Y"} and set(told.values()) == {"A", "B"}
    with db.engine.connect() as connection:
        entries = [json.loads(one) for one in connection.exec_driver_sql("SELECT entry FROM audit").scalars()]
    asked = [one for one in entries if one["action"] == "asked which letter is which arm"]
    assert [(one["actor"], one["reason"]) for one in asked] == [("dsmb-member", "an alert rang")]
    world.assert_audit()


@pytest.mark.parametrize(
    "by_hand", ["UPDATE codings SET letter = CASE letter WHEN 'X' THEN 'Y' ELSE 'X' END", "DELETE FROM codings"]
)
def test_letters_that_are_not_the_sealed_ones_are_told_to_nobody(world: World, by_hand: str) -> None:
    enrol(world, 12)
    world.drain()
    cut = deeds.freeze(world)
    db, now = world["dsmb"].db, world.clock.now()
    with db.engine.begin() as connection:
        connection.exec_driver_sql(by_hand)
    with pytest.raises(CodingDiffers, match="tocsin audit verify"):
        db.transact(
            lambda tx: handlers.tell_coding(world.dsmb, tx, cut.cut_id, user_id="dsmb-member", reason="why", now=now)
        )
    with pytest.raises(CodingDiffers, match=cut.cut_id):
        db.read(lambda tx: handlers.check_cut(tx, cut.cut_id))
    with pytest.raises(NotFound):
        db.read(lambda tx: handlers.check_cut(tx, "none"))


# The stopping rule ----------------------------------------------------------------------------------------------------


def test_the_second_harmed_child_calls_people_once_and_stops_nothing(world: World) -> None:
    codes = enrol(world, 6)
    harmed(world, codes[0])
    world.drain()
    assert crossed(world) == [] and rung(world) == []
    harmed(world, codes[1])
    world.drain()
    assert [one["look"] for one in crossed(world)] == [2]
    assert rung(world) == ["dsmb/serious-related/illustrative-1/2"]
    world.mail.taken.clear()
    world.hand_over()
    [mail] = [one for one in world.mail.taken if "quy tắc dừng" in one.subject]
    assert "stopping rule" in mail.text
    for code in codes:
        assert code not in mail.text + mail.subject
    deeds.expose(world, codes[2], world.clock.now())  # nothing is stopped
    world.drain()
    world.assert_audit()


def test_what_is_raised_names_no_arm_no_child_and_no_number_of_children(world: World) -> None:
    for code in enrol(world, 6)[:2]:
        harmed(world, code)
    world.drain()
    [told] = crossed(world)
    assert set(told) == {
        "trial_id",
        "rule_id",
        "charter_version",
        "look",
        "label_en",
        "label_vi",
        "illustrative",
        "crossed_at",
    }
    [delivery] = [one for one in world.log.all() if one.header("ce_type") == "tocsin.stopping_rule.crossed.v1"]
    assert (delivery.topic, delivery.key) == (SAFETY_TOPIC, "vinmec-cp-bmmnc")
    assert delivery.header("ce_serious") == "true", "it rings even where it cannot be read"
    from_dsmb = [one for one in world.log.all() if one.header("ce_source") == "dsmb"]
    assert not [one for one in from_dsmb if one.topic == ALLOCATION_TOPIC]


def test_replays_restarts_and_corrections_raise_nothing_again_and_take_nothing_back(world: World) -> None:
    codes = enrol(world, 6)
    cases = [harmed(world, code) for code in codes[:2]]
    world.drain()
    for one in world.log.all():
        if one.header("ce_source") in ("ae_intake", "causality"):
            world.log.repeat(one)
    world.drain()
    world.crash()
    world.drain()
    deeds.nullify(world, cases[1], 1)
    world.drain()
    assert world["dsmb"].db.read(lambda tx: handlers.standings(world.dsmb, tx, world.clock.now()))[0].with_event == 1
    assert len(crossed(world)) == len(rung(world)) == 1, "a later downgrade clears no alert"
    deeds.submit(world, deeds.report(codes[1], aware=world.clock.now(), seriousness=FATAL), "again")
    world.drain()
    assert len(crossed(world)) == 1, "the same look is not raised twice"
    harmed(world, codes[2])
    world.drain()
    assert [one["look"] for one in crossed(world)] == [2, 3]
    assert len(rung(world)) == 2
    world.assert_audit()


def test_a_child_whose_case_was_void_in_the_end_silences_nobody(world: World) -> None:
    """Two children crossed; one of the two cases was a mistake. The next child makes two again: people are called again."""
    codes = enrol(world, 6)
    cases = [harmed(world, code) for code in codes[:2]]
    world.drain()
    deeds.nullify(world, cases[1], 1)
    world.drain()
    assert len(rung(world)) == 1
    harmed(world, codes[2])
    world.drain()
    [standing] = world["dsmb"].db.read(lambda tx: handlers.standings(world.dsmb, tx, world.clock.now()))
    assert (standing.with_event, standing.crossed) == (2, True)
    assert [one["look"] for one in crossed(world)] == [2, 3]
    assert sorted(rung(world)) == [f"dsmb/serious-related/illustrative-1/{look}" for look in (2, 3)]
    for one in world.log.all():
        if one.header("ce_source") in ("ae_intake", "causality"):
            world.log.repeat(one)
    world.crash()
    world.drain()
    assert len(crossed(world)) == len(rung(world)) == 2
    world.assert_audit()


def test_after_a_restore_the_next_child_is_told_of_and_no_earlier_one_again(world: World, tmp_path: Path) -> None:
    codes = enrol(world, 6)
    coming_back.backup(world, tmp_path / "copies")
    cases = [harmed(world, code) for code in codes[:2]]
    world.drain()
    deeds.nullify(world, cases[1], 1)
    world.drain()
    back_from(world, tmp_path / "copies")
    assert [one["look"] for one in crossed(world)] == [2]
    harmed(world, codes[2])
    world.drain()
    assert [one["look"] for one in crossed(world)] == [2, 3]
    world.assert_audit()


@pytest.mark.parametrize(
    "name",
    ["consume.after_effect", "consume.before_commit", "consume.after_commit", "relay.after_send", "relay.after_mark"],
)
@pytest.mark.parametrize("nth", [1, 4, 9])
def test_killed_anywhere_it_is_raised_once(world: World, name: str, nth: int) -> None:
    codes = enrol(world, 2)
    with world.dying_at(name, nth):
        for code in codes:
            harmed(world, code)
        world.drain()
    for code in codes:  # whoever got no answer asks again under the same key
        harmed(world, code)
    world.drain()
    assert {one["look"] for one in crossed(world)} == {2}
    rows = world["dsmb"].db.read(store.crossings)
    assert [row.look for row in rows] == [2]
    assert len(rung(world)) == 1
    world.assert_audit()


def test_a_new_charter_looks_at_every_child_again(world: World) -> None:
    for code in enrol(world, 2):
        harmed(world, code)
    world.drain()
    changed = with_charter(world, "adopted-1")
    assert watch_anew(world["dsmb"].db, world.dsmb, world.clock) == 0
    assert watch_anew(world["dsmb"].db, changed, world.clock) == 2
    assert watch_anew(world["dsmb"].db, changed, world.clock) == 0
    world.drain()
    assert sorted(rung(world)) == ["dsmb/serious-related/adopted-1/2", "dsmb/serious-related/illustrative-1/2"]
    world.assert_audit()


def treated_long_ago(world: World, codes: list[str]) -> None:
    """Infused, and the window is over: each counts without the event."""
    for code in codes:
        deeds.expose(world, code, world.clock.now() - timedelta(days=400))


def with_charter(world: World, version: str, rules: Sequence[StoppingRule] | None = None) -> Dsmb:
    kept = world.trial.dsmb_charter.stopping_rules if rules is None else rules
    charter = world.trial.dsmb_charter.model_copy(update={"version": version, "stopping_rules": tuple(kept)})
    trial = world.trial.model_copy(update={"dsmb_charter": charter, "sha256": "1" * 64})
    return Dsmb(trial, world["dsmb"].audit, world["dsmb"].relay.wake)


def look_at_one(world: World, dsmb: Dsmb, code: str) -> None:
    def unit(tx: Tx) -> None:
        dsmb.audit.lock(tx, code)
        look_at(dsmb, tx, code, world.clock.now(), world.clock.now())

    world["dsmb"].db.transact(unit)


def test_no_rule_is_judged_while_a_child_is_left_over(world: World) -> None:
    """Two of four children do not cross; two of the first two would."""
    codes = enrol(world, 4)
    treated_long_ago(world, codes[2:])
    world.drain()
    for code in codes[:2]:
        harmed(world, code)
    world.drain()
    changed = with_charter(world, "adopted-1")
    for code in codes[:2]:
        look_at_one(world, changed, code)
    assert watch_anew(world["dsmb"].db, changed, world.clock) == 2
    [standing] = world["dsmb"].db.read(lambda tx: handlers.standings(changed, tx, world.clock.now()))
    assert (standing.with_event, standing.evaluable, standing.crossed) == (2, 4, False)
    world.drain()
    assert crossed(world) == [] and rung(world) == []


def test_whoever_writes_the_last_child_judges_though_that_child_counts_nothing(world: World) -> None:
    codes = enrol(world, 3)  # the last is not infused
    for code in codes[:2]:
        harmed(world, code)
    world.drain()
    changed = with_charter(world, "adopted-1")
    for code in codes[:2]:
        look_at_one(world, changed, code)
    world.drain()
    assert rung(world) == ["dsmb/serious-related/illustrative-1/2"]
    assert watch_anew(world["dsmb"].db, changed, world.clock) == 1
    world.drain()
    assert sorted(rung(world)) == ["dsmb/serious-related/adopted-1/2", "dsmb/serious-related/illustrative-1/2"]
    world.assert_audit()


def test_what_another_plan_worked_out_is_not_added_up(world: World) -> None:
    for code in enrol(world, 2):
        harmed(world, code)
    world.drain()
    changed = with_charter(world, "adopted-1")
    look_at_one(world, changed, "VN01-001")
    [standing] = world["dsmb"].db.read(lambda tx: handlers.standings(changed, tx, world.clock.now()))
    assert (standing.with_event, standing.evaluable) == (1, 1)


@pytest.mark.parametrize("names", [("serious-early",), ("serious-related", "serious-early")])
def test_news_that_came_while_an_older_plan_stood_are_looked_at_by_the_newer_one(
    world: World, names: tuple[str, ...]
) -> None:
    """The trial file goes forward, back and forward again; the older plan lacks a rule."""
    codes = enrol(world, 2)
    harmed(world, codes[0])
    world.drain()
    [rule] = world.trial.dsmb_charter.stopping_rules
    newer = with_charter(world, "adopted-1", [rule.model_copy(update={"id": name}) for name in names])
    assert watch_anew(world["dsmb"].db, newer, world.clock) == 2
    harmed(world, codes[1])
    world.drain()
    assert watch_anew(world["dsmb"].db, newer, world.clock) == 1
    found = world["dsmb"].db.read(lambda tx: handlers.standings(newer, tx, world.clock.now()))
    assert [(one.rule_id, one.with_event) for one in found] == [(name, 2) for name in names]
    world.drain()
    assert set(rung(world)) >= {f"dsmb/{name}/adopted-1/2" for name in names}
    world.assert_audit()


def test_a_child_is_done_when_every_rule_was_looked_at_by_this_plan(world: World) -> None:
    [code] = enrol(world, 1)
    world.drain()
    [rule] = world.trial.dsmb_charter.stopping_rules
    newer = with_charter(world, "adopted-1", [rule, rule.model_copy(update={"id": "serious-early"})])
    db = world["dsmb"].db
    assert watch_anew(db, newer, world.clock) == 1
    row = db.read(lambda tx: store.watched_of(tx, code)["serious-related"].model_dump())
    db.transact(lambda tx: store.set_watched(tx, WatchedRow(**row | {"plan_sha256": "0" * 64})))
    assert watch_anew(db, newer, world.clock) == 1
    assert watch_anew(db, newer, world.clock) == 0


def test_an_instance_with_an_older_file_is_noticed_while_running(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = enrol(world, 1)
    world.drain()
    older, paused = with_charter(world, "adopted-0"), list[float]()

    async def pause(stop: asyncio.Event, seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 1:
            look_at_one(world, older, code)
        else:
            stop.set()

    monkeypatch.setattr(dsmb_main, "pause", pause)
    world.loop.run_until_complete(
        dsmb_main.look_again(world["dsmb"].db, world.dsmb, world.clock, asyncio.Event()),
    )
    assert watch_anew(world["dsmb"].db, older, world.clock) == 1, "it was looked at by the file that stands"
    assert paused == [60.0, 60.0]


def back_from(world: World, copies: Path) -> None:
    """The service lost what came after the copy, was restored, and judged every child anew."""
    coming_back.put_back(world, "dsmb", copies)
    door = coming_back.guard(world, "dsmb")
    assert coming_back.look(world, door) == "held"
    coming_back.restore(world, "dsmb")
    coming_back.release(world, "dsmb")
    for _ in range(2):
        coming_back.look(world, door)
    world.drain()


def test_no_rule_is_judged_while_a_child_waits_to_be_judged_anew(world: World, tmp_path: Path) -> None:
    codes = enrol(world, 4)
    harmed(world, codes[0])
    world.drain()
    coming_back.backup(world, tmp_path / "copies")
    treated_long_ago(world, codes[2:])
    world.drain()
    harmed(world, codes[1])
    world.drain()
    back_from(world, tmp_path / "copies")
    [standing] = world["dsmb"].db.read(lambda tx: handlers.standings(world.dsmb, tx, world.clock.now()))
    assert (standing.with_event, standing.evaluable) == (2, 4)
    assert crossed(world) == []


def test_the_last_child_judged_anew_judges_though_it_is_what_it_was(world: World, tmp_path: Path) -> None:
    codes = enrol(world, 3)
    harmed(world, codes[0])
    world.drain()
    coming_back.backup(world, tmp_path / "copies")
    deeds.culture(world, codes[2], "batch-1", "negative")
    world.drain()
    harmed(world, codes[1])
    world.relay("ae_intake")  # read by nobody before the database was lost
    back_from(world, tmp_path / "copies")
    assert [one["look"] for one in crossed(world)] == [2]
    assert len(rung(world)) == 1


def test_a_crossing_comes_back_from_the_log_and_is_not_raised_again(world: World, tmp_path: Path) -> None:
    codes = enrol(world, 3)
    harmed(world, codes[0])
    world.drain()
    coming_back.backup(world, tmp_path / "copies")
    harmed(world, codes[1])
    world.drain()
    coming_back.put_back(world, "dsmb", tmp_path / "copies")
    door = coming_back.guard(world, "dsmb")
    assert coming_back.look(world, door) == "held"
    coming_back.restore(world, "dsmb")
    coming_back.release(world, "dsmb")
    coming_back.look(world, door)
    coming_back.look(world, door)  # every child anew
    world.drain()
    [row] = world["dsmb"].db.read(store.crossings)
    assert (row.look, row.evaluable) == (2, None)
    assert len(crossed(world)) == len(rung(world)) == 1
    [standing] = world["dsmb"].db.read(lambda tx: handlers.standings(world.dsmb, tx, world.clock.now()))
    assert standing.with_event == 2
    world.assert_audit()


def test_after_a_restore_cuts_since_the_copy_are_what_they_were_and_so_is_what_they_count(
    world: World, tmp_path: Path
) -> None:
    """What they are made of comes back from both topics, and they themselves from one."""
    codes = enrol(world, 12)
    world.drain()
    kept = deeds.freeze(world)
    coming_back.backup(world, tmp_path / "copies")
    world.clock.advance(days=40)
    harmed(world, codes[0])
    enrol(world, 2, first=13)
    world.drain()
    since = deeds.freeze(world)
    letters = world["dsmb"].db.read(lambda tx: store.coding(tx, since.cut_id))
    tables = report(world, since, "closed")["tables"]
    world.drain()
    coming_back.put_back(world, "dsmb", tmp_path / "copies")
    door = coming_back.guard(world, "dsmb")
    assert coming_back.look(world, door) == "held"
    with pytest.raises(Held):  # a cut frozen now would lack what has not come back
        deeds.freeze(world)
    assert not coming_back.restore(world, "dsmb").parked
    coming_back.release(world, "dsmb")
    for _ in range(2):
        assert coming_back.look(world, door) == "open"
    world.drain()

    db = world["dsmb"].db
    for cut in (kept, since):
        found = db.read(lambda tx, c=cut: handlers.check_cut(tx, c.cut_id))
        assert (found.closed, found.open, found.missing) == ("identical", "identical", 0)
    assert db.read(lambda tx: store.coding(tx, since.cut_id)) == letters
    anew = deeds.freeze(world)
    assert manifest_of(anew).entries == manifest_of(since).entries, "nothing it counts is lost"
    assert anew.manifest_sha256 != since.manifest_sha256
    assert db.read(lambda tx: store.coding(tx, anew.cut_id)) == letters
    assert report(world, anew, "closed")["tables"] == tables
    world.assert_audit()
