"""Whoever changes a stored row by hand is found, and the place is named: every column of every audited table.

One history of all four services, in which every audited table has rows; each hand slips in, is judged, and is undone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, text
from sqlalchemy.engine import Connection
from sqlmodel import Session

from services.ae_intake import handlers as intake_handlers
from services.ae_intake import records
from services.ae_intake.commands import RecordAllocation
from services.sae_notifier.e2b import Prepared
from services.sae_notifier.handlers import acks, icsr
from services.sae_notifier.handlers.acks import UPLOAD, Arrived
from shared.audit import Audit, Audited, AuditKeys, Proven, covered
from shared.audit_verify import Breach, verify
from shared.bus import hold
from shared.case import Moment
from shared.db import Database, Tx
from shared.errors import FieldProblem
from shared.runtime import PLUMBING
from tests.support import deeds
from tests.support.electronic import ElectronicWorld
from tests.support.world import AUDITED, CLINICIAN, OFFICER, START, World

UNIQUE = ("case_number", "cause", "message_number", "manifest_sha256", "facts_sha256", "batch_number", "sha256")
"""What no two rows share besides their key: the copy that slips in needs its own."""
TABLES = [(service, model) for service in AUDITED for model in (*PLUMBING, *AUDITED[service])]
EMPTY = {
    ("ae_intake", "parked"),
    ("causality", "parked"),
    ("causality", "idempotency"),
    ("sae_notifier", "idempotency"),
    ("dsmb", "parked"),
    ("dsmb", "idempotency"),
}
"""Nothing went wrong there, and only ae_intake is told things under a key here."""


def lived(*, sealed: bool) -> World:
    """A history that leaves at least two rows in every audited table, its last entries sealed or not."""
    world = ElectronicWorld(schemas=Path("none"))
    intake = world["ae_intake"].db
    for number, code in enumerate(("VN01-007", "VN01-008")):
        fatal = deeds.seriousness(life_threatening="yes")
        body = deeds.report(code, aware=START - timedelta(hours=1), seriousness=fatal)
        case_id = deeds.submit(world, body, f"k{number}")["case_id"]
        deeds.culture(world, code, f"B-{number}", "positive")
        arm = RecordAllocation(subject_id=code, arm="A")
        intake.transact(lambda tx, a=arm: records.allocate(world.intake, tx, a, CLINICIAN, START))
        intake.transact(
            lambda tx, n=number: intake_handlers.keep_rejected(
                world.intake,
                tx,
                body=f"not a report {n}".encode(),
                content_type="text/plain",
                route=deeds.ROUTE,
                problems=[FieldProblem("", "not JSON")],
                who=CLINICIAN,
                now=START,
            )
        )
        world["sae_notifier"].failing.add("tocsin.exposure.recorded.v1")
        deeds.expose(world, code, START - timedelta(days=1))
        world.drain(seal=False)
        world["sae_notifier"].failing.clear()
        world.tick(hours=1)
        duty = next(one for one in deeds.duties(world, case_id) if one.state == "open")
        deeds.receipt(world, deeds.file(world, duty.obligation_id).filing_id)
        deeds.amend(world, case_id, 1, news=START)
        world.hand_over()
        electronic(world, case_id)
        world.drain(seal=False)
        deeds.answer(world, case_id, "specific_phenomenon", "no")
        world.drain(seal=sealed)
        deeds.freeze(world)
        deeds.redact(world, case_id, number + 1)
        world.drain(seal=sealed)
    # A third child with the event: the board's rule is crossed a second time.
    deeds.submit(world, deeds.report("VN01-009", aware=START, seriousness=deeds.seriousness(death="yes")), "k9")
    deeds.expose(world, "VN01-009", START - timedelta(days=1))
    world.drain(seal=False)  # once it is held, no rule is judged until every child of the copy was looked at
    for _ in range(2):
        for one in world.services.values():
            one.db.transact(lambda tx, s=one: held_once(tx, s.audit))
    deeds.activate(world, "\n# read again\n")
    world.dispatcher.law.review()
    world.drain(seal=sealed)
    return world


def electronic(world: ElectronicWorld, case_id: str) -> None:
    """A report for a computer, neither validated nor sent, and a file that answers nothing."""
    notifier, now, duty = world.notifier, world.clock.now(), world.duty(case_id)
    answer = Arrived(f"no answer to {case_id}".encode(), UPLOAD, "answer.ack", OFFICER)
    db = world["sae_notifier"].db
    made = db.read(lambda tx: icsr.draft(notifier, tx, duty.obligation_id, now))
    xml = Prepared(b"<not-validated-here/>", (), Moment.at(START, deeds.ZONE))
    db.transact(lambda tx: icsr.keep(notifier, tx, made, xml, OFFICER, now))
    db.transact(lambda tx: acks.take(notifier, tx, answer, now))


def held_once(tx: Tx, audit: Audit) -> None:
    hold.begin(tx, audit, reason="log_ahead", missing=1, now=START)
    hold.mark_restored(tx, audit, counts={"tocsin.case.reported.v1": 1}, children={"VN01-007"}, now=START)
    hold.release(tx, audit, by="safety-officer-1", reason="compared", now=START)


@pytest.fixture(scope="module", params=[False, True], ids=["unsealed", "sealed"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with lived(sealed=request.param) as made:
        made.assert_audit()
        seals = made.read("sae_notifier", lambda tx: tx.scalar(text("SELECT count(*) FROM audit_seals")))
        assert bool(seals) is request.param
        yield made
        made.assert_audit()


@contextmanager
def slipped_in(world: World, service: str, hand: Callable[[Connection], object]) -> Iterator[list[Breach]]:
    """What verification says of a database in which `hand` has been at work; undone afterwards."""
    one = world[service]
    with one.db.engine.connect() as connection:
        connection.begin()
        hand(connection)
        with Session(connection, autoflush=False) as session:
            tables = (*PLUMBING, *AUDITED[service])
            found = verify(Tx(session, "sqlite"), one.audit, tables, world.seals_on_the_log(service))
            yield list(found.breaches)
        connection.rollback()


def breaches(world: World, service: str, hand: Callable[[Connection], object]) -> list[Breach]:
    with slipped_in(world, service, hand) as found:
        return found


def two_rows(world: World, service: str, model: type[Audited]) -> list[dict[str, Any]]:
    """The first two rows as the file holds them."""
    with world[service].db.engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT rowid AS at_row, * FROM {model.audit_name()} ORDER BY rowid LIMIT 2")
        ).mappings()
        return [dict(row) for row in rows]


def named(row: dict[str, Any], model: type[Audited]) -> str:
    """The reference of a raw row; a time in a key (alarms) is read as verification reads it."""
    parts = [str(row[name]) for name in model.audit_key]
    return model.audit_name() + "/" + "/".join(f"{p}+00:00" if p.endswith(".000000") else p for p in parts)


def same_place(breach: Breach, reference: str) -> bool:
    return breach.place.replace(".000000", "") == reference.replace(".000000", "")


def another(value: Any, model: type[Audited], column: str) -> Any:
    """A value of the same kind that is not this one."""
    kind = model.__table__.columns[column].type  # type: ignore[attr-defined]
    if isinstance(kind, LargeBinary):
        return (value or b"") + b"!"
    if isinstance(value, int):
        return value + 1000 if str(kind) != "BOOLEAN" else 1 - value
    if "DATETIME" in str(kind).upper() or "UTC" in str(kind).upper():
        return "2020-01-01 00:00:00.000000"
    return f"{value or ''}!"


@pytest.mark.parametrize(
    ("service", "model"), TABLES, ids=lambda one: one if isinstance(one, str) else one.audit_name()
)
def test_every_row_of_every_table_is_watched(world: World, service: str, model: type[Audited]) -> None:
    rows = two_rows(world, service, model)
    table = model.audit_name()
    if not rows:
        assert (service, table) in EMPTY, f"the history must leave rows in {service}.{table}"
        return
    assert len(rows) == 2 or table == "rule_files", f"two rows are needed in {service}.{table}"
    first, name = rows[0], named(rows[0], model)

    sealed = bool(world.seals_on_the_log(service))
    moved = (*model.proven, "proof") if issubclass(model, Proven) else ()
    watched = tuple(dict.fromkeys((*covered(model), *moved)))
    for column in watched[: 1 if sealed else None]:  # a seal makes no column different from the others
        change = f"UPDATE {table} SET {column} = :value WHERE rowid = :rowid"
        value = {"value": another(first[column], model, column), "rowid": first["at_row"]}
        found = breaches(world, service, lambda c, s=change, v=value: _without_checks(c, s, v))
        assert [one for one in found if same_place(one, name)], f"{service}.{table}.{column} was edited unseen"
        assert all(same_place(one, name) for one in found), f"{column}: others are blamed too: {found[:3]}"

    found = breaches(world, service, lambda c: c.execute(text(f"DELETE FROM {table} WHERE rowid = {first['at_row']}")))
    assert [one for one in found if same_place(one, name)], f"a row of {service}.{table} was deleted unseen"

    key = model.audit_key[-1]
    copy = {k: v for k, v in first.items() if k not in ("at_row", "position")} | {key: another(first[key], model, key)}
    copy |= {unique: f"{copy[unique]}!" for unique in UNIQUE if unique in copy}
    if "sequence" in copy:
        copy["sequence"] += 1000
    if "event_id" in copy and table == "outbox":
        copy["event_id"] = "by-hand"
    columns = ", ".join(copy)
    insert = text(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{c}' for c in copy)})")
    found = breaches(world, service, lambda c: c.execute(insert, copy))
    assert [one for one in found if same_place(one, named(copy, model))], f"{service}.{table}: a row was added unseen"

    differ = [c for c in covered(model) if len(rows) == 2 and rows[0][c] != rows[1][c]]
    column = next((c for c in differ if not _unique(model, c)), None)
    if column is not None:

        def swap(connection: Connection) -> None:
            for at, other in ((rows[0], rows[1]), (rows[1], rows[0])):
                sql = f"UPDATE {table} SET {column} = :value WHERE rowid = :rowid"
                _without_checks(connection, sql, {"value": other[column], "rowid": at["at_row"]})

        found = breaches(world, service, swap)
        for row in rows:
            assert any(same_place(one, named(row, model)) for one in found), f"{table}.{column} was swapped unseen"


def _without_checks(connection: Connection, sql: str, values: dict[str, Any]) -> None:
    """What a hand at the file can do."""
    connection.execute(text("PRAGMA ignore_check_constraints = ON"))
    connection.execute(text(sql), values)


def _unique(model: type[Audited], column: str) -> bool:
    return bool(model.__table__.columns[column].unique) or column in UNIQUE  # type: ignore[attr-defined]


def test_marks_that_the_machinery_moves_are_the_only_ones_apart() -> None:
    apart = {model.audit_name(): model.audit_apart for _, model in TABLES if model.audit_apart}
    assert apart == {
        "outbox": ("position", "published_at", "partition", "place", "proof"),
        "idempotency": ("status", "answer", "proof"),
        "calls": ("claimed_until", "proof"),
        "filings": ("claimed_until", "proof"),
    }
    for _, model in TABLES:
        if model.audit_apart:
            assert issubclass(model, Proven)
            assert {*model.proven, "proof"} == set(model.audit_apart), "what no entry names, a proof stands for"


@pytest.mark.parametrize("column", ["next_offset", "last_event_id", "proof"])
def test_a_reading_position_that_was_moved_by_hand_is_named(world: World, column: str) -> None:
    value = {"next_offset": "next_offset + 1", "proof": "NULL"}.get(column, "'another'")
    with world["causality"].db.engine.connect() as connection:
        moved = connection.execute(text("SELECT partition FROM cursors WHERE next_offset > 0")).scalar()
    sql = text(f"UPDATE cursors SET {column} = {value} WHERE partition = {moved}")
    assert f"cursors/tocsin.safety/{moved}" in places(breaches(world, "causality", lambda c: c.execute(sql)))


def test_a_reading_position_that_is_gone_or_new_is_named(world: World) -> None:
    gone = breaches(world, "causality", lambda c: c.execute(text("DELETE FROM cursors WHERE partition = 7")))
    assert "cursors/tocsin.safety/7" in places(gone)
    extra = text("INSERT INTO cursors (topic, partition, next_offset) VALUES ('tocsin.safety', 12, 0)")
    assert "cursors/tocsin.safety/12" in places(breaches(world, "causality", lambda c: c.execute(extra)))


def test_an_event_marked_as_published_by_hand_is_named(world: World) -> None:
    """It would never reach the log, and nothing would be late."""

    def hide(connection: Connection) -> None:
        connection.execute(text("UPDATE outbox SET published_at = NULL, partition = NULL, place = NULL, proof = NULL"))
        connection.execute(
            text("UPDATE outbox SET published_at = '2026-03-01 00:00:00.000000', partition = 1, place = 2")
        )

    assert any(place.startswith("outbox/") for place in places(breaches(world, "ae_intake", hide)))


def test_no_table_is_left_out(world: World) -> None:
    """Rows of every table of every service are watched: by an entry, a proof, the chain itself or the seals."""
    chain = {"audit", "streams", "audit_seals", "audit_sealed", "cursors", "alembic_version"}
    for service in AUDITED:
        with world[service].db.engine.connect() as connection:
            names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
        watched = {model.audit_name() for one, model in TABLES if one == service}
        assert {name for name in names if not name.startswith("sqlite_")} - {"alembic_version"} == (
            watched | chain - {"alembic_version"}
        )


def test_a_stream_that_nobody_wrote_to_is_named(world: World) -> None:
    sql = text("INSERT INTO streams (stream, seq, mac, head) VALUES ('VN01-099', 0, '', '')")
    assert "stream VN01-099" in places(breaches(world, "ae_intake", lambda c: c.execute(sql)))


# The trail itself -----------------------------------------------------------------------------------------------------


def places(found: list[Breach]) -> set[str]:
    return {one.place for one in found}


@pytest.mark.parametrize("column", ["stream", "seq", "entry", "key_id", "mac"])
def test_an_edited_entry_is_named(world: World, column: str) -> None:
    value = {"seq": "seq + 1000"}.get(column, f"{column} || '!'")
    sql = f"UPDATE audit SET {column} = {value} WHERE stream = 'VN01-007' AND seq = 2"
    found = breaches(world, "sae_notifier", lambda c: c.execute(text(sql)))
    assert any("VN01-007" in place for place in places(found))


def test_an_entry_signed_by_whoever_has_no_key_is_named(world: World) -> None:
    """The content is changed and the digests are put right, as far as one can without the key."""

    def forge(connection: Connection) -> None:
        sql = text("SELECT id, entry FROM audit WHERE stream = 'VN01-007' AND seq = 2")
        audit_id, entry = connection.execute(sql).one()
        forged = json.dumps(json.loads(entry) | {"actor": "somebody-else"}, sort_keys=True, separators=(",", ":"))
        connection.execute(text("UPDATE audit SET entry = :e WHERE id = :i"), {"e": forged, "i": audit_id})

    assert "audit VN01-007 #2" in places(breaches(world, "sae_notifier", forge))


@pytest.mark.parametrize("at", ["first", "middle", "last"])
def test_a_deleted_entry_is_named(world: World, at: str) -> None:
    seq = {"first": "1", "middle": "3", "last": "(SELECT max(seq) FROM audit WHERE stream = 'VN01-007')"}[at]
    sql = f"DELETE FROM audit WHERE stream = 'VN01-007' AND seq = {seq}"
    found = breaches(world, "sae_notifier", lambda c: c.execute(text(sql)))
    expected = "stream VN01-007" if at == "last" else "audit VN01-007 #"
    assert any(place.startswith(expected) for place in places(found))


def test_a_cut_tail_with_the_older_head_put_back_is_named(world: World) -> None:
    """Rows, entries and head exactly as they were one entry earlier: only the head's own seal tells."""

    def cut(connection: Connection) -> None:
        last, entry = connection.execute(
            text("SELECT seq, entry FROM audit WHERE stream = 'VN01-007' ORDER BY seq DESC LIMIT 1")
        ).one()
        connection.execute(text("DELETE FROM audit WHERE stream = 'VN01-007' AND seq = :s"), {"s": last})
        mac = connection.execute(
            text("SELECT mac FROM audit WHERE stream = 'VN01-007' AND seq = :s"), {"s": last - 1}
        ).scalar()
        connection.execute(
            text("UPDATE streams SET seq = :s, mac = :m WHERE stream = 'VN01-007'"), {"s": last - 1, "m": mac}
        )
        connection.execute(text("DELETE FROM audit_sealed WHERE audit_id NOT IN (SELECT id FROM audit)"))
        assert entry

    found = breaches(world, "sae_notifier", cut)
    assert "stream VN01-007" in places(found)


