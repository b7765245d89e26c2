"""Signing that a report was complete, or that news is not significant: on the page, by the API, and what takes it away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.case.withholding import hash_of
from tests.api.world import ApiWorld, at
from tests.flows.test_authorities import MONITOR, MULTINATIONAL, OFFICER, duties, opinion, told

EV = "eudravigilance"
PASSWORD = f"tocsin-demo-{OFFICER}"
NAMES = "Me chau QXNAMEQX da xac nhan"
WHY = "Cultures and the autopsy were in it"


@pytest.fixture
def world() -> Iterator[ApiWorld]:
    made = ApiWorld(TOCSIN_TRIAL=MULTINATIONAL)
    yield made
    made.close()


def sent(world: ApiWorld, obligation_id: str, *, arrived: bool = True) -> str:
    """A CIOMS form brought to a portal; gives the filing."""
    duty = f"/api/v1/obligations/{obligation_id}"
    document = world.post(f"{duty}/documents", OFFICER, params={"kind": "cioms_i"}).json()["document_id"]
    said = {"method": "portal", "sent_at": "2026-03-10T19:45:00Z", "reference": "EV-1", "document_id": document}
    filing = world.post(f"{duty}/filings", OFFICER, json=said)
    assert filing.status_code == 201, filing.text
    if arrived:
        answer(world, filing.json()["filing_id"], "received")
    return filing.json()["filing_id"]


def answer(world: ApiWorld, filing_id: str, verdict: str) -> None:
    body = {"verdict": verdict, "kind": "answer", "at": "2026-03-10T19:50:00Z", "reference": "R-1", "reasons": "C.5.4"}
    done = world.post(f"/api/v1/filings/{filing_id}/receipts", OFFICER, json=body)
    assert done.status_code == 201, done.text


def letter(world: ApiWorld, case_id: str) -> None:
    """A letter of the narrative is mended: nothing that any rule asks about."""
    seen = world.get(f"/api/v1/cases/{case_id}", "clinician")
    change = {"reason": "a letter was mended", "news_known": at("2026-03-11T02:55")}
    head = {"If-Match": seen.headers["etag"]}
    done = world.patch(f"/api/v1/cases/{case_id}", "clinician", json=change, headers=head)
    assert done.status_code == 200, done.text
    world.clock.advance(minutes=1)


def state(world: ApiWorld, duty: dict[str, Any], says: str, version: int, who: str = OFFICER, **more: str) -> Any:
    body = {"says": says, "case_version": version, "reason": WHY, "password": f"tocsin-demo-{who}"} | more
    return world.post(f"/api/v1/obligations/{duty['obligation_id']}/statements", who, json=body)


def begun(world: ApiWorld, *, arrived: bool = True) -> tuple[str, str, str]:
    """(case, infusion, filing): the seven-day report went to EudraVigilance."""
    case_id, infusion = told(world)
    report = duties(world, case_id)["EU-SUSAR-7", EV]
    return case_id, infusion, sent(world, report["obligation_id"], arrived=arrived)


def test_a_report_that_was_complete_meets_what_would_complete_it(world: ApiWorld) -> None:
    case_id, _, filing_id = begun(world, arrived=False)
    rest = duties(world, case_id)["EU-SUSAR-8", EV]
    early = state(world, rest, "complete", 1)
    assert early.status_code == 422 and early.json()["problems"][0]["pointer"] == "/says"
    assert "received the report" in early.json()["problems"][0]["detail"]
    answer(world, filing_id, "received")
    assert duties(world, case_id)["EU-SUSAR-8", EV]["state"] == "open", "nothing closes by itself"
    for who, status in ((MONITOR, 403), ("auditor", 403), ("clinician", 403)):
        assert state(world, rest, "complete", 1, who).status_code == status
    assert state(world, rest, "complete", 1, password="wrong").status_code == 403
    assert state(world, rest, "not_significant", 1).status_code == 422
    assert state(world, rest, "complete", 7).status_code == 409
    done = state(world, rest, "complete", 1)
    assert done.status_code == 201, done.text
    closed = duties(world, case_id)["EU-SUSAR-8", EV]
    assert (closed["state"], closed["ended_why"], closed["due_at"]) == ("ended", "complete_as_sent", rest["due_at"])
    [signed] = closed["statements"]
    assert (signed["reason"], signed["report_version"], signed["signature"]["signed_by"]) == (WHY, 1, OFFICER)
    again = state(world, rest, "complete", 1)
    assert again.status_code == 201 and again.json()["version"] == done.json()["version"], "twice is once"
    report = duties(world, case_id)["EU-SUSAR-7", EV]
    assert report["state"] == "received"
    page = world.get(f"/ledger/{rest['obligation_id']}", OFFICER, headers={"Accept-Language": "en"})
    assert WHY in page.text and signed["report_number"] in page.text
    assert f"Signed by {OFFICER}: The report was complete" in page.text.partition('id="versions"')[2], (
        "in the history too"
    )
    ledger = world.get("/ledger", OFFICER, headers={"Accept-Language": "en"})
    assert f"met by the report that was sent ({OFFICER})" in ledger.text
    answer(world, filing_id, "rejected")
    back = duties(world, case_id)["EU-SUSAR-8", EV]
    assert (back["state"], back["due_at"], back["due_strict_at"]) == ("open", rest["due_at"], rest["due_strict_at"])
    assert "statement_lapsed" in [one["code"] for one in back["causes"]]


def test_news_without_significance_closes_and_the_next_version_opens_it_again(world: ApiWorld) -> None:
    case_id, infusion, _ = begun(world)
    letter(world, case_id)
    news = duties(world, case_id)["EU-FU-15", EV]
    assert news["state"] == "open"
    assert state(world, news, "not_significant", 1).status_code == 409, "the newest version was not read"
    assert state(world, news, "not_significant", 2).status_code == 201
    assert duties(world, case_id)["EU-FU-15", EV]["ended_why"] == "not_significant"
    letter(world, case_id)
    again = duties(world, case_id)["EU-FU-15", EV]
    assert (again["state"], again["obligation_id"]) == ("open", news["obligation_id"])
    assert len(again["statements"]) == 1
    opinion(world, case_id, infusion, "no", "2026-03-11T02:58")
    assert duties(world, case_id)["EU-FU-15", EV]["state"] == "open"
    refused = state(world, again, "not_significant", 4)
    assert refused.status_code == 422
    assert any("opinion on the cause" in one["detail"] for one in refused.json()["problems"])
    assert duties(world, case_id)["EU-FU-15", EV]["state"] == "open"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_asks_for_a_reason_and_a_fresh_proof(world: ApiWorld, language: str) -> None:
    case_id, _, _ = begun(world)
    rest = duties(world, case_id)["EU-SUSAR-8", EV]
    path, head = f"/ledger/{rest['obligation_id']}", {"Accept-Language": language}
    page = world.get(path, OFFICER, headers=head)
    assert 'action="' + path + '/statements"' in page.text and "state." not in page.text
    assert "/statements" not in world.get(path, MONITOR, headers=head).text
    form = {"says": "complete", "case_version": "1", "reason": WHY, "password": PASSWORD}
    for wrong, status in (({"reason": " "}, 422), ({"password": "wrong"}, 403), ({"case_version": "x"}, 409)):
        refused = world.post(f"{path}/statements", OFFICER, data=form | wrong, headers=head)
        assert refused.status_code == status
        assert 'id="state" open' in refused.text and (WHY in refused.text or "reason" in wrong)
    done = world.post(f"{path}/statements", OFFICER, data=form, headers=head)
    assert done.status_code == 303
    assert duties(world, case_id)["EU-SUSAR-8", EV]["state"] == "ended"
    shown = world.get(path, OFFICER, headers=head)
    assert "/statements" not in shown.text
    assert ("báo cáo đó đã đáp ứng" if language == "vi" else "that report met this duty") in shown.text


def test_objections_are_told_on_the_page_before_anybody_signs(world: ApiWorld) -> None:
    case_id, infusion, _ = begun(world)
    opinion(world, case_id, infusion, "no", "2026-03-11T02:58")
    news = duties(world, case_id)["EU-FU-15", EV]
    page = world.get(f"/ledger/{news['obligation_id']}", OFFICER, headers={"Accept-Language": "vi"})
    assert "Ý kiến về quan hệ nhân quả" in page.text and "/statements" not in page.text


def test_a_name_typed_as_the_reason_can_be_taken_back_and_moves_nothing(world: ApiWorld) -> None:
    case_id, _, _ = begun(world)
    rest = duties(world, case_id)["EU-SUSAR-8", EV]
    assert state(world, rest, "complete", 1, reason=NAMES).status_code == 201
    stood = duties(world, case_id)["EU-SUSAR-8", EV]
    where = f"obligation/{rest['obligation_id']}"
    named = {"aggregate": where, "version": 2, "pointer": "/statements/0/reason", "sha256": hash_of(NAMES)}
    body = {"texts": [named], "reason": "a name", "password": PASSWORD}
    done = world.post(f"/api/v1/cases/{case_id}/redactions", OFFICER, json=body)
    assert done.status_code == 201, done.text
    now = duties(world, case_id)["EU-SUSAR-8", EV]
    assert (now["state"], now["ended_why"], now["due_at"]) == ("ended", "complete_as_sent", stood["due_at"])
    assert NAMES not in now["statements"][0]["reason"] and hash_of(NAMES) in now["statements"][0]["reason"]
    versions = world.get(f"/api/v1/obligations/{rest['obligation_id']}", OFFICER).text
    assert NAMES not in versions and NAMES not in world.get(f"/ledger/{rest['obligation_id']}", OFFICER).text
