"""Parked events over HTTP: seen without their content, replayed or discarded by a named person with a reason; the description of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.api.problems import pointers, problem
from tests.api.seeded import parked
from tests.api.world import ApiWorld

OFFICER = "safety-officer-1"
WHY = {"reason": "the cause is mended"}
SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")


def waiting(world: ApiWorld, service: str = "sae_notifier") -> list[dict[str, Any]]:
    return world.get(f"/api/v1/ops/{service}/parked", OFFICER).json()["parked"]


@contextmanager
def failing(world: ApiWorld, service: str, kind: str) -> Iterator[None]:
    """Within the block the handler of one type fails."""
    handlers = world.app.state.runtimes[service].worker.handlers
    before = handlers[kind]

    def fail(*_: object) -> None:
        raise RuntimeError("Sốt cao, cứng gáy")

    handlers[kind] = fail
    try:
        yield
    finally:
        handlers[kind] = before


def test_a_failing_event_is_parked_and_a_serious_one_still_reaches_a_person(own_world: ApiWorld) -> None:
    world = own_world
    child = world.child()
    with failing(world, "sae_notifier", "tocsin.case.reported.v1"):
        case = world.case(child)
        world.drain()

    (one,) = waiting(world)
    assert (one["type"], one["aggregate"]) == ("tocsin.case.reported.v1", f"case/{case['case_id']}")
    assert one["serious"]
    assert "Sốt" not in json.dumps(one, ensure_ascii=False)  # neither the event nor what the failure quoted
    alerts = world.get(f"/api/v1/alerts?case_id={case['case_id']}", OFFICER).json()["alerts"]
    assert [alert["kind"] for alert in alerts] == ["parked"]
    world.infusion(child)  # later events of the same child go on
    world.drain()
    assert len(waiting(world)) == 1


def test_a_replay_has_the_effect_once(own_world: ApiWorld) -> None:
    world = own_world
    with failing(world, "sae_notifier", "tocsin.case.reported.v1"):
        case = world.case(world.child())
        world.drain()
        (one,) = waiting(world)
        path = f"/api/v1/ops/sae_notifier/parked/{one['parked_id']}/replay"
        problem(world.post(path, OFFICER, json=WHY), 422, "refused")  # it fails again, and stays
    assert waiting(world)[0]["attempts"] == 2

    done = world.post(path, OFFICER, json=WHY)

    assert done.json() == {"parked_id": one["parked_id"], "state": "replayed"}
    assert waiting(world) == []
    owed = world.get(f"/api/v1/obligations?case_id={case['case_id']}", OFFICER).json()["obligations"]
    assert owed
    problem(world.post(path, OFFICER, json=WHY), 404)
    assert len(world.get(f"/api/v1/obligations?case_id={case['case_id']}", OFFICER).json()["obligations"]) == len(owed)


def test_a_discard_needs_a_reason_and_is_final(shared_world: ApiWorld) -> None:
    world = shared_world
    for service in SERVICES:
        parked_id = parked(world, service)
        path = f"/api/v1/ops/{service}/parked/{parked_id}"
        assert pointers(world.post(f"{path}/discard", OFFICER, json={})) == ["/reason"]
        assert pointers(world.post(f"{path}/discard", OFFICER, json={"reason": "  "})) == ["/reason"]
        assert pointers(world.post(f"{path}/replay", OFFICER, json={"reason": ""})) == ["/reason"]
        assert parked_id in {one["parked_id"] for one in waiting(world, service)}

        done = world.post(f"{path}/discard", OFFICER, json=WHY)

        assert done.json() == {"parked_id": parked_id, "state": "discarded"}
        assert waiting(world, service) == []
        problem(world.post(f"{path}/discard", OFFICER, json=WHY), 404)
        problem(world.post(f"{path}/replay", OFFICER, json=WHY), 404)


def test_the_trail_keeps_who_and_why(own_world: ApiWorld) -> None:
    world = own_world
    parked_id = parked(world, "causality")
    world.post(f"/api/v1/ops/causality/parked/{parked_id}/discard", "admin", json=WHY)

    def entries(tx: Any) -> list[dict[str, Any]]:
        from sqlalchemy import text

        return [json.loads(one) for (one,) in tx.execute(text("SELECT entry FROM audit WHERE stream = '~service'"))]

    last = world.db("causality").read(entries)[-1]
    assert (last["actor"], last["reason"]) == ("admin", WHY["reason"])


def test_every_route_is_described_with_how_to_sign_in_and_what_it_refuses(shared_world: ApiWorld) -> None:
    described = shared_world.get("/openapi.json").json()
    assert set(described["components"]["securitySchemes"]) == {"bearer", "basic", "session"}
    for path, operations in described["paths"].items():
        for method, one in operations.items():
            place = f"{method} {path}"
            answers = set(one["responses"])
            assert {"401", "403", "422", "500", "503"} <= answers, place
            assert one.get("security") or path == "/api/v1/sign-in", place
            assert one["summary"], place
            good = [one["responses"][code] for code in answers if code.startswith("2")]
            assert len(good) == 1, place
            content = good[0].get("content", {})
            assert "204" in answers or all(one["schema"] for one in content.values()), place
            assert ("404" in answers) == ("{" in path), place