def test_a_tail_cut_by_putting_back_an_older_file_is_named_by_the_seals_on_the_log() -> None:
    """Nothing inside the file is wrong then; what was published says that there was more."""
    with lived(sealed=True) as world:
        older = world.directory / "older.db"
        source = sqlite3.connect(world.directory / "ae_intake.db")
        target = sqlite3.connect(older)
        source.backup(target)  # the file as it is before more is reported
        source.close()
        target.close()
        deeds.submit(world, deeds.report("VN01-009"))
        world.drain()
        world.assert_audit()
        put_back = Database(f"sqlite:///{older}", "ae_intake")
        audit, tables = world["ae_intake"].audit, (*PLUMBING, *AUDITED["ae_intake"])
        assert put_back.read(lambda tx: verify(tx, audit, tables)).ok, "by itself the old file is whole"
        seals = world.seals_on_the_log("ae_intake")
        found = put_back.read(lambda tx: verify(tx, audit, tables, seals)).breaches
        put_back.close()
    assert found[0].place == f"seal {max(seals)}"
    assert "published on the log" in found[0].what


def test_a_stream_dropped_whole_is_named(world: World) -> None:
    """Entries, head, rows and seal marks of one child are all gone: the seals (or, before them, the others) tell."""

    def drop(connection: Connection) -> None:
        connection.execute(
            text("DELETE FROM audit_sealed WHERE audit_id IN (SELECT id FROM audit WHERE stream = 'VN01-007')")
        )
        connection.execute(text("DELETE FROM audit WHERE stream = 'VN01-007'"))
        connection.execute(text("DELETE FROM streams WHERE stream = 'VN01-007'"))

    found = breaches(world, "ae_intake", drop)
    assert any("VN01-007" in place or place.startswith("seal ") for place in places(found))
    head_only = breaches(world, "ae_intake", lambda c: c.execute(text("DELETE FROM streams WHERE stream = 'VN01-007'")))
    assert places(head_only) == {"stream VN01-007"}


