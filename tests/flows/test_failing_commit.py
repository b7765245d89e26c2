"""A commit that fails is never answered with success, and leaves nothing: over HTTP, on every route that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from tests.api.world import ApiWorld, at, serious

Contents = dict[str, list[tuple[object, ...]]]
DISK = OperationalError("COMMIT", None, Exception("disk I/O error"))


@pytest.fixture(scope="module")
def world() -> Iterator[ApiWorld]:
    made = ApiWorld()
    yield made
    made.close()


@pytest.fixture(scope="module")
def told(world: ApiWorld) -> dict[str, Any]:
    """A case on everybody's desk: alerted, assessed, with a form made, and one filing sent."""
    child = world.child()
    world.infusion(child)
    case = world.case(child)
    world.drain()
    duties = world.get(f"/api/v1/obligations?case_id={case['case_id']}", "safety-officer-1").json()["obligations"]
    owed = [one for one in duties if one["rule_id"].startswith("VN-SAE")]
    made = world.post(f"/api/v1/obligations/{owed[0]['obligation_id']}/documents", "safety-officer-1")
    assert made.status_code == 201, made.text
    filed = world.post(
        f"/api/v1/obligations/{owed[0]['obligation_id']}/filings",
        "safety-officer-1",
        json={"method": "hand", "sent_at": world.clock.now().isoformat(), "reference": "1"}
        | {"document_id": made.json()["document_id"]},
    )
    assert filed.status_code == 201, filed.text
    alerts = world.get(f"/api/v1/alerts?case_id={case['case_id']}", "safety-officer-1").json()["alerts"]
    assessed = world.get(f"/api/v1/assessments/{case['case_id']}", "medical-monitor-1").json()["assessment"]
    return {
        "child": child,
        "case": case["case_id"],
        "duty": owed[0]["obligation_id"],
        "duty_without_form": owed[1]["obligation_id"],
        "document": made.json()["document_id"],
        "filing": filed.json()["filing_id"],
        "alert": alerts[0]["alert_id"],
        "assessment": assessed["version"],
    }


@contextmanager
def failing_commits(world: ApiWorld, error: Exception) -> Iterator[list[str]]:
    """Every commit of every service raises just before it would be durable."""
    tried: list[str] = []
    engines: list[tuple[Engine, Any]] = []
    for name, run in world.app.state.runtimes.items():

        def fail(connection: object, service: str = name) -> None:
            tried.append(service)
            raise error

        event.listen(run.db.engine, "commit", fail)
        engines.append((run.db.engine, fail))
    try:
        yield tried
    finally:
        for engine, fail in engines:
            event.remove(engine, "commit", fail)


def contents(world: ApiWorld) -> Contents:
    """Every row of every table of every service."""
    found: Contents = {}
    for name, run in world.app.state.runtimes.items():
        with run.db.engine.connect() as connection:
            tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            for table in tables:
                rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
                found[f"{name}.{table}"] = sorted((tuple(row) for row in rows), key=repr)
    return found


WRITES: dict[str, tuple[str, str, str, Any, dict[str, str]]] = {
    "report": ("POST", "/api/v1/cases", "clinician", serious("VN01-001"), {}),
    "report under a key": ("POST", "/api/v1/cases", "clinician", serious("VN01-001"), {"Idempotency-Key": "k"}),
    "report that is rejected": ("POST", "/api/v1/cases", "clinician", {"no": "report"}, {}),
    "amend": (
        "PATCH",
        "/api/v1/cases/{case}",
        "clinician",
        {"reason": "more news", "news_known": None},
        {"If-Match": '"1"', "Idempotency-Key": "k2"},
    ),
    "nullify": ("POST", "/api/v1/cases/{case}/nullify", "safety-officer-1", {"reason": "twice"}, {"If-Match": '"1"'}),
    "record a child": ("POST", "/api/v1/subjects", "clinician", {"subject_id": "VN01-002"}, {}),
    "record an exposure": (
        "POST",
        "/api/v1/exposures",
        "clinician",
        {"subject_id": "{child}", "kind": "piracetam", "start": at("2026-03-01")},
        {},
    ),
    "sign": (
        "POST",
        "/api/v1/assessments/{case}/sign",
        "medical-monitor-1",
        {"version": "{assessment}", "password": "tocsin-demo-medical-monitor-1", "meaning": "I agree", "decisions": []},
        {},
    ),
    "confirm an alert": ("POST", "/api/v1/alerts/{alert}/confirm", "safety-officer-1", {}, {}),
    "make a form": ("POST", "/api/v1/obligations/{duty_without_form}/documents", "safety-officer-1", None, {}),
    "file by mail": (
        "POST",
        "/api/v1/obligations/{duty}/filings",
        "safety-officer-1",
        {"method": "mail", "document_id": "{document}"},
        {},
    ),
    "record a receipt": (
        "POST",
        "/api/v1/filings/{filing}/receipts",
        "safety-officer-1",
        {"verdict": "received", "kind": "answer", "at": "2026-03-10T20:00:00Z", "reference": "ok"},
        {},
    ),
}


def asked(world: ApiWorld, told: dict[str, Any], name: str) -> httpx.Response:
    method, path, user, body, headers = WRITES[name]

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        if value == "{assessment}":
            return told["assessment"]
        return value.format(**told) if isinstance(value, str) and value.startswith("{") else value

    return world.ask(method, path.format(**told), user, json=filled(body), headers=headers)


@pytest.mark.parametrize("error", [RuntimeError("no commit"), DISK], ids=["unexpected", "disk"])
@pytest.mark.parametrize("name", [name for name in WRITES if name != "file by mail"])
def test_a_commit_that_fails_answers_5xx_and_leaves_nothing(
    world: ApiWorld, told: dict[str, Any], name: str, error: Exception
) -> None:
    if name == "make a form" and error is DISK:
        return  # typesetting takes a second, and this commit is no other one
    before = contents(world)
    with failing_commits(world, error) as tried:
        answer = asked(world, told, name)
    assert tried, "nothing was about to be committed"
    assert answer.status_code == (503 if error is DISK else 500), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert "no commit" not in answer.text and "disk" not in answer.text, "the reason is for the log, not for the client"
    assert contents(world) == before


def test_afterwards_the_same_requests_are_taken(world: ApiWorld, told: dict[str, Any]) -> None:
    """Nothing half done stands in the way: the same keys, the same versions, the same ids."""
    expected = {"report that is rejected": 422, "amend": 200, "sign": 200, "confirm an alert": 200}
    order = ["report", "report under a key", "report that is rejected", "record a child", "record an exposure"]
    order += ["confirm an alert", "sign", "record a receipt", "amend"]
    for name in order:
        answer = asked(world, told, name)
        assert answer.status_code == expected.get(name, 201), f"{name}: {answer.text}"
    world.drain()
    reported = [one for one in world.log.all() if one.header("ce_type") == "tocsin.case.reported.v1"]
    assert len(reported) == 3
