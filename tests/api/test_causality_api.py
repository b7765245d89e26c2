"""The assessment over HTTP: proposed with its reasons, signed with a fresh password by one who read the newest, never silently."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from shared.canonical import canonical
from shared.case import Assessment
from tests.api.problems import pointers, problem
from tests.api.world import ApiWorld

MONITOR = "medical-monitor-1"


def assessed(world: ApiWorld, *, exposed: bool = True) -> tuple[str, dict[str, Any]]:
    """(path, answer) of the proposal for a case after an infusion."""
    child = world.child()
    if exposed:
        world.infusion(child)
    case = world.case(child)
    world.drain()
    path = f"/api/v1/assessments/{case['case_id']}"
    return path, world.get(path, MONITOR).json()


def sign(world: ApiWorld, path: str, answer: dict[str, Any], user: str = MONITOR, **changes: Any) -> Any:
    body = {
        "version": answer["assessment"]["version"],
        "password": f"tocsin-demo-{user}",
        "meaning": "I agree with this assessment",
        "decisions": decided(answer),
    }
    return world.post(f"{path}/sign", user, json=body | changes)


def decided(answer: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """Every pair as proposed, or `possible` where nothing is proposed."""
    return [
        {"event_id": one["event_id"], "exposure_id": one["exposure_id"], "accepted": one["proposed"] or "possible"}
        | ({} if one["proposed"] else {"reason": "nothing was proposed"})
        | changes
        for event in answer["assessment"]["events"]
        for one in event["relatedness"]
    ]


def test_a_proposal_lists_what_it_judged_and_answers_every_question_in_words(shared_world: ApiWorld) -> None:
    world = shared_world
    _, answer = assessed(world)

    assert (answer["status"], answer["stale"]) == ("proposed", [])
    made = answer["assessment"]
    judged = {one["aggregate"].split("/")[0]: one["version"] for one in made["judged"]}
    assert judged == {"case": 1, "subject": 1, "exposure": 1}
    (pair,) = made["events"][0]["relatedness"]
    assert 13.9 < float(pair["hours_min"]) <= float(pair["hours_max"]) < 14.1
    assert all(one["why_en"] and one["why_vi"] for one in pair["criteria"])
    assert (pair["accepted"], made["signature"]) == (None, None)
    unsigned = world.get("/api/v1/assessments", MONITOR).json()["unsigned"]
    assert made["case_id"] in {one["case_id"] for one in unsigned}
    problem(world.get("/api/v1/assessments/none", MONITOR), 404)
    problem(world.get("/api/v1/assessments/none/versions", MONITOR), 404)


def test_a_wrong_password_signs_nothing(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    problem(sign(world, path, answer, password="tocsin-demo-clinician"), 403, "forbidden")
    assert world.get(path, MONITOR).json() == answer


def test_only_the_medical_monitor_signs(shared_world: ApiWorld) -> None:
    path, answer = assessed(shared_world)
    for user in ("safety-officer-1", "investigator", "auditor"):
        problem(sign(shared_world, path, answer, user=user), 403, "forbidden")


def test_a_signature_covers_exactly_what_was_signed(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)

    signed = sign(world, path, answer)

    assert signed.status_code == 200, signed.text
    assert signed.json()["status"] == "signed"
    made = signed.json()["assessment"]
    mark = made["signature"]
    assert (mark["signed_by"], mark["meaning"], mark["signed_at"]) == (
        MONITOR,
        "I agree with this assessment",
        "2026-03-10T20:00:00Z",
    )
    without = Assessment.model_validate(made).model_copy(update={"signature": None})
    assert mark["sha256"] == sha256(canonical(without)).hexdigest()
    assert world.get(path, MONITOR).json()["assessment"] == made
    assert made["case_id"] not in {
        one["case_id"] for one in world.get("/api/v1/assessments", MONITOR).json()["unsigned"]
    }
    problem(sign(world, path, signed.json()), 409, "conflict")
    world.drain()
    types = [
        one.header("ce_type") for one in world.log.all() if one.header("ce_subject") == path[8:].replace("s/", "/", 1)
    ]
    assert types == ["tocsin.assessment.proposed.v1", "tocsin.assessment.signed.v1"]


def test_what_was_read_must_be_the_newest(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    world.infusion(world.get(f"/api/v1/cases/{path.split('/')[-1]}", MONITOR).json()["case"]["subject_id"])
    world.drain()

    problem(sign(world, path, answer), 412, "precondition-failed")

    newer = world.get(path, MONITOR).json()
    assert newer["assessment"]["version"] == answer["assessment"]["version"] + 1
    assert len(newer["assessment"]["events"][0]["relatedness"]) == 2


def test_what_became_known_since_makes_a_signed_one_give_way(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    sign(world, path, answer)
    child = answer["assessment"]["subject_id"]
    fever = {"subject_id": child, "test": "body_temperature", "value": "39.2", "unit": "Cel"}
    world.post("/api/v1/measurements", "clinician", json=fever)
    world.drain()

    versions = world.get(f"{path}/versions", MONITOR).json()["versions"]

    assert [one["version"] for one in versions] == [1, 2, 3]
    assert [one["signature"] is not None for one in versions] == [False, True, False]
    assert world.get(path, MONITOR).json()["status"] == "proposed"


def test_only_pairs_of_the_proposal_are_decided(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    unknown = [*decided(answer), {"event_id": "e", "exposure_id": "x", "accepted": "certain", "reason": "sure"}]
    assert pointers(sign(world, path, answer, decisions=unknown)) == ["/decisions/1"]
    assert world.get(path, MONITOR).json() == answer


def test_an_override_needs_a_reason_and_keeps_the_proposal_beside_it(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    (pair,) = answer["assessment"]["events"][0]["relatedness"]
    other = "unlikely" if pair["proposed"] != "unlikely" else "certain"

    assert pointers(sign(world, path, answer, decisions=decided(answer, accepted=other, reason=" "))) == [
        "/decisions/0/reason"
    ]
    why = "the culture grew before the infusion"
    signed = sign(world, path, answer, decisions=decided(answer, accepted=other, reason=why)).json()

    (judged,) = signed["assessment"]["events"][0]["relatedness"]
    assert (judged["proposed"], judged["accepted"]) == (pair["proposed"], other)
    assert judged["override_reason"]["text"] == why


def test_a_signature_says_what_it_means(shared_world: ApiWorld) -> None:
    path, answer = assessed(shared_world)
    assert pointers(sign(shared_world, path, answer, meaning="  ")) == ["/meaning"]
    assert pointers(sign(shared_world, path, answer, version=0)) == ["/version"]
    assert json.dumps(shared_world.get(path, MONITOR).json()) == json.dumps(answer)