def test_a_head_of_nothing_is_named(world: World) -> None:
    sql = "INSERT INTO streams (stream, seq, mac, head) VALUES ('VN01-999', 4, 'm', 'h')"
    assert places(breaches(world, "ae_intake", lambda c: c.execute(text(sql)))) == {"stream VN01-999"}


@pytest.fixture(scope="module")
def sealed() -> Iterator[World]:
    with lived(sealed=True) as made:
        yield made
        made.assert_audit()


def test_seals_are_watched_too(sealed: World) -> None:
    last = sealed.read("ae_intake", lambda tx: tx.scalar(text("SELECT max(number) FROM audit_seals")))
    assert isinstance(last, int) and last >= 2
    for sql, place in (
        ("DELETE FROM audit_seals WHERE number = 1", "seal 2"),
        (f"DELETE FROM audit_seals WHERE number = {last}", f"seal {last}"),
        ("DELETE FROM audit_sealed WHERE seal_number = 2", "seal 2"),
        ("UPDATE audit_seals SET entry = replace(entry, 'entries', 'entriez') WHERE number = 2", "seal 2"),
        ("UPDATE audit_seals SET mac = 'x' WHERE number = 2", "seal 2"),
        ("UPDATE audit_sealed SET seal_number = 1 WHERE seal_number = 2", "seal 1"),
        ("INSERT INTO audit_sealed VALUES (999999, 2)", "seal 2"),
    ):
        found = breaches(sealed, "ae_intake", lambda c, s=sql: c.execute(text(s)))
        assert place in places(found), f"{sql}: {found[:3]}"


