"""A frozen cut is on the log: a board that comes back from last night's copy has every byte of it, or is told that it has not."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from services.dsmb import handlers, store
from services.dsmb.domain import packing
from services.dsmb.handlers.publishing import FROZEN, PART
from services.dsmb.rebuild import rebuild
from services.dsmb.store import CodingRow, CutRow
from shared.bus import parking
from shared.bus.port import ALLOCATION_TOPIC, SAFETY_TOPIC, Delivery
from shared.bus.reading import Poison, read_event
from shared.canonical import canonical
from shared.db import Tx
from shared.errors import Refused
from tests.flows.test_dsmb import enrol, harmed
from tests.support import coming_back, deeds
from tests.support.world import World

OTHERS = ("ae_intake", "causality", "sae_notifier")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def everything(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every cut, its papers' bytes and its letters included."""
    with closing(sqlite3.connect(world.directory / "dsmb.db")) as base:
        return {
            table: base.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()
            for table in ("cuts", "codings", "reports", "prints")
        }


def events(world: World, name: str) -> list[Delivery]:
    return [one for one in world.log.all() if one.header("ce_type") == name]


def freeze_since_the_copy(world: World, copies: Path) -> tuple[CutRow, CutRow]:
    """One cut that the copy holds; another one since, of documents that came since."""
    codes = enrol(world, 12)
    harmed(world, codes[0])
    world.drain()
    first = deeds.freeze(world)
    world.drain()
    coming_back.backup(world, copies)
    world.tick(hours=6)
    harmed(world, codes[1])
    world.drain()
    second = deeds.freeze(world, "after the second child")
    world.drain()
    return first, second


def come_back(world: World, copies: Path) -> int:
    """From the copy to the released service; how many records stand parked."""
    coming_back.put_back(world, "dsmb", copies)
    door = coming_back.guard(world, "dsmb")
    assert coming_back.look(world, door) == "held"
    parked = coming_back.restore(world, "dsmb").parked
    coming_back.release(world, "dsmb")
    assert coming_back.look(world, door) == "open"
    coming_back.look(world, door)
    world.drain()
    return parked


