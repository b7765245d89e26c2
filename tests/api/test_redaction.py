"""A safety officer takes words back, by page and by API; afterwards no answer, page or log line holds them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from services.ae_intake.pages import redact as pages
from shared.case import CaseReport
from shared.case.withholding import texts
from shared.web.i18n import LANGUAGES
from tests.api.test_notifier_pages import words
from tests.api.world import ApiWorld

OFFICER, MONITOR = "safety-officer-1", "medical-monitor-1"
NAME = "QZXNAMEQZX"
PASSWORD = f"tocsin-demo-{OFFICER}"
ENGLISH = {"Accept-Language": "en"}


def told(world: ApiWorld) -> str:
    child = world.child()
    world.infusion(child)
    event = {
        "verbatim": {"text": f"sốt cao {NAME}", "language": "vi"},
        "description": {"text": f"mẹ {NAME} kể", "language": "vi"},
        "seriousness": {"life_threatening": "yes"},
    }
    answer = world.post("/api/v1/cases", "clinician", json={"subject_id": child, "events": [event]}).json()
    world.drain()
    return answer["case_id"]


def choices(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'name="text" value="([^"]+)"', page)]


def key_of(page: str) -> str:
    return re.findall(r'name="key" value="([^"]+)"', page)[0]


def seen(world: ApiWorld, case_id: str) -> str:
    """Everything that a reader of this case can open."""
    ids = [
        one["obligation_id"]
        for one in world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()["obligations"]
    ]
    paths = [
        f"/api/v1/cases/{case_id}",
        f"/api/v1/cases/{case_id}/versions/1",
        f"/api/v1/cases/{case_id}/redactions",
        f"/api/v1/assessments/{case_id}/versions",
        f"/cases/{case_id}",
        f"/cases/{case_id}?v=1",
        f"/cases/{case_id}/amend",
        f"/cases/{case_id}/redact",
        f"/assessments/{case_id}",
        f"/fragments/causality/cases/{case_id}",
        f"/fragments/notifier/cases/{case_id}/duties",
        f"/fragments/notifier/cases/{case_id}/told",
        *(f"/ledger/{one}" for one in ids[:1]),
    ]
    answers = [world.get(path, OFFICER) for path in paths]
    assert {one.status_code for one in answers} == {200}, [
        (p, a.status_code) for p, a in zip(paths, answers, strict=True)
    ]
    return "\n".join(one.text for one in answers)


def test_by_page_with_a_preview_and_a_signature(own_world: ApiWorld) -> None:
    world = own_world
    case_id = told(world)
    child = world.get(f"/api/v1/cases/{case_id}", OFFICER).json()["case"]["subject_id"]
    given = {"subject_id": child, "kind": "piracetam", "note": {"text": f"cho {NAME} uống"}}
    kept = world.post("/api/v1/exposures", "clinician", json=given, headers={"Idempotency-Key": "e-1"})
    assert kept.status_code == 201
    world.drain()
    assert NAME in seen(world, case_id) and any(NAME.encode() in file.read_bytes() for file in world.var.glob("*.db*"))
    path = f"/cases/{case_id}/redact"
    assert world.get(path, "clinician").status_code == 403 and world.get(path, MONITOR).status_code == 403
    assert path not in world.get(f"/cases/{case_id}", MONITOR).text
    assert path in world.get(f"/cases/{case_id}", OFFICER).text
    page = world.get(path, OFFICER).text
    named = choices(page)
    assert len(named) == 3 and NAME in page
    empty = world.post(path, OFFICER, data={"step": "preview", "key": key_of(page)})
    assert empty.status_code == 422 and "ít nhất một nội dung" in empty.text
    preview = world.post(path, OFFICER, data={"step": "preview", "key": key_of(page), "text": named}, headers=ENGLISH)
    shown = words(preview.text)
    assert preview.status_code == 200 and "Case, Version 1: description (no. 1)" in shown, shown
    assert f"/fragments/notifier/cases/{case_id}/told" in preview.text and NAME not in preview.text
    form: dict[str, Any] = {"step": "sign", "key": key_of(preview.text), "text": named, "reason": "names a mother"}
    wrong = world.post(path, OFFICER, data=form | {"password": "wrong"})
    assert wrong.status_code == 403 and "names a mother" in wrong.text
    assert NAME in seen(world, case_id), "nothing was taken back"
    short = world.post(path, OFFICER, data=form | {"reason": "x", "password": PASSWORD})
    assert short.status_code == 422
    before = world.get(f"/api/v1/cases/{case_id}", OFFICER)
    duties = world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()
    done = world.post(path, OFFICER, data=form | {"password": PASSWORD})
    assert done.status_code == 303 and done.headers["location"].endswith("?done=redacted")
    assert world.post(path, OFFICER, data=form | {"password": PASSWORD}).status_code == 303, "pressed twice it is one"
    world.drain()
    assert NAME not in seen(world, case_id)
    assert NAME not in world.logs.getvalue()
    repeated = world.post("/api/v1/exposures", "clinician", json=given, headers={"Idempotency-Key": "e-1"})
    assert repeated.status_code == 201 and repeated.headers["idempotency-replayed"] == "true"
    assert repeated.json()["note"]["redacted"] is True and NAME not in repeated.text
    assert not [file.name for file in world.var.glob("*.db*") if NAME.encode() in file.read_bytes()]
    after = world.get(f"/api/v1/cases/{case_id}", OFFICER)
    assert after.headers["etag"] == before.headers["etag"] and after.headers["cache-control"] == "no-store"
    again = world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()
    assert [one["due_at"] for one in again["obligations"]] == [one["due_at"] for one in duties["obligations"]]
    assert len(world.get(f"/api/v1/cases/{case_id}/redactions", OFFICER).json()["redactions"]) == 1
    news = {"reason": "culture result", "news_known": None}
    amended = world.patch(f"/api/v1/cases/{case_id}", OFFICER, json=news, headers={"If-Match": before.headers["etag"]})
    assert amended.status_code == 200, "what was read before is still the version that stands"


def test_by_api_and_a_sent_document_says_so(own_world: ApiWorld) -> None:
    world = own_world
    case_id = told(world)
    duties = world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()["obligations"]
    duty = next(one["obligation_id"] for one in duties if one["rule_id"] == "VN-SAE-7WD")
    sent = document_of(world, duty)
    world.clock.advance(minutes=2)
    by_hand = {"method": "hand", "sent_at": "2026-03-10T20:01:00Z", "reference": "CV-12", "document_id": sent}
    filed = world.post(f"/api/v1/obligations/{duty}/filings", OFFICER, json=by_hand)
    assert filed.status_code == 201, filed.text
    other = next(one["obligation_id"] for one in duties if one["obligation_id"] != duty)
    unsent = document_of(world, other)
    world.drain()
    world.clock.advance(seconds=5)
    path = f"/api/v1/cases/{case_id}/redactions"
    listed = world.get(path, OFFICER).json()["texts"]
    named = [
        {k: one[k] for k in ("aggregate", "version", "pointer", "sha256")} for one in listed if NAME in one["text"]
    ]
    body = {"texts": named, "reason": "names a mother", "password": PASSWORD}
    assert world.post(path, "clinician", json=body).status_code == 403
    assert world.post(path, OFFICER, json=body | {"password": "wrong"}).status_code == 403
    made = world.post(path, OFFICER, json=body, headers={"Idempotency-Key": "r-1"})
    assert made.status_code == 201 and NAME not in made.text, made.text
    repeated = world.post(path, OFFICER, json=body, headers={"Idempotency-Key": "r-1"})
    assert repeated.json() == made.json() and repeated.headers["idempotency-replayed"] == "true"
    assert world.post(path, OFFICER, json=body).status_code == 422, "it was taken back already"
    world.drain()
    documents = {
        one["document_id"]: one
        for one in world.get(f"/api/v1/documents?case_id={case_id}", OFFICER).json()["documents"]
    }
    assert documents[sent]["taken_back_later"]["by"] == OFFICER and documents[sent]["withdrawn_at"] is None
    assert documents[unsent]["withdrawn_at"] is not None and documents[unsent]["taken_back_later"] is None
    assert world.get(f"/documents/{sent}", OFFICER).content.startswith(b"%PDF")
    assert world.get(f"/documents/{unsent}", OFFICER).status_code == 409
    page = words(world.get(f"/ledger/{duty}", OFFICER, headers=ENGLISH).text)
    assert "Holds words that were taken back later" in page and OFFICER in page
    page = words(world.get(f"/ledger/{other}", OFFICER, headers=ENGLISH).text)
    assert "Withdrawn before it was sent" in page
    refused = world.post(f"/api/v1/obligations/{other}/filings", OFFICER, json=by_hand | {"document_id": unsent})
    assert refused.status_code == 422
    assert NAME not in seen(world, case_id)


def test_a_reason_of_the_assessment_is_taken_back_from_its_page(own_world: ApiWorld) -> None:
    world = own_world
    case_id = told(world)
    seen_there = world.get(f"/api/v1/assessments/{case_id}", MONITOR).json()["assessment"]
    pair = seen_there["events"][0]["relatedness"][0]
    answer = {"event_id": pair["event_id"], "exposure_id": pair["exposure_id"], "question": "alternative_explains"}
    body = {"version": seen_there["version"], "answers": [answer | {"answer": "no", "reason": f"asked {NAME}"}]}
    assert world.post(f"/api/v1/assessments/{case_id}/answers", MONITOR, json=body).status_code == 200
    world.drain()
    page = world.get(f"/assessments/{case_id}", OFFICER).text
    assert "/redact?also=" not in world.get(f"/assessments/{case_id}", MONITOR).text
    link = unescape(re.findall(r'href="(/cases/[^"]+also=[^"]+)"', page)[0])
    form = world.get(link, OFFICER)
    assert form.status_code == 200, form.text
    also = unescape(re.findall(r'name="also" value="([^"]+)"', form.text)[0])
    sign = {"step": "sign", "key": key_of(form.text), "also": also, "reason": "names somebody", "password": PASSWORD}
    assert world.post(f"/cases/{case_id}/redact", OFFICER, data=sign).status_code == 303
    world.drain()
    assert f"asked {NAME}" not in seen(world, case_id)


def document_of(world: ApiWorld, obligation_id: str) -> str:
    made = world.post(f"/api/v1/obligations/{obligation_id}/documents", OFFICER)
    assert made.status_code == 201, made.text
    return made.json()["document_id"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_case_has_a_name_on_the_page(shared_world: ApiWorld, language: str) -> None:
    """A new field of the schema needs words here."""
    catalogue = pages_words(shared_world, language)
    from tests.unit.shared.test_withholding import whole

    typed: list[str] = []
    for one in texts(CaseReport, whole(CaseReport, typed)):
        assert any(catalogue(part) for part in one.pointer.split("/")), one.pointer


def pages_words(world: ApiWorld, language: str) -> Any:
    from shared.web.pages import templates

    assert pages.where
    catalogue = templates("ae_intake").catalogue
    return lambda part: catalogue.has(f"redact.field.{part}") and catalogue.text(language, f"redact.field.{part}")
