"""Data moves once, in order, whatever is repeated, swapped, spoilt or killed on the way: the real handlers, fault by fault."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.sae_notifier import store as notifier_store
from shared.bus import cursor, parking, received
from shared.bus.parking import ParkedRow
from shared.bus.partition import partition_for
from shared.bus.port import SAFETY_TOPIC, BusUnavailable, Delivery, Record
from shared.db import DatabaseAway
from shared.errors import Conflict, NotFound, Refused
from tests.support import deeds
from tests.support.world import CLINICIAN, START, World

FATAL = deeds.seriousness(life_threatening="yes")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made
        made.assert_audit()


def reported(world: World, **event: object) -> str:
    return deeds.submit(world, deeds.report(aware=START - timedelta(hours=1), **event))["case_id"]


def open_parked(world: World, service: str) -> list[ParkedRow]:
    return world[service].db.read(parking.open_rows)


def versions_at(world: World, service: str, aggregate: str) -> list[int]:
    return world[service].db.read(lambda tx: [row.version for row in received.history(tx, aggregate)])


def on_log(world: World, aggregate: str) -> list[Delivery]:
    return [one for one in world.log.all() if one.header("ce_subject") == aggregate]


def snapshot(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every service that is an effect: all tables but the plumbing's own."""
    plumbing = {"cursors", "audit", "audit_seals", "audit_sealed", "streams", "alembic_version", "outbox"}
    found = {}
    for name, service in world.services.items():
        with service.db.engine.connect() as connection:
            tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            for table in sorted(set(tables) - plumbing):
                rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
                found[f"{name}.{table}"] = sorted((tuple(row) for row in rows), key=repr)
    return found


def test_a_report_reaches_everyone_once(world: World) -> None:
    case_id = reported(world, seriousness=FATAL)
    world.drain()
    for service in ("causality", "sae_notifier"):
        assert versions_at(world, service, f"case/{case_id}") == [1]
    assert versions_at(world, "sae_notifier", f"assessment/{case_id}") == [1]
    assert [row.cause for row in deeds.alerts_of(world, case_id)] == [f"sae/{case_id}"]
    recipients = Counter(duty.recipient_id for duty in deeds.duties(world, case_id))
    assert set(recipients) == {"necbr", "astt", "di_adr", "iec", "sponsor"}
    assert len({duty.obligation_id for duty in deeds.duties(world, case_id)}) == recipients.total()


def test_the_same_key_and_body_is_one_case_and_the_same_answer(world: World) -> None:
    body = deeds.report(seriousness=FATAL)
    first, again = deeds.submit(world, body, "k"), deeds.submit(world, body, "k")
    assert again["repeated"] and not first["repeated"]
    assert {**again, "repeated": False} == first
    with pytest.raises(Conflict):
        deeds.submit(world, deeds.report(outcome="fatal"), "k")
    world.drain()
    assert len(on_log(world, f"case/{first['case_id']}")) == 1


def test_everything_delivered_twice_changes_nothing(world: World) -> None:
    case_id = reported(world, seriousness=FATAL)
    world.drain()
    deeds.amend(world, case_id, 1, news=START)
    world.drain()
    before = snapshot(world)
    for delivery in world.log.all():
        world.log.repeat(delivery)
    world.drain()
    assert snapshot(world) == before
    assert not any(world.rung.values())


def test_a_later_version_first_applies_at_once_and_the_earlier_one_is_folded_in(world: World) -> None:
    case_id = reported(world, seriousness=deeds.seriousness(hospitalisation="yes"))
    event = deeds.case(world, case_id).events[0].event_id  # type: ignore[union-attr]
    news = [{"event_id": event, "seriousness": {"death": "yes"}, "outcome": "fatal"}]
    deeds.amend(world, case_id, 1, news=START, events=news)
    world.log.scramble = lambda batch: list(reversed(batch))
    world.relay("ae_intake")
    assert [one.header("ce_sequence") for one in on_log(world, f"case/{case_id}")] == ["0000000002", "0000000001"]
    world.drain()
    assert versions_at(world, "sae_notifier", f"case/{case_id}") == [1, 2]
    assert deeds.case(world, case_id, "sae_notifier").version == 2  # type: ignore[union-attr]
    assert world.rung["version_gap"] == 3, "causality, sae_notifier and dsmb each ring for the gap"
    assert {row.cause for row in deeds.alerts_of(world, case_id)} == {f"sae/{case_id}", f"sae/{case_id}/fatal"}

    with World() as straight:  # the same story in order: the same legal dates, and no strict one earlier
        other = reported(straight, seriousness=deeds.seriousness(hospitalisation="yes"))
        event = deeds.case(straight, other).events[0].event_id  # type: ignore[union-attr]
        deeds.amend(straight, other, 1, news=START, events=[{**news[0], "event_id": event}])
        straight.drain()
        expected = {(d.rule_id, d.recipient_id): d for d in deeds.duties(straight, other)}
    found = {(d.rule_id, d.recipient_id): d for d in deeds.duties(world, case_id)}
    assert {key: d.due_at for key, d in found.items()} == {key: d.due_at for key, d in expected.items()}
    assert all(d.due_strict_at <= expected[key].due_strict_at for key, d in found.items())


