"""Events that mean nothing to a service: their cursor follows without a commit for each, and nothing else changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared import migrate
from shared.audit import Audit, AuditKeys
from shared.bus import cursor
from shared.bus import worker as workers
from shared.bus.port import SAFETY_TOPIC, Delivery
from shared.bus.worker import Worker
from shared.clock import SystemClock
from shared.db import Database, DatabaseAway

PASSING, OURS = "tocsin.case.reported.v1", "tocsin.batch.recorded.v1"


class Log:
    """Hands out prepared runs, then waits."""

    def __init__(self, runs: Sequence[Sequence[Delivery]]) -> None:
        self.runs, self.closed, self.sought = list(runs), asyncio.Event(), 0

    async def batches(self) -> AsyncIterator[Sequence[Delivery]]:
        for run in self.runs:
            yield run
        await self.closed.wait()

    async def close(self) -> None:
        self.closed.set()

    async def reseek(self, topic: str, partition: int) -> None:
        self.sought += 1


def records(first: int, *types: str) -> list[Delivery]:
    return [
        Delivery(SAFETY_TOPIC, 3, first + i, "c", b"{}", (("ce_type", name.encode()), ("ce_id", b"%d" % (first + i))))
        for i, name in enumerate(types)
    ]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """One that counts its transactions; `failing` in a record's key makes its effect fail."""
    db = Database(f"sqlite:///{tmp_path / 'one.db'}", "ae_intake")
    migrate.upgrade(db, "ae_intake")
    handlers: dict[str, Any] = {OURS: lambda tx, receipt, now: None}
    bus: Any = None
    made = Worker(
        db=db,
        bus=bus,
        audit=Audit("ae_intake", AuditKeys(b"k" * 40)),
        clock=SystemClock(),
        topics=[SAFETY_TOPIC],
        handlers=handlers,
        ring=lambda kind, place: None,
    )
    applied: list[list[int]] = []
    whole = made.apply

    def counted(run: Sequence[Delivery]) -> None:
        applied.append([one.offset for one in run])
        whole(run)

    monkeypatch.setattr(made, "apply", counted)
    made.applied = applied  # type: ignore[attr-defined]
    return made


async def consume(worker: Worker, log: Any, seconds: float = 0.1) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(worker._consume(log, stop))
    await asyncio.sleep(seconds)
    stop.set()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def position(worker: Worker) -> tuple[int, str | None]:
    at = worker.db.read(lambda tx: cursor.read(tx, SAFETY_TOPIC, 3))
    return at.next_offset, at.last_event_id


async def test_what_is_passed_is_committed_once_at_the_end(worker: Worker) -> None:
    await consume(worker, Log([records(0, PASSING, PASSING), records(2, PASSING), records(3, PASSING)]))
    assert worker.applied == [[0, 3]]  # type: ignore[attr-defined]
    assert position(worker) == (4, "3")


async def test_it_is_committed_after_a_while_without_waiting_for_the_end(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "PASSING_S", 0.05)
    stop = asyncio.Event()
    log: Any = Log([records(0, PASSING)])
    running = asyncio.create_task(worker._consume(log, stop))
    async with asyncio.timeout(5):
        while position(worker) != (1, "0"):  # noqa: ASYNC110  a database has no event to wait for
            await asyncio.sleep(0.02)
    stop.set()
    await running


async def test_an_event_of_ours_takes_what_was_passed_before_it_along(worker: Worker) -> None:
    log: Any = Log([records(0, PASSING, PASSING), records(2, "tocsin.audit.sealed_elsewhere.v1")])
    await consume(worker, log)
    assert worker.applied[0] == [0, 2]  # type: ignore[attr-defined]
    # An unknown type is parked alone: first the cursor over what was passed, then the record itself.
    assert worker.applied[1:] == [[0, 1], [2]]  # type: ignore[attr-defined]
    assert position(worker) == (3, "2")


async def test_records_that_come_again_after_a_reseek_are_not_counted_twice(worker: Worker) -> None:
    await consume(worker, Log([records(0, PASSING, PASSING), records(0, PASSING, PASSING, PASSING)]))
    assert worker.applied == [[0, 2]]  # type: ignore[attr-defined]
    assert position(worker) == (3, "2")


async def test_a_cursor_that_somebody_else_moved_is_left_alone(worker: Worker) -> None:
    worker.db.transact(
        lambda tx: cursor.advance(tx, worker.audit, SAFETY_TOPIC, 3, first=0, next_offset=9, last_event_id="elsewhere")
    )
    await consume(worker, Log([records(0, PASSING)]))
    assert position(worker) == (9, "elsewhere")


async def test_what_was_passed_while_the_database_was_away_is_committed_when_it_is_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgotten, no later run would ever stand at the cursor again: the consumer stood still for ever, all partitions."""
    monkeypatch.setattr(workers, "PASSING_S", 0.02)
    away = True

    def gate(way: str) -> None:
        if away:
            raise DatabaseAway("told to be away")

    worker.db.gate = gate
    stop = asyncio.Event()
    log: Any = Log([records(0, PASSING, PASSING)])
    running = asyncio.create_task(worker._consume(log, stop))
    await asyncio.sleep(0.2)
    assert position(worker) == (0, None)
    away = False
    async with asyncio.timeout(5):
        while position(worker) != (2, "1"):  # noqa: ASYNC110  a database has no event to wait for
            await asyncio.sleep(0.02)
    stop.set()
    await running


async def test_where_somebody_else_moved_the_cursor_the_position_is_read_again(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "PASSING_S", 0.02)
    worker.db.transact(
        lambda tx: cursor.advance(tx, worker.audit, SAFETY_TOPIC, 3, first=0, next_offset=9, last_event_id="elsewhere")
    )
    log: Any = Log([records(0, PASSING)])
    worker.subscription = log
    stop = asyncio.Event()
    running = asyncio.create_task(worker._consume(log, stop))
    async with asyncio.timeout(5):
        while not log.sought:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    stop.set()
    await running
    assert position(worker) == (9, "elsewhere")
