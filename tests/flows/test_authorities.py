"""The made-up trial in three countries: one death, told to Vietnam, FDA, EudraVigilance and every investigator by their own days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.settings import ROOT
from tests.api.world import ApiWorld, at

MULTINATIONAL = str(ROOT / "deploy" / "trials" / "demo-multinational.yaml")
OFFICER, MONITOR = "safety-officer-1", "medical-monitor-1"
KINDS = ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important")
DIED: dict[str, Any] = {
    "reporter_role": "clinician",
    "events": [
        {
            "verbatim": {"text": "viêm màng não", "language": "vi"},
            "term_code": "10027199",
            "onset": at("2026-03-10T23:30"),
            "outcome": "fatal",
            "grades": [{"grade": 5}],
            "seriousness": dict.fromkeys(KINDS, "no") | {"death": "yes"},
        }
    ],
    "given": {"answer": "yes", "kinds": ["bm_mnc_infusion"]},
    "site_aware": at("2026-03-11T02:00"),
    "desk_aware": at("2026-03-11T02:30"),
}


@pytest.fixture
def world() -> Iterator[ApiWorld]:
    made = ApiWorld(TOCSIN_TRIAL=MULTINATIONAL)
    yield made
    made.close()


def duties(world: ApiWorld, case_id: str) -> dict[tuple[str, str], dict[str, Any]]:
    world.drain()
    found = world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()["obligations"]
    return {(one["rule_id"], one["recipient_id"]): one for one in found}


def told(world: ApiWorld) -> tuple[str, str]:
    """(case, infusion) of a child that died hours after its first infusion."""
    child = world.child()
    infusion = world.infusion(child)
    made = world.post("/api/v1/cases", "clinician", json=DIED | {"subject_id": child})
    assert made.status_code == 201, made.text
    return made.json()["case_id"], infusion


def sign(world: ApiWorld, case_id: str, accepted: str) -> None:
    world.drain()
    seen = world.get(f"/api/v1/assessments/{case_id}", MONITOR).json()["assessment"]
    decisions = [
        {"event_id": one["event_id"], "exposure_id": one["exposure_id"], "accepted": accepted, "reason": "as read"}
        for event in seen["events"]
        for one in event["relatedness"]
    ]
    body = {"version": seen["version"], "password": f"tocsin-demo-{MONITOR}", "meaning": "I agree"}
    done = world.post(f"/api/v1/assessments/{case_id}/sign", MONITOR, json=body | {"decisions": decisions})
    assert done.status_code == 200, done.text


def opinion(world: ApiWorld, case_id: str, infusion: str, related: str, news: str) -> None:
    seen = world.get(f"/api/v1/cases/{case_id}", "investigator")
    events = seen.json()["case"]["events"]
    said = [{"exposure_id": infusion, "related": related, "reason": {"text": "đã xem bệnh án", "language": "vi"}}]
    change = {
        "events": [{"event_id": events[0]["event_id"], "opinions": said}],
        "reason": "the investigator's opinion",
        "news_known": at(news),
    }
    head = {"If-Match": seen.headers["etag"]}
    answer = world.patch(f"/api/v1/cases/{case_id}", "investigator", json=change, headers=head)
    assert answer.status_code == 200, answer.text


def test_a_death_is_owed_to_everyone_by_their_own_days(world: ApiWorld) -> None:
    case_id, infusion = told(world)
    opinion(world, case_id, infusion, "yes", "2026-03-11T02:40")
    sign(world, case_id, "possible")
    found = duties(world, case_id)
    due = {name: one["due_at"] for name, one in found.items()}
    vietnam, new_york, amsterdam = "2026-03-20T16:59:59Z", "2026-03-19T03:59:59Z", "2026-03-18T22:59:59Z"
    # 02:30 on the eleventh in Hanoi: seven working days there, seven calendar days elsewhere, fifteen for the investigators.
    for who in ("necbr", "astt", "di_adr", "iec"):
        assert due["VN-SAE-7WD", who] == vietnam
    assert due["US-IND-7", "fda"] == new_york
    assert due["EU-SUSAR-7", "eudravigilance"] == amsterdam
    for who in ("investigator_vn", "investigator_us", "investigator_nl"):
        assert due["US-IND-15", who] == "2026-03-27T03:59:59Z"
    assert due["SP-INV-24H", "sponsor"] == "2026-03-11T19:00:00Z"
    # It was still the tenth in New York and Amsterdam: the alarms take that day 0.
    assert found["US-IND-7", "fda"]["due_strict_at"] == "2026-03-18T03:59:59Z"
    assert found["EU-SUSAR-7", "eudravigilance"]["due_strict_at"] == "2026-03-17T22:59:59Z"
    factors = {one["code"]: one for one in found["EU-SUSAR-7", "eudravigilance"]["factors"]}
    assert (factors["rel_inv"]["answer"], factors["rel_inv"]["answered_by"]) == ("yes", "investigator")
    assert (factors["rel_spo"]["answer"], factors["rel_spo"]["answered_by"]) == ("yes", MONITOR)
    assert factors["rel_spo"]["aggregate"] == f"assessment/{case_id}"
    assert (factors["unexp"]["answer"], factors["unexp"]["version"]) == ("yes", factors["rel_spo"]["version"])


def test_nothing_answered_opens_everything_and_only_both_saying_no_close_it(world: ApiWorld) -> None:
    case_id, infusion = told(world)
    first = duties(world, case_id)
    for name in (("US-IND-7", "fda"), ("EU-SUSAR-7", "eudravigilance"), ("US-IND-15", "investigator_us")):
        assert first[name]["state"] == "open"
        open_questions = {one["code"] for one in first[name]["factors"] if one["taken_as_yes"]}
        assert {"rel_inv", "rel_spo"} <= open_questions
        # Nothing in the reference safety information is signed, so nobody has to say that it is unexpected.
        [expectedness] = [one for one in first[name]["factors"] if one["code"] == "unexp"]
        assert (expectedness["answer"], expectedness["answered_by"]) == ("yes", "")
    opinion(world, case_id, infusion, "no", "2026-03-11T02:40")
    assert duties(world, case_id)["EU-SUSAR-7", "eudravigilance"]["state"] == "open"
    sign(world, case_id, "unlikely")
    closed = duties(world, case_id)
    assert closed["EU-SUSAR-7", "eudravigilance"]["state"] == "ended"
    assert closed["US-IND-7", "fda"]["state"] == "ended"
    assert closed["VN-SAE-7WD", "necbr"]["state"] == "open"
    opinion(world, case_id, infusion, "yes", "2026-03-11T02:50")
    again = duties(world, case_id)["EU-SUSAR-7", "eudravigilance"]
    assert (again["state"], again["due_strict_at"]) == (
        "open",
        first["EU-SUSAR-7", "eudravigilance"]["due_strict_at"],
    )


def test_a_report_begets_what_completes_it_and_a_page_shows_the_formula(world: ApiWorld) -> None:
    case_id, infusion = told(world)
    duty = duties(world, case_id)["EU-SUSAR-7", "eudravigilance"]
    sent = {"method": "portal", "sent_at": "2026-03-10T19:45:00Z", "reference": "EV-1"}
    at = f"/api/v1/obligations/{duty['obligation_id']}"
    refused = world.post(f"{at}/filings", OFFICER, json=sent)
    assert refused.status_code == 422, "a form that nobody chose must not go abroad"
    assert [one["pointer"] for one in refused.json()["problems"]] == ["/kind"]
    made = world.post(f"{at}/documents", OFFICER, params={"kind": "cioms_i"}).json()["document_id"]
    filed = world.post(f"{at}/filings", OFFICER, json=sent | {"document_id": made})
    assert filed.status_code == 201, filed.text
    rest = duties(world, case_id)["EU-SUSAR-8", "eudravigilance"]
    # Sent on the tenth by Amsterdam's clock, on the eleventh by the desk's.
    assert (rest["due_at"], rest["due_strict_at"]) == ("2026-03-19T22:59:59Z", "2026-03-18T22:59:59Z")
    opinion(world, case_id, infusion, "yes", "2026-03-11T02:50")
    news = duties(world, case_id)["EU-FU-15", "eudravigilance"]
    assert (news["state"], news["due_at"]) == ("open", "2026-03-26T22:59:59Z")
    old = sent | {"document_id": made, "reference": "EV-2"}
    again = world.post(f"/api/v1/obligations/{news['obligation_id']}/filings", OFFICER, json=old)
    assert again.status_code == 422, "the first report says nothing of the news"
    assert "/document_id" in [one["pointer"] for one in again.json()["problems"]]
    assert duties(world, case_id)["EU-FU-15", "eudravigilance"]["state"] == "open"
    for language, words in (("vi", "chưa trả lời: coi như có"), ("en", "unanswered: taken as yes")):
        page = world.get(f"/ledger/{duty['obligation_id']}", OFFICER, headers={"Accept-Language": language})
        assert page.status_code == 200
        assert words in page.text
        assert "bm_mnc_infusion" not in page.text


def test_the_shipped_trial_owes_nothing_abroad() -> None:
    made = ApiWorld()
    try:
        case_id, _ = told(made)
        assert {one["rule_id"] for one in duties(made, case_id).values()} == {"VN-SAE-7WD", "VN-URGENT", "SP-INV-24H"}
    finally:
        made.close()