def test_a_failing_event_is_parked_alone_and_replayed_by_a_person(world: World) -> None:
    notifier = world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    broken = reported(world, seriousness=FATAL)
    world.drain()
    notifier.failing.clear()
    fine = deeds.submit(world, deeds.report(seriousness=FATAL))["case_id"]  # the same child
    world.drain()
    assert deeds.duties(world, fine), "later events of the same child proceed"
    assert not deeds.duties(world, broken)
    [parked] = open_parked(world, "sae_notifier")
    assert (parked.aggregate, parked.reason, parked.retry) == (f"case/{broken}", "handler_failed", True)
    assert [row.kind for row in deeds.alerts_of(world, broken)] == ["parked"], "a person hears of it all the same"
    assert world.rung["event_parked"] == 1
    world.assert_audit()

    notifier.worker.replay(parked.parked_id, actor="safety-officer-1", reason="the handler was mended")
    assert deeds.duties(world, broken)
    assert {row.kind for row in deeds.alerts_of(world, broken)} == {"parked", "sae"}
    assert not open_parked(world, "sae_notifier")
    with pytest.raises(NotFound):
        notifier.worker.replay(parked.parked_id, actor="safety-officer-1", reason="again")


def test_the_name_of_a_child_never_decides_whether_its_event_can_be_parked(world: World) -> None:
    """Parking locks the child, then the service's own stream: a code that sorted after it ended the consumer."""
    notifier = world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    case_id = deeds.submit(world, deeds.report("vn01-007", seriousness=FATAL))["case_id"]
    world.drain()
    notifier.failing.clear()
    [parked] = open_parked(world, "sae_notifier")
    notifier.worker.replay(parked.parked_id, actor="safety-officer-1", reason="mended")
    assert deeds.duties(world, case_id)


def test_a_parked_event_is_retried_with_backoff(world: World) -> None:
    notifier = world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    case_id = reported(world, seriousness=FATAL)
    world.drain()
    assert notifier.worker.retry_due() == 0, "not due yet"
    world.clock.advance(seconds=11)
    assert notifier.worker.retry_due() == 0, "it fails again"
    [parked] = open_parked(world, "sae_notifier")
    assert parked.attempts == 2
    assert parked.next_attempt_at == world.clock.now() + timedelta(minutes=1)
    notifier.failing.clear()
    world.clock.advance(seconds=59)
    assert notifier.worker.retry_due() == 0
    world.clock.advance(seconds=2)
    assert notifier.worker.retry_due() == 1
    assert deeds.duties(world, case_id)


def test_a_replay_that_fails_again_stays_parked_and_says_so(world: World) -> None:
    notifier = world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    reported(world, seriousness=FATAL)
    world.drain()
    [parked] = open_parked(world, "sae_notifier")
    with pytest.raises(Refused, match="failed again"):
        notifier.worker.replay(parked.parked_id, actor="safety-officer-1", reason="try")
    assert [row.parked_id for row in open_parked(world, "sae_notifier")] == [parked.parked_id]


def test_discarding_needs_a_reason_and_keeps_it_in_the_trail(world: World) -> None:
    notifier = world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    case_id = reported(world, seriousness=FATAL)
    world.drain()
    notifier.failing.clear()
    [parked] = open_parked(world, "sae_notifier")
    with pytest.raises(Refused):
        notifier.worker.discard(parked.parked_id, actor="safety-officer-1", reason="  ")
    notifier.worker.discard(parked.parked_id, actor="safety-officer-1", reason="a test record")
    assert not open_parked(world, "sae_notifier")
    assert not deeds.duties(world, case_id)
    with notifier.db.engine.connect() as connection:
        entries = connection.exec_driver_sql("SELECT entry FROM audit WHERE stream = '~service'").scalars().all()
    assert "a test record" in entries[-1]


