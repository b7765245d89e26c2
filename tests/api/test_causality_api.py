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


# A person's answers ----------------------------------------------------------------------------------------------


def told(seen: dict[str, Any], /, **said: Any) -> dict[str, Any]:
    """One answer about the only pair of a proposal."""
    (pair,) = seen["assessment"]["events"][0]["relatedness"]
    whole = {
        "event_id": pair["event_id"],
        "exposure_id": pair["exposure_id"],
        "question": "alternative_explains",
        "answer": "no",
        "reason": "cultures are negative",
    }
    return {"version": seen["assessment"]["version"], "answers": [whole | said]}


def proposed(answer: dict[str, Any]) -> str:
    (pair,) = answer["assessment"]["events"][0]["relatedness"]
    return pair["proposed"]


def test_an_answer_makes_a_new_proposal_at_once_that_says_so(shared_world: ApiWorld) -> None:
    world = shared_world
    path, before = assessed(world)
    given = world.post(f"{path}/answers", MONITOR, json=told(before))
    assert given.status_code == 200, given.text
    made = given.json()
    version = before["assessment"]["version"] + 1
    assert (made["status"], made["assessment"]["version"], given.headers["etag"]) == (
        "proposed",
        version,
        f'"{version}"',
    )
    assert (proposed(before), proposed(made)) == ("possible", "probable")
    (kept,) = made["assessment"]["answers"]
    assert (kept["number"], kept["answered_by"], kept["answered_at"], kept["reason"]["text"]) == (
        1,
        MONITOR,
        "2026-03-10T20:00:00Z",
        "cultures are negative",
    )
    assert {"aggregate": f"answers/{made['assessment']['case_id']}", "version": 1} in made["assessment"]["judged"]
    (pair,) = made["assessment"]["events"][0]["relatedness"]
    words = [one["why_en"] for one in pair["criteria"] if MONITOR in one["why_en"]]
    assert words and all("not by the records" in one for one in words)
    assert world.get(path, MONITOR).json() == made
    world.drain()
    (sent,) = [
        one
        for one in world.log.all()
        if one.header("ce_subject") == path[8:].replace("s/", "/", 1) and one.header("ce_sequence") == f"{version:010}"
    ]
    assert sent.header("ce_type") == "tocsin.assessment.proposed.v1"
    assert json.loads(sent.value) == made["assessment"]


def test_an_answer_takes_the_place_of_a_signature_and_is_signed_with_the_rest(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    signed = sign(world, path, answer).json()
    given = world.post(f"{path}/answers", MONITOR, json=told(signed, question="specific_phenomenon", answer="unknown"))
    assert given.json()["assessment"]["signature"] is None
    again = sign(world, path, given.json())
    assert again.json()["status"] == "signed"
    assert [one["question"] for one in again.json()["assessment"]["answers"]] == ["specific_phenomenon"]
    back = told(again.json(), question="specific_phenomenon", answer="withdrawn", reason="read the report again")
    gone = world.post(f"{path}/answers", MONITOR, json=back).json()
    assert (gone["status"], proposed(gone)) == ("proposed", proposed(answer))
    assert [one["answer"] for one in gone["assessment"]["answers"]] == ["unknown", "withdrawn"]


def test_an_answer_outlives_news_about_the_child(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    world.post(f"{path}/answers", MONITOR, json=told(answer))
    fever = {"subject_id": answer["assessment"]["subject_id"], "test": "body_temperature", "value": "39", "unit": "Cel"}
    world.post("/api/v1/measurements", "clinician", json=fever)
    world.drain()
    newer = world.get(path, MONITOR).json()
    assert newer["assessment"]["version"] == answer["assessment"]["version"] + 2
    assert (proposed(newer), len(newer["assessment"]["answers"])) == ("probable", 1)


def test_an_answer_sent_twice_is_kept_once(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    key = {"Idempotency-Key": f"key-{answer['assessment']['case_id']}"}
    first = world.post(f"{path}/answers", MONITOR, json=told(answer), headers=key)
    again = world.post(f"{path}/answers", MONITOR, json=told(answer), headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    problem(world.post(f"{path}/answers", MONITOR, json=told(answer, answer="yes"), headers=key), 409, "conflict")
    assert len(world.get(path, MONITOR).json()["assessment"]["answers"]) == 1


def test_an_answer_to_what_is_not_the_newest_is_refused(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    world.post(f"{path}/answers", MONITOR, json=told(answer))
    late = told(answer, question="specific_phenomenon")
    problem(world.post(f"{path}/answers", MONITOR, json=late), 412, "precondition-failed")
    problem(world.post("/api/v1/assessments/none/answers", MONITOR, json=late), 404)
    assert len(world.get(path, MONITOR).json()["assessment"]["answers"]) == 1


def test_an_answer_that_cannot_be_taken_names_its_field_and_keeps_nothing(shared_world: ApiWorld) -> None:
    world = shared_world
    path, answer = assessed(world)
    for said, pointer in (
        ({"exposure_id": "another"}, "/answers/0"),
        ({"question": "withdrawal_improved"}, "/answers/0/question"),
        ({"question": "is_it_so"}, "/answers/0/question"),
        ({"answer": "maybe"}, "/answers/0/answer"),
        ({"answer": "withdrawn"}, "/answers/0/answer"),
        ({"reason": "  "}, "/answers/0/reason"),
    ):
        assert pointers(world.post(f"{path}/answers", MONITOR, json=told(answer, **said))) == [pointer], said
    both = told(answer, answer="yes")
    both["answers"].append(both["answers"][0] | {"question": "alternative_excluded"})
    assert pointers(world.post(f"{path}/answers", MONITOR, json=both)) == ["/answers/0/answer", "/answers/1/answer"]
    assert world.get(path, MONITOR).json() == answer


def test_the_trail_names_who_answered_and_no_free_text_is_in_it(own_world: ApiWorld) -> None:
    world = own_world
    path, answer = assessed(world)
    world.post(f"{path}/answers", MONITOR, json=told(answer, reason="zebra words"))
    with world.db("causality").engine.connect() as connection:
        entries = [json.loads(one) for one in connection.exec_driver_sql("SELECT entry FROM audit").scalars()]
    (mine,) = [one for one in entries if one["actor"] == MONITOR]
    assert mine["action"] == "answered what the records cannot; proposed an assessment"
    case_id, version = answer["assessment"]["case_id"], answer["assessment"]["version"] + 1
    assert {f"answers/{case_id}/1", f"assessments/{case_id}/{version}"} <= set(mine["rows"])
    assert "zebra" not in json.dumps(entries)
