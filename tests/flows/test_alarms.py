"""Deadline alarms run apart: one duty that cannot be computed rings the bell, and silences no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.sae_notifier import store
from services.sae_notifier.handlers import duties
from shared.audit import WHOLE_TRAIL_EVERY
from shared.bus import relay
from shared.case import Obligation
from tests.support import deeds
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


def serious(world: World, code: str) -> str:
    body = deeds.report(code, aware=world.clock.now(), seriousness=deeds.seriousness(life_threatening="yes"))
    case_id = deeds.submit(world, body, code)["case_id"]
    world.drain()
    return case_id


def test_one_duty_that_cannot_be_computed_silences_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = serious(world, "VN01-007"), serious(world, "VN01-008")
    bad = deeds.duties(world, broken)[0].obligation_id
    honest = duties.raise_alarms

    def failing(notifier: object, tx: object, obligation_id: str, *rest: object) -> int:
        if obligation_id == bad:
            raise ZeroDivisionError
        return honest(notifier, tx, obligation_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(duties, "raise_alarms", failing)
    world.clock.advance(days=30)
    world.dispatcher.alarms.tick()

    def overdue(one: Obligation) -> bool:
        raised = world["sae_notifier"].db.read(lambda tx: store.alarms_raised(tx, [one.obligation_id]))
        return any(threshold == "overdue" for _, threshold, _ in raised)

    told = {one.obligation_id: overdue(one) for case in (broken, sound) for one in deeds.duties(world, case)}
    assert not told.pop(bad)
    assert told and all(told.values())
    assert world.rung["deadline_engine_failed"] == 1


def test_entries_that_stay_unsealed_ring(world: World) -> None:
    service = world["ae_intake"]
    body = deeds.report("VN01-007", aware=world.clock.now())
    deeds.submit(world, body, "k")
    made = service.db.read(service.audit.oldest_unsealed)
    assert made == world.clock.now()
    assert timedelta(seconds=relay.SEALED_WITHIN_S) < WHOLE_TRAIL_EVERY
    world.drain()
    assert service.db.read(service.audit.oldest_unsealed) is None