def test_a_parked_version_is_made_good_by_the_next_one(world: World) -> None:
    """Events are whole: the second version alone gives alert and duties; the replayed first one is folded in."""
    notifier = world["sae_notifier"]
    notifier.failing.add("tocsin.case.reported.v1")
    case_id = reported(world, seriousness=FATAL)
    world.drain()
    notifier.failing.clear()
    deeds.amend(world, case_id, 1, news=START)
    world.drain()
    assert versions_at(world, "sae_notifier", f"case/{case_id}") == [2]
    assert world.rung["version_gap"] == 1
    late = {duty.obligation_id: duty.due_strict_at for duty in deeds.duties(world, case_id)}
    [parked] = open_parked(world, "sae_notifier")
    notifier.worker.replay(parked.parked_id, actor="safety-officer-1", reason="mended")
    assert versions_at(world, "sae_notifier", f"case/{case_id}") == [1, 2]
    for duty in deeds.duties(world, case_id):
        assert duty.due_strict_at <= late[duty.obligation_id]


def foreign(type_name: str | None, body: bytes, **changes: str) -> Record:
    """A record that somebody put on the log by other ways than an outbox of ours."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "0199-foreign",
        "ce_source": "ae_intake",
        "ce_type": type_name or "",
        "ce_subject": "case/c-1",
        "ce_sequence": "0000000001",
        "ce_time": "2026-03-09T03:00:00Z",
        "ce_trialid": "vinmec-cp-bmmnc",
        "ce_partitionkey": "VN01-007",
        "ce_serious": "true",
    } | changes
    kept = tuple((name, value.encode()) for name, value in headers.items() if value)
    return Record(SAFETY_TOPIC, "VN01-007", body, kept)


@pytest.mark.parametrize(
    ("record", "reason", "bell"),
    [
        (foreign("tocsin.case.frobnicated.v1", b"{}"), "unknown_type", "unknown_event_type"),
        (foreign("tocsin.case.reported.v1", b"\xff not json"), "undecodable", "event_parked"),
        (foreign("tocsin.case.reported.v1", b"[]"), "undecodable", "event_parked"),
        (foreign("tocsin.case.reported.v1", b"{}", ce_sequence="one"), "undecodable", "event_parked"),
        (foreign("tocsin.case.reported.v1", b"{}", ce_source="causality"), "wrong_source", "event_parked"),
        (foreign("tocsin.case.reported.v1", b"{}", ce_partitionkey="VN01-008"), "wrong_key", "event_parked"),
        (foreign("tocsin.case.reported.v1", b'{"case_id": 7}'), "handler_failed", "event_parked"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_no_event_of_ours_is_parked_rings_and_alerts(
    world: World, record: Record, reason: str, bell: str
) -> None:
    world.log.append(record)
    after = deeds.submit(world, deeds.report(seriousness=FATAL))["case_id"]
    world.drain()
    [parked] = open_parked(world, "sae_notifier")
    assert (parked.reason, parked.serious) == (reason, True)
    assert parked.delivery().value == record.value, "its bytes are kept as they came"
    assert world.rung[bell] >= 1
    assert [row.kind for row in deeds.alerts_of(world) if row.cause.startswith("parked/")] == ["parked"]
    assert deeds.duties(world, after), "what follows it is not held up"
    assert not versions_at(world, "sae_notifier", "case/c-1"), "nothing of it was kept as if it had been read"


def test_a_known_type_that_nobody_here_handles_is_skipped(world: World) -> None:
    reported(world, seriousness=FATAL)
    world.drain()
    assert "obligation" not in {row.aggregate.split("/")[0] for row in _received(world, "causality")}
    assert not open_parked(world, "causality")
    [end] = {len(there) for place, there in world.log.partitions.items() if place == (SAFETY_TOPIC, _partition())}
    at = world["causality"].db.read(lambda tx: cursor.read(tx, SAFETY_TOPIC, _partition()))
    assert at.next_offset == end


def _partition() -> int:
    return partition_for("VN01-007")


def _received(world: World, service: str) -> list[received.ReceivedRow]:
    return world[service].db.read(lambda tx: received.latest_of_child(tx, "VN01-007"))


def test_the_same_version_with_other_bytes_is_parked_and_rings(world: World) -> None:
    case_id = reported(world, seriousness=FATAL)
    world.drain()
    [first] = on_log(world, f"case/{case_id}")
    data = json.loads(first.value)
    data["reported_by"] = "somebody-else"
    other = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    world.log.append(Record(first.topic, first.key, other, first.headers))
    before = deeds.duties(world, case_id)
    world.drain()
    [parked] = open_parked(world, "sae_notifier")
    assert parked.reason == "conflict"
    assert not parked.retry, "no repetition will make it right"
    assert world.rung["same_version_other_bytes"] == 3
    assert deeds.duties(world, case_id) == before
    assert deeds.case(world, case_id, "sae_notifier").reported_by == "clinician"  # type: ignore[union-attr]


@pytest.mark.parametrize("service", ["causality", "sae_notifier"])
def test_a_database_that_is_away_is_never_the_events_fault(world: World, service: str) -> None:
    """Locked out by another writer, the worker does nothing, parks nothing, and goes on afterwards."""
    case_id = reported(world, seriousness=FATAL)
    world.relay("ae_intake")
    one = world[service]
    real = one.db.transact
    left = [2]

    def away(fn: object) -> object:
        if left[0]:
            left[0] -= 1
            raise DatabaseAway("database is locked")
        return real(fn)  # type: ignore[arg-type]

    one.db.transact = away  # type: ignore[method-assign, assignment]
    world.consume(service)
    one.db.transact = real  # type: ignore[method-assign]
    assert left == [0]
    world.drain()
    assert not open_parked(world, service)
    assert versions_at(world, service, f"case/{case_id}") == [1]


# Crashes --------------------------------------------------------------------------------------------------------------

STORY = [
    "intake.before_commit",
    "intake.after_commit",
    "relay.after_send",
    "relay.after_mark",
    "seal.before_commit",
    "consume.after_effect",
    "consume.before_commit",
    "consume.after_commit",
    "notify.after_claim",
    "notify.after_send",
]


def tell(world: World, acknowledged: list[str], key: str) -> None:
    """Report, relay, apply, call: crash anywhere in here."""
    body = deeds.report(seriousness=FATAL, aware=START - timedelta(hours=1))
    acknowledged.append(deeds.submit(world, body, key)["case_id"])
    world.drain()
    world.hand_over()


@pytest.mark.parametrize(
    ("name", "nth"), [*((name, 1) for name in STORY), ("consume.before_commit", 3), ("relay.after_send", 3)]
)
def test_killed_anywhere_nothing_is_lost_and_nothing_is_doubled(world: World, name: str, nth: int) -> None:
    acknowledged: list[str] = []
    with world.dying_at(name, nth) as died:
        tell(world, acknowledged, "key-1")
        tell(world, acknowledged, "key-2")
    assert died, f"{name} was never passed"
    world.assert_audit()
    for key in ("key-1", "key-2"):  # a client that got no answer asks again under the same key
        tell(world, acknowledged, key)
    world.tick(seconds=16)  # what was claimed by the dead one is free again
    world.hand_over()
    assert len(set(acknowledged)) == 2, "one case per key"
    for case_id in set(acknowledged):
        for service in ("causality", "sae_notifier"):
            assert versions_at(world, service, f"case/{case_id}") == [1]
        [alert] = [row for row in deeds.alerts_of(world, case_id) if row.kind == "sae"]
        calls = world["sae_notifier"].db.read(lambda tx, a=alert.alert_id: notifier_store.calls_of(tx, [a]))
        first = [call for call in calls if call.step == 0]
        assert {call.state for call in first} == {"sent"}
        for call in first:  # a repeat carries the same Message-ID, so that it can be recognised
            taken = world.mail.taken if call.channel == "mail" else world.hooks.taken
            assert 1 <= sum(message.message_id == call.message_id for message in taken) <= 2
        assert len(deeds.duties(world, case_id)) == len({one.obligation_id for one in deeds.duties(world, case_id)})
    for service in world.services.values():
        assert all(count == 1 for count in service.handled.values())


def test_a_log_that_is_away_holds_nothing_up_but_the_relay(world: World) -> None:
    world.log.away = True
    case_id = reported(world, seriousness=FATAL)
    with pytest.raises(BusUnavailable):
        world.relay("ae_intake")
    world.log.away = False
    world.drain()
    assert versions_at(world, "sae_notifier", f"case/{case_id}") == [1]


def test_a_positive_culture_after_release_alerts_with_no_event_at_all(world: World) -> None:
    reported(world)
    deeds.culture(world, "VN01-007", "B-1", "positive")
    world.drain()
    assert [row.cause for row in deeds.alerts_of(world) if row.kind == "sterility"] == ["sterility/B-1"]


def test_clinicians_keep_the_same_name_everywhere(world: World) -> None:
    case_id = reported(world)
    world.drain()
    assert deeds.case(world, case_id, "sae_notifier").reported_by == CLINICIAN.user_id  # type: ignore[union-attr]
