"""Reporting, amending and correcting over HTTP: nothing that was sent is lost, nothing is changed without a version and a reason."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import text

from services.ae_intake.store import RejectedRow
from services.ae_intake.turned_away import TurnedAway
from shared.bus.port import ALLOCATION_TOPIC
from shared.case import CRITERIA
from tests.api.problems import pointers, problem
from tests.api.world import ApiWorld, at, serious

OFFICER = "safety-officer-1"


def on_the_log(world: ApiWorld, aggregate: str) -> list[dict[str, Any]]:
    """Every published version of one aggregate, oldest first."""
    world.drain()
    found = [one for one in world.log.all() if one.header("ce_subject") == aggregate]
    return [json.loads(one.value) for one in found]


def codes(answer: dict[str, Any]) -> set[str]:
    return {one["code"] for one in answer["missing"]}


def count(world: ApiWorld, table: str) -> int:
    return world.db("ae_intake").read(lambda tx: tx.scalar(text(f"SELECT count(*) FROM {table}")))


# A first report ------------------------------------------------------------------------------------------------------


def test_a_few_words_at_night_are_enough(shared_world: ApiWorld) -> None:
    world = shared_world
    told = world.post("/api/v1/cases", "clinician", json={"events": [{"verbatim": {"text": "ngất", "language": "vi"}}]})

    assert told.status_code == 201
    assert told.headers["etag"] == '"1"'
    answer = told.json()
    assert re.fullmatch(r"VN-VINMEC-2026-\d{6}", answer["case_number"])
    assert answer["version"] == 1
    assert answer["subject_id"] == f"UNKNOWN-{answer['case_number']}"
    expected = {"subject_unknown", "site_aware", "given", "term", "onset", "grade", "outcome", "opinion"}
    assert codes(answer) == expected | {f"seriousness_{name}" for name in CRITERIA}
    assert all(one["question_vi"] and one["question_en"] for one in answer["missing"])
    assert [one["call_after_s"] for one in answer["on_call"]] == sorted(
        one["call_after_s"] for one in answer["on_call"]
    )
    assert answer["on_call"][0]["person"]
    assert world.get(answer["links"]["self"], "clinician").json()["case"]["case_id"] == answer["case_id"]
    assert [one["version"] for one in on_the_log(world, f"case/{answer['case_id']}")] == [1]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"subject_id": "VN01-900"}, id="only the child"),
        pytest.param({"events": [{}]}, id="only that something happened"),
        pytest.param({"given": {"text": {"text": "sau truyền"}}}, id="only what was given"),
    ],
)
def test_any_one_fact_makes_a_case(shared_world: ApiWorld, body: dict[str, Any]) -> None:
    assert shared_world.post("/api/v1/cases", "clinician", json=body).status_code == 201


def test_a_time_in_the_future_is_kept_as_typed_and_asked_again(shared_world: ApiWorld) -> None:
    world = shared_world
    answer = world.case(world.child(), site_aware=at("2027-01-01T08:00"))

    assert "site_aware_future" in codes(answer)
    assert world.get(f"/api/v1/cases/{answer['case_id']}", "clinician").json()["case"]["site_aware"] == at(
        "2027-01-01T08:00"
    )


def test_an_unknown_child_is_provisional_until_recorded(shared_world: ApiWorld) -> None:
    world = shared_world
    code = world.child(recorded=False)
    assert "subject_unknown" in codes(world.case(code))
    provisional = world.get(f"/api/v1/subjects/{code}", "clinician").json()["subject"]
    assert (provisional["provisional"], provisional["version"]) == (True, 1)

    made = world.post("/api/v1/subjects", "clinician", json={"subject_id": code, "sex": "female"})

    assert (made.json()["provisional"], made.json()["version"]) == (False, 2)
    problem(world.post("/api/v1/subjects", "clinician", json={"subject_id": code}), 409, "conflict")
    assert "subject_unknown" not in codes(world.case(code))


def test_what_looks_like_the_same_event_is_shown_and_stays_two_cases(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    first, second = world.case(child), world.case(child)

    assert first["possible_duplicates"] == []
    assert [one["case_id"] for one in second["possible_duplicates"]] == [first["case_id"]]
    assert second["possible_duplicates"][0]["why"] == ["same_child", "near_onset", "same_term"]
    shown = world.get(f"/api/v1/cases/{first['case_id']}", "clinician").json()
    assert [one["case_id"] for one in shown["possible_duplicates"]] == [second["case_id"]]
    listed = world.get(f"/api/v1/cases?subject_id={child}", "clinician").json()["cases"]
    assert {one["case_id"] for one in listed} == {first["case_id"], second["case_id"]}
    apart = world.case(child, events=[serious(child)["events"][0] | {"onset": at("2026-02-01T08:00")}])
    assert apart["possible_duplicates"] == []


# What cannot become even a draft -------------------------------------------------------------------------------------

UNREADABLE = [
    pytest.param(b"not json", [""], id="not JSON"),
    pytest.param(b"\xff\xfe{}", [""], id="not UTF-8"),
    pytest.param(b'{"a":' * 5_000 + b"1" + b"}" * 5_000, [""], id="nested without end"),
    pytest.param(b'{"reporter_role": "clinician"}', [""], id="says nothing"),
    pytest.param(b"[]", [""], id="not an object"),
    pytest.param(b'{"events": [{"grades": [{"grade": 7}]}]}', ["/events/0/grades/0/grade"], id="no such grade"),
    pytest.param(b'{"events": [{"term_code": "99"}]}', ["/events/0/term_code"], id="no such term"),
    pytest.param(b'{"subject_id": "VN01-001", "initials": "N.V.A"}', ["/initials"], id="a field we never take"),
    pytest.param(b'{"subject_id": "Nguyen Van A"}', ["/subject_id"], id="a name where a code belongs"),
]


@pytest.mark.parametrize(("sent", "where"), UNREADABLE)
def test_what_cannot_be_a_draft_stands_on_the_desk(shared_world: ApiWorld, sent: bytes, where: list[str]) -> None:
    world = shared_world
    before = count(world, "cases")
    answer = world.post("/api/v1/cases", "clinician", content=sent, headers={"content-type": "application/json"})

    body = problem(answer, 422, "rejected")
    assert [one["pointer"] for one in body["problems"]] == where
    assert all(one["detail"] and one["remedy"] for one in body["problems"])
    kept = world.db("ae_intake").read(lambda tx: tx.session.get(RejectedRow, body["rejected_id"]))
    assert base64.b64decode(kept.body) == sent
    open_ = world.get("/api/v1/rejected", OFFICER).json()["rejected"]
    assert body["rejected_id"] in {one["rejected_id"] for one in open_}
    assert count(world, "cases") == before


def test_a_wrong_key_does_not_lose_the_report(shared_world: ApiWorld) -> None:
    for key in ("two words", "x" * 201, "ключ".encode()):
        headers = {"Idempotency-Key": key}
        answer = shared_world.post("/api/v1/cases", "clinician", json=serious("VN01-901"), headers=headers)
        assert problem(answer, 422, "rejected")["rejected_id"]


def test_a_report_too_large_for_the_log_is_kept(shared_world: ApiWorld) -> None:
    long = {"events": [{"description": {"text": "ă" * 49_000}} for _ in range(20)]}
    answer = shared_world.post("/api/v1/cases", "clinician", json=long)
    assert problem(answer, 413, "rejected")["rejected_id"]


def test_somebody_hears_of_what_could_not_be_taken(own_world: ApiWorld) -> None:
    world = own_world
    rung: list[tuple[str, str]] = []
    door = TurnedAway(world.db("ae_intake"), world.clock, lambda kind, place: rung.append((kind, place)))
    assert not door.look(), "nothing came"
    first = world.post("/api/v1/cases", "clinician", content=b"?").json()["rejected_id"]
    assert door.look() and not door.look(), "once for what is known"
    world.clock.advance(minutes=1)
    second = world.post("/api/v1/cases", "clinician", content=b"??").json()["rejected_id"]
    assert door.look()
    assert rung == [("submission_rejected", f"rejected/{one}") for one in (first, second)]

    world.clock.advance(hours=23, minutes=59)
    assert not door.look()
    world.clock.advance(minutes=1)
    assert door.look(), "one that stands a day is told again"
    for one in (first, second):
        world.post(f"/api/v1/rejected/{one}/close", OFFICER, json={"reason": "reported anew"})
    world.clock.advance(days=2)
    assert not door.look()


def test_only_a_named_person_with_a_reason_closes_a_rejected_submission(shared_world: ApiWorld) -> None:
    world = shared_world
    rejected_id = world.post("/api/v1/cases", "clinician", content=b"?").json()["rejected_id"]
    path = f"/api/v1/rejected/{rejected_id}/close"

    assert pointers(world.post(path, OFFICER, json={"reason": " "})) == ["/reason"]
    closed = world.post(path, OFFICER, json={"reason": "called the site, reported anew"}).json()

    assert (closed["state"], closed["closed_by"]) == ("closed", OFFICER)
    assert rejected_id not in {one["rejected_id"] for one in world.get("/api/v1/rejected", OFFICER).json()["rejected"]}
    problem(world.post(path, OFFICER, json={"reason": "once more"}), 409)
    problem(world.post("/api/v1/rejected/none/close", OFFICER, json={"reason": "once more"}), 404)


def test_a_commit_that_fails_is_not_acknowledged_and_leaves_nothing(own_world: ApiWorld) -> None:
    world = own_world
    child = world.child()
    tables = ("documents", "cases", "outbox", "idempotency", "audit")
    before = [count(world, one) for one in tables]
    body, key = serious(child), {"Idempotency-Key": "k-1"}
    with mock.patch("sqlmodel.Session.commit", side_effect=OSError("disk full")):
        problem(world.post("/api/v1/cases", "clinician", json=body, headers=key), 500, "internal-error")
    assert [count(world, one) for one in tables] == before

    again = world.post("/api/v1/cases", "clinician", json=body, headers=key)
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers


# Sent twice ----------------------------------------------------------------------------------------------------------


def test_the_same_key_and_body_is_one_case(shared_world: ApiWorld) -> None:
    world = shared_world
    body, key = serious(world.child()), {"Idempotency-Key": "night-1"}
    first = world.post("/api/v1/cases", "clinician", json=body, headers=key)
    second = world.post("/api/v1/cases", "clinician", json=body, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["etag"] == first.headers["etag"]
    assert len(world.get(f"/api/v1/cases?subject_id={body['subject_id']}", OFFICER).json()["cases"]) == 1


def test_the_same_key_with_another_body_is_refused(shared_world: ApiWorld) -> None:
    world = shared_world
    child, key = world.child(), {"Idempotency-Key": "night-2"}
    world.post("/api/v1/cases", "clinician", json=serious(child), headers=key)

    other = world.post("/api/v1/cases", "clinician", json=serious(child) | {"reporter_role": "other"}, headers=key)

    body = problem(other, 409, "conflict")
    assert len(world.get(f"/api/v1/cases?subject_id={child}", OFFICER).json()["cases"]) == 1
    kept = world.get("/api/v1/rejected", OFFICER).json()["rejected"]
    assert body["rejected_id"] in [one["rejected_id"] for one in kept], "the second report went into the void"


def test_another_client_may_use_the_same_key(shared_world: ApiWorld) -> None:
    world = shared_world
    body, key = serious(world.child()), {"Idempotency-Key": "night-3"}
    one = world.post("/api/v1/cases", "clinician", json=body, headers=key)
    other = world.post("/api/v1/cases", "investigator", json=body, headers=key)
    assert one.json()["case_id"] != other.json()["case_id"]


def test_an_amendment_sent_twice_is_one_version(shared_world: ApiWorld) -> None:
    world = shared_world
    case_id = world.case(world.child())["case_id"]
    news = {"reason": "culture result", "news_known": at("2026-03-11T03:00")}
    headers = {"Idempotency-Key": "n-1", "If-Match": '"1"'}
    first = world.patch(f"/api/v1/cases/{case_id}", "clinician", json=news, headers=headers)
    second = world.patch(f"/api/v1/cases/{case_id}", "clinician", json=news, headers=headers)
    assert (first.json(), second.headers["idempotency-replayed"]) == (second.json(), "true")
    problem(
        world.patch(f"/api/v1/cases/{case_id}", "clinician", json=news | {"reason": "another"}, headers=headers), 409
    )


# News ----------------------------------------------------------------------------------------------------------------


def amend(world: ApiWorld, case_id: str, version: int, user: str = "clinician", **news: Any) -> Any:
    body = {"reason": "news from the ward", "news_known": at("2026-03-11T03:00")} | news
    return world.patch(f"/api/v1/cases/{case_id}", user, json=body, headers={"If-Match": f'"{version}"'})


def test_a_change_says_which_version_it_changes(shared_world: ApiWorld) -> None:
    world = shared_world
    case_id = world.case(world.child())["case_id"]
    news = {"reason": "news", "news_known": None}
    path = f"/api/v1/cases/{case_id}"

    problem(world.patch(path, "clinician", json=news), 428, "precondition-needed")
    problem(world.patch(path, "clinician", json=news, headers={"If-Match": '"9"'}), 412, "precondition-failed")
    problem(world.patch(path, "clinician", json=news, headers={"If-Match": "*"}), 422, "refused")
    assert world.patch(path, "clinician", json=news, headers={"If-Match": 'W/"1"'}).headers["etag"] == '"2"'
    problem(world.patch(path, "clinician", json=news, headers={"If-Match": '"1"'}), 412, "precondition-failed")


def test_a_change_says_why_and_when_it_became_known(shared_world: ApiWorld) -> None:
    world = shared_world
    case_id = world.case(world.child())["case_id"]
    path, headers = f"/api/v1/cases/{case_id}", {"If-Match": '"1"'}

    assert pointers(world.patch(path, "clinician", json={}, headers=headers)) == ["/reason", "/news_known"]
    unknown = world.patch(path, "clinician", json={"reason": "phone call", "news_known": None}, headers=headers)
    assert "news_known" in codes(unknown.json())
    known = amend(world, case_id, 2).json()
    assert "news_known" not in codes(known)
    newest = world.get(path, "clinician").json()["case"]
    assert (newest["change_reason"], newest["news_known"]) == ("news from the ward", at("2026-03-11T03:00"))


def test_events_are_merged_by_id_and_criteria_one_by_one(shared_world: ApiWorld) -> None:
    world = shared_world
    answer = world.case(world.child(), events=[*serious(None)["events"], {"verbatim": {"text": "nôn"}}])
    path = f"/api/v1/cases/{answer['case_id']}"
    first, second = world.get(path, "clinician").json()["case"]["events"]

    changed = amend(
        world,
        answer["case_id"],
        1,
        events=[
            {"event_id": first["event_id"], "seriousness": {"death": "yes"}, "outcome": "fatal"},
            {"verbatim": {"text": "co giật"}},
        ],
    )

    assert changed.status_code == 200
    events = world.get(path, "clinician").json()["case"]["events"]
    assert [one["verbatim"]["text"] for one in events] == ["Sốt cao, cứng gáy", "nôn", "co giật"]
    assert events[0]["seriousness"] == first["seriousness"] | {"death": "yes"}
    assert (events[0]["outcome"], events[0]["grades"]) == ("fatal", first["grades"])
    assert events[1] == second
    old = world.get(f"{path}/versions/1", "clinician").json()["case"]
    assert old["events"] == [first, second]
    problem(world.get(f"{path}/versions/3", "clinician"), 404)
    assert [one["version"] for one in on_the_log(world, f"case/{answer['case_id']}")] == [1, 2]


def test_an_event_of_another_case_is_not_changed_here(shared_world: ApiWorld) -> None:
    world = shared_world
    case_id = world.case(world.child())["case_id"]
    refused = amend(world, case_id, 1, events=[{"verbatim": {"text": "x"}}, {"event_id": "of-another"}])
    assert pointers(refused) == ["/events/1/event_id"]
    assert world.get(f"/api/v1/cases/{case_id}", "clinician").headers["etag"] == '"1"'


def test_a_void_case_names_its_replacement_and_takes_no_news(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    void, kept = world.case(child), world.case(child)
    path, first = f"/api/v1/cases/{void['case_id']}/nullify", {"If-Match": '"1"'}
    body = {"reason": "the same event twice", "replaced_by": kept["case_number"]}

    problem(world.post(path, "clinician", json=body, headers=first), 403, "forbidden")
    problem(world.post(path, OFFICER, json=body), 428)
    for wrong in (void["case_id"], "VN-VINMEC-2026-999999"):
        refused = world.post(path, OFFICER, json=body | {"replaced_by": wrong}, headers=first)
        assert pointers(refused) == ["/replaced_by"]
    done = world.post(path, OFFICER, json=body, headers=first)

    assert done.json()["version"] == 2
    newest = on_the_log(world, f"case/{void['case_id']}")[-1]
    assert newest["nullified"] == {"reason": "the same event twice", "replaced_by": kept["case_id"]}
    problem(amend(world, void["case_id"], 2), 409, "conflict")
    problem(world.post(path, OFFICER, json=body, headers={"If-Match": '"2"'}), 409, "conflict")
    shown = world.get(f"/api/v1/cases/{kept['case_id']}", "clinician").json()
    assert shown["possible_duplicates"] == []


def test_lists_are_bounded_and_their_times_have_zones(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    for _ in range(3):
        world.case(child)
    assert len(world.get(f"/api/v1/cases?subject_id={child}&limit=2", "clinician").json()["cases"]) == 2
    assert world.get("/api/v1/cases?before=2026-01-01T00:00:00Z", "clinician").json() == {"cases": []}
    problem(world.get("/api/v1/cases?before=2026-01-01T00:00:00", "clinician"), 422)
    assert pointers(world.get("/api/v1/cases?before=0.5&limit=0", "clinician")) == ["query:before", "query:limit"]


# Children, exposures, batches, measurements -----------------------------------------------------------------------------

FEVER = {"test": "body_temperature", "value": "39.20", "unit": "Cel", "taken": at("2026-03-11T01:00")}
KINDS = [
    pytest.param("subjects", {"sex": "female"}, {"sex": "male"}, id="subject"),
    pytest.param("exposures", {"kind": "piracetam"}, {"dose": {"value": "400", "unit": "mg"}}, id="exposure"),
    pytest.param("batches", {"batch_id": "BX"}, {"sterility": "negative"}, id="batch"),
    pytest.param("measurements", FEVER, {"value": "39.4"}, id="measurement"),
]


@pytest.mark.parametrize(("plural", "fields", "change"), KINDS)
def test_records_are_corrected_and_voided_with_a_reason_never_deleted(
    shared_world: ApiWorld, plural: str, fields: dict[str, Any], change: dict[str, Any]
) -> None:
    world = shared_world
    kind = {"batches": "batch"}.get(plural, plural.removesuffix("s"))
    child = world.child(recorded=plural != "subjects")
    body = {"subject_id": child} | fields | ({"batch_id": f"B-{child}"} if plural == "batches" else {})
    made = world.post(f"/api/v1/{plural}", "clinician", json=body)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    path = f"/api/v1/{plural}/{made.json()[f'{kind}_id']}"

    problem(world.patch(path, "clinician", json={"reason": "typing error", "changes": change}), 428)
    first = {"If-Match": '"1"'}
    assert pointers(world.patch(path, "clinician", json={"changes": change}, headers=first)) == ["/reason"]
    right = world.patch(path, "clinician", json={"reason": "typing error", "changes": change}, headers=first)
    assert right.json() == made.json() | change | {"version": 2, "recorded_at": right.json()["recorded_at"]}
    problem(world.patch(path, "clinician", json={"reason": "typing error", "changes": change}, headers=first), 412)

    second = {"If-Match": '"2"'}
    assert pointers(world.post(f"{path}/void", "clinician", json={"reason": ""}, headers=second)) == ["/reason"]
    void = world.post(f"{path}/void", "clinician", json={"reason": "another child's"}, headers=second).json()
    assert (void["voided"], void["void_reason"], void["version"]) == (True, "another child's", 3)
    third = {"If-Match": '"3"'}
    problem(world.patch(path, "clinician", json={"reason": "once more", "changes": change}, headers=third), 409)
    problem(world.post(f"{path}/void", "clinician", json={"reason": "once more"}, headers=third), 409)
    assert world.get(path, "clinician").json()[kind]["voided"] is True
    versions = on_the_log(world, f"{kind}/{made.json()[f'{kind}_id']}")
    assert [one["version"] for one in versions] == [1, 2, 3]


def test_a_correction_that_does_not_fit_names_each_field(shared_world: ApiWorld) -> None:
    world = shared_world
    path, first = f"/api/v1/exposures/{world.infusion(world.child())}", {"If-Match": '"1"'}

    def refused(changes: dict[str, Any]) -> list[str]:
        return pointers(world.patch(path, "clinician", json={"reason": "typing", "changes": changes}, headers=first))

    assert refused({"subject_id": "VN01-001"}) == ["/changes/subject_id"]
    assert refused({"version": 7, "voided": True}) == ["/changes/version", "/changes/voided"]
    assert refused({"colour": "red"}) == ["/changes/colour"]
    assert refused({"start": {"value": "2026-03-10", "zone": "Hanoi"}}) == ["/changes/start/zone"]
    assert refused({"dose": {"value": "much"}}) == ["/changes/dose/value"]
    assert refused({"rehabilitation": {"number": 10**30}}) == ["/changes/rehabilitation"]  # no JSON reader keeps it
    assert refused({"name": [[[[[[[[["deep"]]]]]]]]]}) == ["/changes"]
    assert world.get(path, "clinician").headers["etag"] == '"1"'


def test_decimals_stay_as_written(shared_world: ApiWorld) -> None:
    world = shared_world
    made = world.post("/api/v1/measurements", "clinician", json={"subject_id": world.child()} | FEVER)
    assert made.json()["value"] == "39.20"


def test_nothing_is_recorded_for_a_child_nobody_knows(shared_world: ApiWorld) -> None:
    for plural, body in (("exposures", {"kind": "other"}), ("batches", {"batch_id": "B"}), ("measurements", FEVER)):
        refused = shared_world.post(f"/api/v1/{plural}", "clinician", json={"subject_id": "VN01-999"} | body)
        assert pointers(refused) == ["/subject_id"]


def test_a_batch_id_is_used_once(shared_world: ApiWorld) -> None:
    body = {"batch_id": "B-ONCE", "subject_id": shared_world.child()}
    assert shared_world.post("/api/v1/batches", "clinician", json=body).status_code == 201
    problem(shared_world.post("/api/v1/batches", "clinician", json=body), 409)


def test_a_childs_periods_follow_from_the_infusion(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    world.infusion(child)
    periods = {one["name"]: one for one in world.get(f"/api/v1/subjects/{child}", "clinician").json()["periods"]}
    assert periods["after_first"]["start"]["earliest"] == "2026-03-10T02:00:00+00:00"
    assert world.get(f"/api/v1/exposures?subject_id={child}", "clinician").json()["exposures"][0]["subject_id"] == child


# Arms, terms, on call ---------------------------------------------------------------------------------------------------


def test_an_allocation_is_taken_and_never_told(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    taken = world.post("/api/v1/allocations", "investigator", json={"subject_id": child, "arm": "B"})

    assert (taken.status_code, taken.content) == (204, b"")
    world.drain()
    carried = [one for one in world.log.all() if one.header("ce_subject") == f"allocation/{child}"]
    assert {one.topic for one in carried} == {ALLOCATION_TOPIC}
    assert json.loads(carried[0].value)["arm"] == "B"
    unknown = world.post("/api/v1/allocations", "investigator", json={"subject_id": child, "arm": "C"})
    assert (pointers(unknown), '"C"' in unknown.text) == (["/arm"], False)
    nobody = world.post("/api/v1/allocations", "investigator", json={"subject_id": "VN01-999", "arm": "A"})
    assert pointers(nobody) == ["/subject_id"]


def test_an_allocation_told_twice_is_one_and_another_arm_is_a_later_version(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    for arm in ("B", "B", "A"):
        assert world.post("/api/v1/allocations", "investigator", json={"subject_id": child, "arm": arm}).is_success
    world.drain()
    carried = [json.loads(one.value) for one in world.log.all() if one.header("ce_subject") == f"allocation/{child}"]
    assert [(one["version"], one["arm"]) for one in carried] == [(1, "B"), (2, "A")]


def test_another_sites_investigator_moves_no_child_to_another_arm(own_world: ApiWorld) -> None:
    world = own_world
    child = world.child()
    assert world.post("/api/v1/allocations", "investigator", json={"subject_id": child, "arm": "B"}).is_success
    user, users = "investigator-elsewhere", world.app.state.auth.users
    roles, password = ["investigator"], f"tocsin-demo-{user}"
    users.add(user, "Investigator elsewhere", password, roles, now=world.clock.now(), sites=["ELSEWHERE"])
    answers = [world.post("/api/v1/allocations", user, json={"subject_id": child, "arm": arm}) for arm in ("A", "B")]
    first, second = (problem(one, 403, "forbidden") for one in answers)
    assert first["detail"] == second["detail"], "nor does the answer tell which arm it has"
    world.drain()
    carried = [json.loads(one.value) for one in world.log.all() if one.header("ce_subject") == f"allocation/{child}"]
    assert [one["arm"] for one in carried] == ["B"]


@pytest.mark.parametrize(("query", "lang"), [("viem mang nao", "vi"), ("viêm màng não", "vi"), ("meningitis", "en")])
def test_terms_are_found_in_both_languages_with_and_without_accents(
    shared_world: ApiWorld, query: str, lang: str
) -> None:
    found = shared_world.get("/api/v1/terms", "clinician", params={"q": query, "lang": lang}).json()
    assert "10027199" in [one["code"] for one in found["terms"][:3]]
    assert found["version"] == "5.0"


def test_whom_an_alert_would_call_now_is_told_without_addresses(shared_world: ApiWorld) -> None:
    answer = shared_world.get("/api/v1/on-call", "clinician")
    assert answer.json()["on_call"][0]["call_after_s"] == 0
    assert "@" not in answer.text
