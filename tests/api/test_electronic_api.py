"""Electronic reports where something is missing: no schemas, no address; and answers that a person brings. Nothing here needs the schemas."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import ApiWorld
from tests.support.electronic import ENDPOINT, RECIPIENT, trial_text

OFFICER = "safety-officer-1"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "trial.yaml").write_text(trial_text(), encoding="utf-8")
    endpoints = {ENDPOINT: {"address": "http://127.0.0.1:9/in", "token": "a token of the gateway"}}
    return {
        "TOCSIN_TRIAL": str(tmp_path / "trial.yaml"),
        "TOCSIN_ENDPOINTS": json.dumps(endpoints),
        "TOCSIN_E2B_SCHEMAS": str(tmp_path / "nothing here"),
    }


@pytest.fixture
def world(environ: dict[str, str]) -> Iterator[ApiWorld]:
    made = ApiWorld(**environ)
    yield made
    made.close()


def duty(world: ApiWorld, recipient: str = RECIPIENT) -> str:
    case_id = world.case(world.child())["case_id"]
    world.drain()
    found = world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()["obligations"]
    return next(one["obligation_id"] for one in found if one["recipient_id"] == recipient)


def bring(world: ApiWorld, content: bytes) -> dict[str, object]:
    file = {"name": "answer.ack", "base64": base64.b64encode(content).decode()}
    made = world.post("/api/v1/acknowledgements", OFFICER, json={"file": file})
    assert made.status_code == 201, made.text
    return made.json()


def test_without_schemas_the_api_refuses_and_names_the_remedy(world: ApiWorld) -> None:
    obligation_id = duty(world)
    for asked in ("?kind=e2b_r3", ""):  # which is what this recipient wants when nothing else is asked for
        made = world.post(f"/api/v1/obligations/{obligation_id}/documents{asked}", OFFICER)
        assert made.status_code == 503
        assert made.json()["code"] == "e2b-schemas-missing"
        assert "tocsin e2b fetch-schemas" in made.json()["detail"]
    filed = world.post(f"/api/v1/obligations/{obligation_id}/filings", OFFICER, json={"method": "gateway"})
    assert filed.status_code == 503
    assert world.get("/api/v1/filings", OFFICER).json()["filings"] == []


def test_without_schemas_the_page_says_so_offers_no_sending_and_leaves_the_other_way_open(world: ApiWorld) -> None:
    obligation_id = duty(world)
    page = world.get(f"/ledger/{obligation_id}", OFFICER, headers={"accept-language": "en"})
    assert "The official E2B(R3) schemas are not installed" in page.text
    assert f"/ledger/{obligation_id}/electronic" not in page.text
    assert f"/ledger/{obligation_id}/documents" in page.text
    pressed = world.post(f"/ledger/{obligation_id}/electronic", OFFICER, data={"key": "k-1"})
    assert pressed.status_code == 503
    assert "fetch-schemas" in pressed.text


def test_a_form_for_people_cannot_go_to_a_computer(world: ApiWorld) -> None:
    obligation_id = duty(world)
    document = world.post(f"/api/v1/obligations/{obligation_id}/documents?kind=cioms_i", OFFICER).json()
    assert (document["media_type"], document["icsr"]) == ("application/pdf", None)
    body = {"method": "gateway", "document_id": document["document_id"]}
    filed = world.post(f"/api/v1/obligations/{obligation_id}/filings", OFFICER, json=body)
    assert filed.status_code == 422
    assert filed.json()["problems"][0]["pointer"] == "/method"


def test_without_an_address_nothing_can_be_sent_and_the_page_says_why(environ: dict[str, str]) -> None:
    world = ApiWorld(**{name: value for name, value in environ.items() if name != "TOCSIN_ENDPOINTS"})
    try:
        page = world.get(f"/ledger/{duty(world)}", OFFICER, headers={"accept-language": "en"})
        assert "TOCSIN_ENDPOINTS" in page.text
    finally:
        world.close()


def test_a_recipient_without_a_computer_has_no_electronic_report(world: ApiWorld) -> None:
    obligation_id = duty(world, "necbr")
    assert 'id="electronic"' not in world.get(f"/ledger/{obligation_id}", OFFICER).text
    made = world.post(f"/api/v1/obligations/{obligation_id}/documents?kind=e2b_r3", OFFICER)
    assert made.status_code == 422


def test_what_a_person_brings_is_kept_alarmed_and_closed_with_a_reason(world: ApiWorld) -> None:
    taken = bring(world, b"<html>no answer</html>")
    assert (taken["state"], taken["why"], taken["brought_by"]) == ("parked", "unreadable", OFFICER)
    assert bring(world, b"<html>no answer</html>")["ack_id"] == taken["ack_id"], "the very same file is the same answer"
    alerts = world.get("/api/v1/alerts", OFFICER).json()["alerts"]
    assert [one["kind"] for one in alerts] == ["ack_parked"]
    page = world.get("/ledger", OFFICER, headers={"accept-language": "en"})
    assert "cannot be read" in page.text
    assert (
        world.get(f"/api/v1/acknowledgements/{taken['ack_id']}/content", OFFICER).content == b"<html>no answer</html>"
    )
    shown = world.get(f"/documents/answers/{taken['ack_id']}", OFFICER)
    assert shown.headers["content-disposition"].startswith("attachment"), "a page of theirs never runs as one of ours"
    closed = world.post(f"/api/v1/acknowledgements/{taken['ack_id']}/close", OFFICER, json={"reason": "a proxy's page"})
    assert (closed.json()["state"], closed.json()["closed_by"]) == ("closed", OFFICER)
    again = world.post(f"/api/v1/acknowledgements/{taken['ack_id']}/close", OFFICER, json={"reason": "again"})
    assert again.status_code == 409
    parked = world.get("/api/v1/acknowledgements?state=parked", OFFICER).json()["acknowledgements"]
    assert parked == []


def test_the_token_stands_in_no_answer_and_no_log(world: ApiWorld) -> None:
    page = world.get(f"/ledger/{duty(world)}", OFFICER)
    assert "a token of the gateway" not in page.text + world.logs.getvalue()
