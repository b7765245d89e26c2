"""From a report to its proof of receipt over HTTP: duties, alerts confirmed by name, forms, filings, answers, the ledger."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any
from unittest import mock

import httpx
import pytest

from services.sae_notifier.handlers import attempts, receipts
from tests.api.problems import pointers, problem
from tests.api.world import ApiWorld, at

ONE, TWO = "safety-officer-1", "safety-officer-2"
BEFORE = "2026-03-10T19:30:00Z"
"""Half an hour before the worlds begin."""
BY_HAND = {"method": "hand", "sent_at": BEFORE, "reference": "CV-12"}
PNG = b"\x89PNG a stamp"
PROOF = {"name": "stamp.png", "type": "image/png", "base64": base64.b64encode(PNG).decode()}
RECEIVED = {"verdict": "received", "kind": "answer", "at": "2026-03-10T19:45:00Z", "reference": "12/NEC"}
REJECTED = RECEIVED | {"verdict": "rejected", "reasons": "page 2 is missing"}


def known_case(world: ApiWorld) -> dict[str, Any]:
    """A serious case after an infusion, its duties and its alert."""
    child = world.child()
    world.infusion(child)
    case = world.case(child)
    world.drain()
    return case


def duties(world: ApiWorld, case: dict[str, Any]) -> list[dict[str, Any]]:
    return world.get(f"/api/v1/obligations?case_id={case['case_id']}", ONE).json()["obligations"]


def duty(world: ApiWorld, case: dict[str, Any], rule: str = "VN-SAE-7WD", to: str = "necbr") -> dict[str, Any]:
    return next(one for one in duties(world, case) if (one["rule_id"], one["recipient"]) == (rule, to))


def file(world: ApiWorld, owed: dict[str, Any], **body: Any) -> httpx.Response:
    return world.post(f"/api/v1/obligations/{owed['obligation_id']}/filings", ONE, json=BY_HAND | body)


def answer(world: ApiWorld, filing: dict[str, Any], **body: Any) -> httpx.Response:
    return world.post(f"/api/v1/filings/{filing['filing_id']}/receipts", ONE, json=RECEIVED | body)


def alerts(world: ApiWorld, case: dict[str, Any], kind: str = "sae") -> list[dict[str, Any]]:
    found = world.get(f"/api/v1/alerts?case_id={case['case_id']}", ONE).json()["alerts"]
    return [one for one in found if one["kind"] == kind]


# Duties -----------------------------------------------------------------------------------------------------------------


def test_a_serious_case_owes_reports_the_soonest_strict_date_first(shared_world: ApiWorld) -> None:
    world = shared_world
    found = duties(world, known_case(world))

    assert {one["recipient"] for one in found} == {"necbr", "astt", "di_adr", "iec", "sponsor"}
    assert [one["due_strict_at"] for one in found] == sorted(one["due_strict_at"] for one in found)
    assert {one["status"] for one in found} == {"open"}
    assert all(one["due_strict_at"] <= one["due_at"] for one in found)
    assert all(one["seconds_left"] >= one["seconds_left_strict"] > 0 for one in found)
    assert all(one["causes"] for one in found)
    whole = world.get(f"/api/v1/obligations/{found[0]['obligation_id']}", ONE).json()
    assert whole["obligation"]["obligation_id"] == found[0]["obligation_id"]
    assert [one["version"] for one in whole["versions"]] == list(range(1, len(whole["versions"]) + 1))
    problem(world.get("/api/v1/obligations/none", ONE), 404)


def test_a_duty_that_was_missed_says_so(own_world: ApiWorld) -> None:
    world = own_world
    case = known_case(world)
    world.clock.advance(days=30)
    found = duties(world, case)
    assert {one["status"] for one in found} == {"overdue"}
    assert all(one["seconds_left"] < 0 for one in found)


def test_the_clock_starts_without_awareness_and_says_that_it_is_provisional(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    case = world.post("/api/v1/cases", "clinician", json={"subject_id": child, "events": [{}]}).json()
    world.drain()
    found = duties(world, case)
    assert found
    assert all(one["provisional"] and one["provisional_why"] for one in found)


# Alerts -----------------------------------------------------------------------------------------------------------------


def test_an_alert_is_confirmed_by_one_named_person(own_world: ApiWorld) -> None:
    world = own_world
    case = known_case(world)
    (alert,) = alerts(world, case)
    assert (alert["state"], {one["state"] for one in alert["calls"]}) == ("open", {"waiting"})
    world.hand_over()
    path = f"/api/v1/alerts/{alert['alert_id']}"
    assert "sent" in {one["state"] for one in world.get(path, ONE).json()["calls"]}
    assert world.get(path, ONE).json()["state"] == "open"  # handed over is not confirmed

    done = world.post(f"{path}/confirm", ONE, json={"note": "on my way"}).json()

    assert (done["state"], done["confirmed_by"], done["note"]) == ("confirmed", ONE, "on my way")
    assert {one["state"] for one in done["calls"]} == {"sent", "dropped"}
    assert world.post(f"{path}/confirm", ONE, json={}).json()["confirmed_at"] == done["confirmed_at"]
    second = problem(world.post(f"{path}/confirm", TWO, json={}), 409, "conflict")
    assert ONE in second["detail"]
    problem(world.post("/api/v1/alerts/none/confirm", ONE, json={}), 404)
    assert alerts(world, case)[0]["confirmed_by"] == ONE
    taken = len(world.mail.taken)
    world.clock.advance(hours=2)
    world.hand_over()
    assert len(world.mail.taken) == taken  # nobody else is called


def test_the_reporter_sees_the_alert_of_their_own_case(shared_world: ApiWorld) -> None:
    world = shared_world
    case = known_case(world)
    shown = world.get(f"/api/v1/alerts?case_id={case['case_id']}&state=open", "clinician").json()["alerts"]
    assert [one["kind"] for one in shown] == ["sae"]


def test_the_reporter_of_a_child_without_a_known_code_sees_the_alert_too(shared_world: ApiWorld) -> None:
    world = shared_world
    for body in ({"events": [{}]}, {"subject_id": "somebody-new", "events": [{}]}):
        case = world.post("/api/v1/cases", "clinician", json=body).json()
        world.drain()
        alert = world.get(f"/api/v1/alerts?case_id={case['case_id']}", "clinician").json()["alerts"][0]
        assert world.get(f"/api/v1/alerts/{alert['alert_id']}", "clinician").status_code == 200
        assert world.get(f"/api/v1/obligations?case_id={case['case_id']}", "clinician").json()["obligations"]


def test_a_positive_culture_rings_without_any_adverse_event(shared_world: ApiWorld) -> None:
    world = shared_world
    child = world.child()
    body = {"batch_id": f"B-{child}", "subject_id": child, "released": at("2026-03-09"), "sterility": "positive"}
    world.post("/api/v1/batches", "clinician", json=body)
    world.drain()
    open_ = world.get("/api/v1/alerts?state=open", ONE).json()["alerts"]
    assert "sterility" in {one["kind"] for one in open_}


# Filing by hand ------------------------------------------------------------------------------------------------------------


def test_a_filing_by_hand_needs_when_and_a_reference(shared_world: ApiWorld) -> None:
    world = shared_world
    owed = duty(world, known_case(world))
    path = f"/api/v1/obligations/{owed['obligation_id']}/filings"

    assert pointers(world.post(path, ONE, json={"method": "post"})) == ["/sent_at", "/reference"]
    assert pointers(file(world, owed, sent_at="2026-03-10T19:30:00")) == ["/sent_at"]  # no zone
    assert pointers(file(world, owed, sent_at="2026-03-11T19:30:00Z")) == ["/sent_at"]  # not yet
    assert pointers(file(world, owed, sent_at="2026-01-10T19:30:00Z")) == ["/sent_at"]  # nobody knew of the event
    assert pointers(file(world, owed, reference="")) == ["/reference"]
    assert pointers(file(world, owed, method="fax")) == ["/method"]
    assert pointers(file(world, owed, document_id="another")) == ["/document_id"]
    problem(world.post("/api/v1/obligations/none/filings", ONE, json=BY_HAND), 404)
    assert duty(world, world_case(owed))["state"] == "open"

    done = file(world, owed)

    assert done.status_code == 201
    assert (done.json()["state"], done.json()["method"], done.json()["reference"]) == ("sent", "hand", "CV-12")
    moved = duty(world, world_case(owed))
    assert (moved["state"], moved["filed_at"], moved["due_at"]) == ("filed", BEFORE, owed["due_at"])


def world_case(owed: dict[str, Any]) -> dict[str, Any]:
    return {"case_id": owed["case_id"]}


def test_the_same_telling_twice_is_one_filing_and_another_way_is_a_conflict(shared_world: ApiWorld) -> None:
    world = shared_world
    owed = duty(world, known_case(world))
    first = file(world, owed).json()
    assert file(world, owed).json()["filing_id"] == first["filing_id"]
    problem(file(world, owed, method="mail"), 409, "conflict")


def test_each_duty_to_one_recipient_is_told_by_itself(shared_world: ApiWorld) -> None:
    world = shared_world
    case = known_case(world)
    urgent = file(world, duty(world, case, "VN-URGENT")).json()
    full = file(world, duty(world, case, "VN-SAE-7WD")).json()
    assert urgent["filing_id"] != full["filing_id"]
    assert urgent["message_number"] != full["message_number"]
    assert {duty(world, case, rule)["state"] for rule in ("VN-URGENT", "VN-SAE-7WD")} == {"filed"}


# Filing by mail ------------------------------------------------------------------------------------------------------------


def test_a_mail_taken_is_sent_and_never_more(own_world: ApiWorld) -> None:
    world = own_world
    case = known_case(world)
    owed = duty(world, case)
    waiting = world.post(f"/api/v1/obligations/{owed['obligation_id']}/filings", ONE, json={"method": "mail"}).json()
    assert (waiting["state"], waiting["sent_at"]) == ("waiting", None)
    problem(answer(world, waiting), 409, "conflict")  # what has not left cannot have arrived

    world.hand_over()

    (mail,) = [one for one in world.mail.taken if one.attachments]
    content = world.get(f"/api/v1/documents/{waiting['document_id']}", ONE).content
    assert mail.attachments[0].content == content
    assert waiting["message_number"] in mail.message_id
    (now,) = world.get(f"/api/v1/filings?case_id={case['case_id']}", ONE).json()["filings"]
    assert (now["state"], now["receipts"]) == ("sent", [])
    assert duty(world, case)["state"] == "filed"


def test_a_mail_nobody_takes_is_a_failure_that_rings_and_can_be_filed_by_hand(own_world: ApiWorld) -> None:
    world = own_world
    case = known_case(world)
    owed = duty(world, case)
    world.mail.refuses = True
    first = file(world, owed, method="mail").json()
    for _ in range(attempts.ATTEMPTS):
        world.hand_over()
        world.clock.advance(minutes=20)
    (failed,) = world.get(f"/api/v1/filings?case_id={case['case_id']}", ONE).json()["filings"]
    assert (failed["state"], failed["sent_at"], failed["attempts"]) == ("failed", None, attempts.ATTEMPTS)
    assert duty(world, case)["state"] == "open"
    assert alerts(world, case, "filing_failed")

    news = {"reason": "culture result", "news_known": at("2026-03-11T02:30")}
    world.patch(f"/api/v1/cases/{case['case_id']}", "clinician", json=news, headers={"If-Match": '"1"'})
    world.drain()
    made = world.post(f"/api/v1/obligations/{owed['obligation_id']}/documents", ONE).json()
    assert (made["case_version"], made["follow_up"]) == (2, 0), "what nobody took was no first report"

    by_hand = file(world, owed)

    assert by_hand.json()["filing_id"] != first["filing_id"]
    assert by_hand.json()["message_number"] != first["message_number"]
    assert duty(world, case)["state"] == "filed"


# Answers -------------------------------------------------------------------------------------------------------------------


def test_a_receipt_says_what_it_rests_on(shared_world: ApiWorld) -> None:
    world = shared_world
    filing = file(world, duty(world, known_case(world))).json()
    assert pointers(answer(world, filing, kind="proof")) == ["/proof"]
    assert pointers(answer(world, filing, verdict="rejected")) == ["/reasons"]
    assert pointers(answer(world, filing, at="2026-03-12T00:00:00Z")) == ["/at"]
    assert pointers(answer(world, filing, at="2026-03-10T00:00:00Z")) == ["/at"]  # before it was sent
    assert pointers(answer(world, filing, reference="  ")) == ["/reference"]
    assert pointers(answer(world, filing, kind="proof", proof=PROOF | {"base64": "%%%"})) == ["/proof/base64"]
    assert pointers(answer(world, filing, proof=PROOF | {"name": "../etc/passwd"})) == ["/proof/name"]
    with mock.patch.object(receipts, "MAX_PROOF_BYTES", 4):
        assert pointers(answer(world, filing, kind="proof", proof=PROOF)) == ["/proof"]
    problem(world.post("/api/v1/filings/none/receipts", ONE, json=RECEIVED), 404)


def test_a_receipt_meets_the_duty_and_stands_in_the_ledger(shared_world: ApiWorld) -> None:
    world = shared_world
    case = known_case(world)
    filing = file(world, duty(world, case)).json()

    receipt = answer(world, filing, kind="proof", proof=PROOF).json()

    met = duty(world, case)
    assert (met["state"], met["received_at"], met["seconds_left"]) == ("received", RECEIVED["at"], None)
    ledger = world.get(f"/api/v1/filings?case_id={case['case_id']}&recipient_id=necbr", TWO).json()["filings"]
    assert [(one["filing_id"], one["state"]) for one in ledger] == [(filing["filing_id"], "received")]
    assert ledger[0]["receipts"] == [receipt]
    assert (receipt["recorded_by"], receipt["sha256"]) == (ONE, sha256(PNG).hexdigest())
    assert world.get(f"/api/v1/filings?case_id={case['case_id']}&recipient_id=astt", TWO).json() == {"filings": []}
    assert world.get(f"/api/v1/obligations?case_id={case['case_id']}&state=owed", ONE).status_code == 200


def test_an_uploaded_proof_comes_back_as_a_download(shared_world: ApiWorld) -> None:
    world = shared_world
    filing = file(world, duty(world, known_case(world))).json()
    page = PROOF | {"name": "page.html", "type": "text/html"}
    receipt = answer(world, filing, kind="proof", proof=page).json()

    back = world.get(f"/api/v1/receipts/{receipt['receipt_id']}/proof", TWO)

    assert back.content == PNG
    assert back.headers["content-type"] == "application/octet-stream"
    assert back.headers["content-disposition"] == "attachment"
    assert back.headers["x-content-type-options"] == "nosniff"
    problem(world.get("/api/v1/receipts/none/proof", TWO), 404)
    bare = answer(world, file(world, duty(world, known_case(world))).json()).json()
    problem(world.get(f"/api/v1/receipts/{bare['receipt_id']}/proof", TWO), 404)


def test_a_rejection_reopens_the_duty_with_its_original_date(own_world: ApiWorld) -> None:
    world = own_world
    case = known_case(world)
    owed = duty(world, case)
    filing = file(world, owed).json()
    world.clock.advance(days=2)

    answer(world, filing, **REJECTED | {"at": "2026-03-12T08:00:00Z"})

    again = duty(world, case)
    assert again["state"] == "rejected"
    assert (again["due_at"], again["due_strict_at"]) == (owed["due_at"], owed["due_strict_at"])
    assert alerts(world, case, "rejected")
    second = file(world, owed, sent_at="2026-03-12T09:00:00Z", reference="CV-13").json()
    assert second["filing_id"] != filing["filing_id"]
    assert file(world, owed, sent_at="2026-03-12T09:00:00Z", reference="CV-13").json() == second
    problem(answer(world, filing), 409)  # the rejected one stays rejected
    answer(world, second, at="2026-03-12T10:00:00Z")
    assert duty(world, case)["state"] == "received"


# Documents -----------------------------------------------------------------------------------------------------------------


def test_a_document_never_changes_and_says_which_version_it_shows(shared_world: ApiWorld) -> None:
    world = shared_world
    case = known_case(world)
    path = f"/api/v1/obligations/{duty(world, case)['obligation_id']}/documents"
    first = world.post(path, ONE).json()
    bytes_ = world.get(first["path"], ONE)

    assert bytes_.headers["content-type"] == "application/pdf"
    assert bytes_.content.startswith(b"%PDF")
    assert sha256(bytes_.content).hexdigest() == first["sha256"]
    assert bytes_.headers["etag"] == f'"{first["sha256"]}"'
    assert case["case_number"] in bytes_.headers["content-disposition"]
    news = {"reason": "culture result", "news_known": at("2026-03-11T02:30")}
    world.patch(f"/api/v1/cases/{case['case_id']}", "clinician", json=news, headers={"If-Match": '"1"'})
    world.drain()
    second = world.post(path, ONE).json()

    assert (first["case_version"], second["case_version"]) == (1, 2)
    assert second["sha256"] != first["sha256"]
    assert world.get(first["path"], ONE).content == bytes_.content
    listed = world.get(f"/api/v1/documents?case_id={case['case_id']}", TWO).json()["documents"]
    assert {one["document_id"] for one in listed} == {first["document_id"], second["document_id"]}
    problem(world.get("/api/v1/documents/none", ONE), 404)
    problem(world.post("/api/v1/obligations/none/documents", ONE), 404)


def test_the_form_is_the_one_asked_for(shared_world: ApiWorld) -> None:
    world = shared_world
    case = known_case(world)
    path = f"/api/v1/obligations/{duty(world, case)['obligation_id']}/documents"
    made = [world.post(f"{path}{kind}", ONE).json() for kind in ("", "?kind=cioms_i", "?kind=vn_sae_form")]

    assert [one["kind"] for one in made] == ["vn_sae_form", "cioms_i", "vn_sae_form"]
    assert made[0]["document_id"] == made[2]["document_id"] != made[1]["document_id"]
    assert world.post(f"{path}?kind=cioms_i", ONE).json() == made[1]
    assert sha256(world.get(made[1]["path"], ONE).content).hexdigest() == made[1]["sha256"]
    told = problem(world.post(f"{path}?kind=fda_3500a", ONE), 422)
    assert "kind" in str(told["problems"])


def test_a_cioms_form_is_filed_like_the_other_and_one_version_goes_out_in_one_form(shared_world: ApiWorld) -> None:
    world = shared_world
    case = known_case(world)
    owed = duty(world, case)
    path = f"/api/v1/obligations/{owed['obligation_id']}"
    cioms = world.post(f"{path}/documents?kind=cioms_i", ONE).json()
    other = world.post(f"{path}/documents", ONE).json()
    filing = file(world, owed, document_id=cioms["document_id"])

    assert filing.status_code == 201
    assert filing.json()["document_id"] == cioms["document_id"]
    assert duty(world, case)["state"] == "filed"
    told = problem(file(world, owed, document_id=other["document_id"]), 409)
    assert "another form" in told["detail"]
    assert filing.json()["message_number"] in told["detail"]


@pytest.mark.parametrize("path", ["filings", "documents"])
def test_the_ledger_needs_a_role_of_the_desk(shared_world: ApiWorld, path: str) -> None:
    problem(shared_world.get(f"/api/v1/{path}?case_id=x", "clinician"), 403, "forbidden")