def test_all_seals_gone_with_their_marks_are_told_by_the_log(sealed: World) -> None:
    def wipe(connection: Connection) -> None:
        connection.execute(text("DELETE FROM audit_sealed"))
        connection.execute(text("DELETE FROM audit_seals"))

    assert "seal 1" in places(breaches(sealed, "causality", wipe))


# Keys -----------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_verifies_the_old_and_signs_the_new() -> None:
    with World() as world:
        deeds.submit(world, deeds.report("VN01-007"))
        world.drain()
        old = world.keys
        world.keys = AuditKeys(b"n" * 48, (old.current,))
        world.crash()  # started again with the new key
        deeds.submit(world, deeds.report("VN01-007"))
        world.drain()
        world.assert_audit()
        db, tables = world["ae_intake"].db, (*PLUMBING, *AUDITED["ae_intake"])
        ids = db.read(lambda tx: tx.execute(text("SELECT DISTINCT key_id FROM audit")).scalars().all())
        assert set(ids) == {old.current_id, world.keys.current_id}
        forgetful = Audit("ae_intake", AuditKeys(b"n" * 48))
        found = db.read(lambda tx: verify(tx, forgetful, tables))
        assert f"signed with key {old.current_id}, which is not configured" in {one.what for one in found.breaches}


def test_the_key_of_another_installation_verifies_nothing(sealed: World) -> None:
    stranger = Audit("ae_intake", AuditKeys(b"s" * 48))
    found = sealed["ae_intake"].db.read(lambda tx: verify(tx, stranger, (*PLUMBING, *AUDITED["ae_intake"])))
    assert len(found.breaches) >= found.entries
