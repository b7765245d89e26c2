"""What only two instances at once can show of the board's rule: neither misses the child that the other one is writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from services.dsmb import store
from services.dsmb.handlers import Dsmb
from services.dsmb.handlers.watching import look_at
from shared import migrate
from shared.audit import Audit, AuditKeys
from shared.bus.received import ReceivedRow
from shared.bus.wake import Wake
from shared.db import Database, Tx
from shared.statement import insert_of
from tests.support.stores import NOW, module_postgres_url, together  # noqa: F401
from tests.unit.dsmb import build

KEYS = AuditKeys(b"k" * 40)


@pytest.fixture(scope="module")
def instances(module_postgres_url: str) -> Iterator[list[Database]]:  # noqa: F811
    opened = [Database(module_postgres_url, "dsmb") for _ in range(2)]
    migrate.upgrade(opened[0], "dsmb")
    yield opened
    for one in opened:
        one.close()


def receive(tx: Tx, code: str) -> None:
    """A child, its infusion, and a serious event after it, as they stand on the log."""
    documents = [
        build.subject(code, "2026-01-01"),
        build.infusion(code, "2026-01-05T09:00"),
        build.case(code, build.event("e", "FEVER", "2026-02-01", serious=True)),
    ]
    for number, one in enumerate(documents):
        values: dict[str, Any] = {
            "aggregate": one.aggregate,
            "version": one.version,
            "subject_id": code,
            "event_id": f"{code}-{number}",
            "type": "t",
            "sha256": one.sha256,
            "serious": False,
            "body": one.body,
            "topic": "t",
            "partition": 0,
            "place": number,
            "traceparent": None,
            "former_sha256": None,
            "received_at": NOW,
        }
        tx.write(insert_of(ReceivedRow), values)


def test_two_instances_with_one_harmed_child_each_cross_together(instances: list[Database]) -> None:
    both_have_looked = Barrier(2)
    dsmb = [Dsmb(build.trial(), Audit("dsmb", KEYS), Wake()) for _ in instances]

    def work(number: int) -> None:
        def unit(tx: Tx) -> None:
            code = f"VN01-00{number}"
            dsmb[number].audit.lock(tx, code)
            receive(tx, code)
            look_at(dsmb[number], tx, code, NOW, NOW)
            with suppress(BrokenBarrierError):  # who waits for the other's lock never comes here in time
                both_have_looked.wait(1.5)

        instances[number].transact(unit)

    together(2, work)
    crossings = instances[0].read(store.crossings)
    assert [row.look for row in crossings] == [2]
    emitted = instances[0].read(lambda tx: [row.aggregate for row in _outbox(tx)])
    assert emitted == ["stopping_rule/serious-related.illustrative-1.2"]


def _outbox(tx: Tx) -> list[Any]:
    from shared.bus.outbox import unpublished

    return unpublished(tx, 100)


def test_offsets_and_documents_of_a_cut_are_of_one_moment(instances: list[Database]) -> None:
    """Between the two readings another instance commits: a cut must hold both of its halves or neither."""
    first, second = instances

    def unit(tx: Tx) -> tuple[dict[str, Any], int]:
        offsets = store.positions(tx)
        second.transact(lambda other: (_move(other), receive(other, "VN01-777"))[0])
        return offsets, sum(one.subject_id == "VN01-777" for one in store.current(tx))

    offsets, documents = first.read(unit, snapshot=True)
    assert (offsets["tocsin.safety"]["0"], documents) == (0, 0)
    again = first.read(store.positions, snapshot=True)
    assert again["tocsin.safety"]["0"] == 3


def _move(tx: Tx) -> None:
    from shared.bus import cursor

    audit = Audit("dsmb", KEYS)
    cursor.advance(tx, audit, "tocsin.safety", 0, first=0, next_offset=3, last_event_id="e")
