"""Every error is a problem document (RFC 9457) that names the field, says what to do, and quotes nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import httpx
import pytest

from shared.db import DatabaseAway
from tests.api.problems import problem
from tests.api.world import ApiWorld, serious

NAME = "Nguyễn Văn Kín"
"""What somebody might type where it does not belong."""
OFFICER = "safety-officer-1"
JSON = {"content-type": "application/json"}
Ask = Callable[[ApiWorld], httpx.Response]


def _case(world: ApiWorld) -> str:
    return world.case(world.child())["case_id"]


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


ERRORS: list[Any] = [
    pytest.param(
        400, lambda w: w.post("/api/v1/exposures", "clinician", content=b"\xff", headers=JSON), id="not UTF-8"
    ),
    pytest.param(401, lambda w: w.get("/api/v1/cases"), id="nobody"),
    pytest.param(401, lambda w: w.get("/api/v1/cases", headers={"Authorization": "Bearer x.y"}), id="a wrong token"),
    pytest.param(401, lambda w: w.get("/api/v1/cases", headers=_basic("clinician", NAME)), id="a wrong password"),
    pytest.param(403, lambda w: w.get("/api/v1/rejected", "clinician"), id="another's role"),
    pytest.param(404, lambda w: w.get("/api/v1/cases/none", "clinician"), id="nothing there"),
    pytest.param(404, lambda w: w.get(f"/api/v1/{NAME}", "clinician"), id="no such route"),
    pytest.param(405, lambda w: w.ask("DELETE", "/api/v1/cases", "clinician"), id="nothing is deleted"),
    pytest.param(409, lambda w: w.post("/api/v1/subjects", "clinician", json={"subject_id": w.child()}), id="known"),
    pytest.param(
        412,
        lambda w: w.patch(
            f"/api/v1/cases/{_case(w)}",
            "clinician",
            json={"reason": NAME, "news_known": None},
            headers={"If-Match": '"7"'},
        ),
        id="another version",
    ),
    pytest.param(413, lambda w: w.post("/api/v1/cases", "clinician", content=b"x" * 12_000_001), id="too large"),
    pytest.param(422, lambda w: w.post("/api/v1/cases", "clinician", json={"subject_id": NAME}), id="a name as code"),
    pytest.param(422, lambda w: w.post("/api/v1/subjects", "clinician", json={"subject_id": NAME}), id="a wrong child"),
    pytest.param(
        428,
        lambda w: w.patch("/api/v1/cases/x", "clinician", json={"reason": NAME, "news_known": None}),
        id="no version",
    ),
]


@pytest.mark.parametrize(("status", "ask"), ERRORS)
def test_an_error_says_what_is_wrong_and_quotes_nobody(shared_world: ApiWorld, status: int, ask: Ask) -> None:
    answer = ask(shared_world)
    body = problem(answer, status)
    assert body["trace_id"] in _last_log(shared_world, "request")["trace_id"]
    assert answer.headers["x-request-id"]
    assert NAME not in json.dumps(body, ensure_ascii=False)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if status == 405:
        assert answer.headers["allow"]
    assert all(one["detail"] for one in body["problems"])


def _last_log(world: ApiWorld, event: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in world.logs.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event][-1]


WRONG = {
    "subject_id": "VN01-1",
    "kind": "bm_mnc_infusion",
    "start": {"value": NAME, "zone": "Asia/Ho_Chi_Minh"},
    "end": {"value": "2026-03-10", "zone": NAME},
    "dose": {"value": NAME},
    "infusion_number": NAME,
    "rehabilitation": {"setting": NAME},
}


@pytest.mark.parametrize("way", ["record", "correct", "report"])
def test_each_wrong_field_is_named_by_a_pointer_into_what_was_sent(shared_world: ApiWorld, way: str) -> None:
    world = shared_world
    sent: dict[str, Any] = WRONG
    if way == "record":
        answer = world.post("/api/v1/exposures", "clinician", json=sent)
    elif way == "correct":
        sent = {"reason": "typing error", "changes": {key: WRONG[key] for key in WRONG if key not in ("subject_id",)}}
        path = f"/api/v1/exposures/{world.infusion(world.child())}"
        answer = world.patch(path, "clinician", json=sent, headers={"If-Match": '"1"'})
    else:
        sent = serious("VN01-1") | {"site_aware": WRONG["start"], "desk_aware": WRONG["end"], "reporter_role": NAME}
        answer = world.post("/api/v1/cases", "clinician", json=sent)
    body = problem(answer, 422)

    named = [one["pointer"] for one in body["problems"]]
    assert len(named) >= 3
    assert all(one["remedy"] and "Value error" not in one["detail"] for one in body["problems"])
    for pointer in named:
        place: Any = sent
        for part in pointer.split("/")[1:]:
            place = place[int(part)] if isinstance(place, list) else place[part]
    assert NAME not in answer.text
    assert NAME not in world.logs.getvalue()


def test_too_many_wrong_passwords_say_how_long_to_wait(own_world: ApiWorld) -> None:
    for _ in range(5):
        wrong = own_world.post("/api/v1/sign-in", json={"username": "auditor", "password": NAME})
        problem(wrong, 401, "sign-in-needed")
    waiting = own_world.post("/api/v1/sign-in", json={"username": "auditor", "password": NAME})
    problem(waiting, 429, "too-many-attempts")
    assert int(waiting.headers["retry-after"]) >= 1


def test_what_fails_on_our_side_tells_no_details(own_world: ApiWorld) -> None:
    world = own_world
    with mock.patch("services.ae_intake.store.list_cases", side_effect=ValueError(NAME)):
        body = problem(world.get("/api/v1/cases", "clinician"), 500, "internal-error")
    assert body["detail"] == body["title"]
    assert NAME not in world.logs.getvalue()
    assert _last_log(world, "request.failed")["error_type"] == "ValueError"


def test_a_database_that_is_away_asks_to_try_again(own_world: ApiWorld) -> None:
    with mock.patch("services.ae_intake.store.list_cases", side_effect=DatabaseAway("away")):
        answer = own_world.get("/api/v1/cases", "clinician")
    problem(answer, 503, "database-away")
    assert answer.headers["retry-after"] == "5"


def test_a_made_up_field_name_is_told_to_the_sender_and_not_to_the_log(shared_world: ApiWorld) -> None:
    world = shared_world
    body = {"subject_id": "VN01-1", "kind": "other", NAME: 1}
    answer = world.post("/api/v1/exposures", "clinician", json=body)
    assert [one["pointer"] for one in problem(answer, 422)["problems"]] == [f"/{NAME}"]
    assert NAME not in world.logs.getvalue()
    assert _last_log(world, "request.invalid")["pointers"] == [""]