def change(world: World, which: Delivery, body: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Another body in the same record of the log."""
    there = world.log.partitions[which.topic, which.partition]
    there[which.offset] = replace(which, value=canonical(body(json.loads(which.value))))


def test_a_cut_frozen_since_the_copy_stands_with_every_byte(
    world: World, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PART_BYTES", 1500)
    first, second = freeze_since_the_copy(world, copies)
    before = everything(world)
    assert len(before["cuts"]) == 2 and len(before["prints"]) == 8
    assert len(events(world, PART)) > 2 == len(events(world, FROZEN))

    assert come_back(world, copies) == 0
    assert everything(world) == before
    for cut in (first, second):
        found = world["dsmb"].db.read(lambda tx, c=cut: handlers.check_cut(tx, c.cut_id))
        assert (found.closed, found.open, found.missing) == ("identical", "identical", 0)
    told = world["dsmb"].db.transact(
        lambda tx: handlers.tell_coding(
            world.dsmb, tx, second.cut_id, user_id="dsmb-member", reason="an alert rang", now=world.clock.now()
        )
    )
    assert {arm: letter for letter, arm in told.items()} == world["dsmb"].db.read(
        lambda tx: store.coding(tx, first.cut_id)
    )
    third = deeds.freeze(world, "the next one")
    world.drain()
    assert third.cut_id not in (first.cut_id, second.cut_id)
    assert third.withheld == "too_soon", "it knows of the open reports that came back"
    assert len(events(world, FROZEN)) == 3
    assert not world.rung["event_parked"]
    world.assert_audit()


def test_papers_as_they_were_set_come_back(world: World, copies: Path) -> None:
    codes = enrol(world, 12)
    world.drain()
    coming_back.backup(world, copies)
    harmed(world, codes[0])
    world.drain()
    cut = handlers.freeze(world["dsmb"].db, world.dsmb, world.clock, purpose="with papers", user_id="dsmb-statistician")
    world.drain()
    before = everything(world)
    assert len({row[3] for row in before["prints"]}) == 4
    never = AssertionError("made again, a later program would make other bytes")
    with (
        mock.patch("services.dsmb.handlers.freezing.typeset", side_effect=never),
        mock.patch("services.dsmb.handlers.freezing.make", side_effect=never),
        mock.patch("services.dsmb.handlers.making.closed_tables", side_effect=never),
    ):
        assert come_back(world, copies) == 0
    assert everything(world) == before
    assert before["cuts"][0][0] == cut.cut_id
    world.assert_audit()


def test_what_came_twice_stands_once(world: World, copies: Path) -> None:
    freeze_since_the_copy(world, copies)
    before = everything(world)
    for one in [*events(world, PART), *events(world, FROZEN)]:
        world.log.repeat(one)
    world.drain()
    assert come_back(world, copies) == 0
    assert everything(world) == before
    assert come_back(world, copies) == 0, "restored from the same copy once more"
    assert everything(world) == before
    world.assert_audit()


def test_it_comes_back_from_a_log_that_was_lost_and_republished(world: World, copies: Path) -> None:
    freeze_since_the_copy(world, copies)
    before = everything(world)
    kept = {one.event_id: one.value for one in world.log.all()}
    for place in world.log.partitions:
        world.log.partitions[place] = []
    coming_back.rebuild_log(world)
    assert {one.event_id: one.value for one in world.log.all()} == kept
    world.crash()
    world.drain()
    assert come_back(world, copies) == 0
    assert everything(world) == before
    world.assert_audit()


def other_content(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"content_base64": b64encode(b"other bytes").decode()}


DAMAGE: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]], int]] = {
    "a part has other bytes": (PART, other_content, 1),
    "a part is cut short": (PART, lambda body: body | {"content_base64": body["content_base64"][:-4]}, 1),
    "a part is not base64": (PART, lambda body: body | {"content_base64": "?"}, 2),
    "a part has no content": (PART, lambda body: {k: v for k, v in body.items() if k != "content_base64"}, 2),
    "a part of another cut": (PART, lambda body: body | {"cut_id": "another"}, 2),
    "a part that the cut does not know": (FROZEN, lambda body: body | {"parts": body["parts"] + ["0" * 64]}, 1),
    "another hash of the manifest": (FROZEN, lambda body: body | {"manifest_sha256": "0" * 64}, 1),
    "another number of documents": (FROZEN, lambda body: body | {"documents": 1}, 1),
    "a file fewer": (FROZEN, lambda body: body | {"files": body["files"][:-1]}, 1),
    "a cut without a time": (FROZEN, lambda body: {k: v for k, v in body.items() if k != "at"}, 1),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_cut_is_parked_and_does_not_stand(world: World, copies: Path, name: str) -> None:
    kind, body, parked = DAMAGE[name]
    first, second = freeze_since_the_copy(world, copies)
    change(world, events(world, kind)[-1], body)
    assert come_back(world, copies) == parked
    rows = world["dsmb"].db.read(parking.open_rows)
    assert [row.reason for row in rows] == ["damaged"] * parked
    assert all(second.cut_id in row.detail for row in rows)
    if name == "a part has other bytes":
        assert "another SHA-256" in rows[0].detail and "part" in rows[0].detail, (
            "whoever repairs the log must know which"
        )
    assert [row[0] for row in everything(world)["cuts"]] == [first.cut_id]
    assert {row[0] for table in everything(world).values() for row in table} == {first.cut_id}
    for row in rows:
        with pytest.raises(Refused, match="whole log"):  # "replayed" would say that the cut stands
            world["dsmb"].worker.replay(row.parked_id, actor="operator", reason="try again")
        world["dsmb"].worker.discard(row.parked_id, actor="operator", reason="the board has its papers")
    world.assert_audit()


def test_a_cut_whose_part_never_came_does_not_stand(world: World, copies: Path) -> None:
    first, _ = freeze_since_the_copy(world, copies)
    part = events(world, PART)[-1]
    there = world.log.partitions[part.topic, part.partition]
    there[part.offset] = replace(events(world, PART)[0], offset=part.offset)
    assert come_back(world, copies) == 1
    [row] = world["dsmb"].db.read(parking.open_rows)
    assert "did not come back" in row.detail
    assert [one[0] for one in everything(world)["cuts"]] == [first.cut_id]


def test_a_cut_that_stands_is_the_same_or_it_is_told(world: World, copies: Path) -> None:
    freeze_since_the_copy(world, copies)
    before = everything(world)
    event = read_event(events(world, FROZEN)[-1])

    def again(tx: Tx) -> None:
        assert rebuild(tx, event, world.clock.now()) == ()

    world["dsmb"].db.transact(again)
    assert everything(world) == before
    said = json.loads(event.body) | {"purpose": "another one"}
    other = replace(event, data=said, body=canonical(said))
    with pytest.raises(Poison, match="stands already") as refused:
        world["dsmb"].db.transact(lambda tx: rebuild(tx, other, world.clock.now()) and None)
    assert refused.value.reason == "conflict"
    assert everything(world) == before


def test_nobody_else_reads_it_and_no_letter_is_in_it(world: World) -> None:
    codes = enrol(world, 12)
    harmed(world, codes[0])
    world.drain()
    cut = deeds.freeze(world)
    world.drain()
    told = [*events(world, PART), *events(world, FROZEN)]
    assert {one.topic for one in told} == {ALLOCATION_TOPIC}
    assert {one.key for one in told} == {world.trial.id}, "about no child, and all in one order"
    for name in OTHERS:
        assert ALLOCATION_TOPIC not in world[name].worker.topics
        with closing(sqlite3.connect(world.directory / f"{name}.db")) as base:
            whole = "\n".join(base.iterdump())
        assert cut.cut_id not in whole and cut.manifest_sha256 not in whole
    assert not [one for one in world.log.all() if one.topic == SAFETY_TOPIC and cut.cut_id.encode() in one.value]

    head = json.loads(events(world, FROZEN)[-1].value)
    assert not {"arm", "arms", "letter", "letters", "coding"} & set(head)
    parts = [packing.as_bytes(json.loads(one.value)["content_base64"]) for one in events(world, PART)]
    files = packing.unpack(parts, [(one["size"], one["sha256"]) for one in head["files"]])
    stored = everything(world)
    kept = [stored["cuts"][0][4].encode()]
    kept += [row[2].encode() for row in stored["reports"]] + [bytes(row[3]) for row in stored["prints"]]
    assert sorted(files) == sorted(kept), "the manifest and the reports, and nothing else"
    letters = world["dsmb"].db.read(lambda tx: store.coding(tx, cut.cut_id))
    for arm, letter in letters.items():
        pair = [f'"{arm}":"{letter}"'.encode(), f'"{letter}":"{arm}"'.encode(), f'["{arm}","{letter}"]'.encode()]
        assert not any(one in body for one in pair for body in files)
    assert CodingRow.__tablename__ not in {one["kind"] for one in head["files"]}


def test_words_taken_back_since_leave_a_cut_that_came_back_what_it_was(world: World, copies: Path) -> None:
    enrol(world, 12)
    world.drain()
    coming_back.backup(world, copies)
    case_id = harmed(world, "VN01-001")
    world.drain()
    cut = deeds.freeze(world)
    deeds.redact(world, case_id)
    world.drain()
    before = everything(world)
    checked = world["dsmb"].db.read(lambda tx: handlers.check_cut(tx, cut.cut_id))
    assert (checked.closed, checked.open, checked.missing) == ("identical", "identical", 0)
    assert come_back(world, copies) == 0
    assert everything(world) == before
    assert world["dsmb"].db.read(lambda tx: handlers.check_cut(tx, cut.cut_id)) == checked
    world.assert_audit()
