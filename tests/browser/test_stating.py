"""Signed instead of sent, in a real browser: on a phone, by keyboard, with and without scripts; and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from shared.settings import ROOT
from tests.browser.conftest import running
from tests.browser.test_desk import until
from tests.browser.visitor import DESK, PHONE, ZONE, Visitors, spills_over, tab_to

pytestmark = pytest.mark.live
OFFICER = "safety-officer-1"
WHY = "Cấy máu, dịch não tủy và kết quả chụp đã có trong báo cáo; không còn gì để bổ sung."


@pytest.fixture(scope="module")
def visitors(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    trial = {"TOCSIN_TRIAL": str(ROOT / "deploy" / "trials" / "demo-multinational.yaml")}
    with running(tmp_path_factory.mktemp("stating-var"), trial) as url:
        made = Visitors(chromium, url)
        yield made
        made.close()


def duty(visitors: Visitors, case_id: str, rule_id: str) -> str:
    def look() -> str | None:
        found = visitors.api.ask(OFFICER, "GET", f"/api/v1/obligations?case_id={case_id}")["obligations"]
        return next((one["obligation_id"] for one in found if one["rule_id"] == rule_id), None)

    return str(until(look))


def told(visitors: Visitors, child: str) -> tuple[str, str]:
    """(case, what is still owed of it): EudraVigilance has received the seven-day report, on paper."""
    case_id, _ = visitors.api.serious_case(child)
    report = f"/api/v1/obligations/{duty(visitors, case_id, 'EU-SUSAR-7')}"
    made = visitors.api.ask(OFFICER, "POST", f"{report}/documents?kind=cioms_i")
    at = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    said: dict[str, Any] = {"method": "portal", "reference": "EV-1", "document_id": made["document_id"]}
    filing = visitors.api.ask(OFFICER, "POST", f"{report}/filings", json=said | {"sent_at": at})
    answer = {"verdict": "received", "kind": "answer", "at": at, "reference": "R-1"}
    visitors.api.ask(OFFICER, "POST", f"/api/v1/filings/{filing['filing_id']}/receipts", json=answer)
    return case_id, duty(visitors, case_id, "EU-SUSAR-8")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_complete_report_is_signed_for_by_keyboard_on_a_phone(visitors: Visitors, scripts: bool) -> None:
    _, rest = told(visitors, "VN01-207" if scripts else "VN01-208")
    page = visitors.page(OFFICER, viewport=PHONE, scripts=scripts)
    page.goto(f"/ledger/{rest}")
    tab_to(page, "#state summary")
    page.keyboard.press("Enter")
    tab_to(page, "#state-reason")
    page.keyboard.insert_text(WHY)
    tab_to(page, "#state input[type=password]")
    page.keyboard.type("wrong")
    assert spills_over(page) == 0
    page.keyboard.press("Enter")
    expect(page.get_by_text("Chưa ký gì.")).to_be_visible()
    expect(page.locator("#state-reason")).to_have_value(WHY)
    page.locator("#state input[type=password]").fill(f"tocsin-demo-{OFFICER}")
    page.locator("#state input[type=password]").press("Enter")
    expect(page.get_by_text("Báo cáo đã đầy đủ", exact=True)).to_be_visible()
    expect(page.get_by_text(WHY)).to_be_visible()
    assert page.locator("#state").count() == 0 and spills_over(page) == 0
    page.goto("/ledger")
    expect(page.get_by_text(f"báo cáo đã gửi đã đáp ứng ({OFFICER})").first).to_be_visible()
    assert spills_over(page) == 0
    assert visitors.complaints == []


def test_what_stands_against_it_is_told_before_anybody_signs(visitors: Visitors) -> None:
    case_id, rest = told(visitors, "VN01-209")
    seen = visitors.api._send("clinician", "GET", f"/api/v1/cases/{case_id}")
    event = seen.json()["case"]["events"][0]["event_id"]
    known = {"value": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M"), "zone": "UTC"}
    change = {
        "events": [{"event_id": event, "outcome": "recovered"}],
        "reason": "the child went home",
        "news_known": known,
    }
    head = {"If-Match": seen.headers["etag"]}
    visitors.api._send("clinician", "PATCH", f"/api/v1/cases/{case_id}", json=change, headers=head)
    news = duty(visitors, case_id, "EU-FU-15")
    for viewport in (PHONE, DESK):
        page = visitors.page(OFFICER, viewport=viewport, language="en", zone=ZONE)
        for one in (news, rest):
            page.goto(f"/ledger/{one}")
            expect(page.get_by_text("The outcome or the grade of an event changed since the report.")).to_be_visible()
            assert page.locator("#state").count() == 0 and spills_over(page) == 0
    assert visitors.complaints == []
