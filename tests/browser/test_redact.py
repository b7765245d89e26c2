"""Taking words back in a real browser: ticked by keyboard on a phone, read over, signed; what a verdict rests on is not offered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import DESK, PHONE, Visitors, moment, spills_over, tab_to

pytestmark = pytest.mark.live
OFFICER = "safety-officer-1"
SHOTS = os.environ.get("SHOTS", "")
"""A directory for pictures to look at."""
NAME = "QZXNAMEQZX"
STORY = f"mẹ của bé là {NAME}, gọi lúc nửa đêm"


def named(visitors: Visitors, child: str) -> tuple[str, str]:
    """A serious case whose news hold a name; so does the name of an agent. (case id, exposure id)"""
    case_id, _ = visitors.api.serious_case(child)
    given = {"subject_id": child, "kind": "piracetam", "name": f"thuốc của {NAME}", "start": moment("2026-03-01")}
    exposure = visitors.api.ask("clinician", "POST", "/api/v1/exposures", json=given)
    news = {"reason": STORY, "news_known": None, "given": {"answer": "yes", "text": {"text": STORY, "language": "vi"}}}
    path = f"/api/v1/cases/{case_id}"
    visitors.api.ask(OFFICER, "PATCH", path, json=news, headers={"If-Match": '"1"'})
    return case_id, exposure["exposure_id"]


def looked_at(page: Page, name: str) -> None:
    assert spills_over(page) == 0
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("language", "done"), [("vi", "Đã rút lại nội dung"), ("en", "The words were taken back")])
def test_by_keyboard_on_a_phone(visitors: Visitors, language: str, done: str) -> None:
    child = {"vi": "VN01-771", "en": "VN01-772"}[language]
    case_id, _ = named(visitors, child)
    page = visitors.page(OFFICER, viewport=PHONE, language=language)
    page.goto(f"/cases/{case_id}")
    tab_to(page, f"a[href='/cases/{case_id}/redact']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/redact")
    looked_at(page, f"redact-phone-{language}")
    chosen = page.locator("label", has_text=STORY).locator("input")
    tab_to(page, f"#{chosen.get_attribute('id')}")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("[name=reason]")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(NAME)
    looked_at(page, f"redact-read-over-phone-{language}")
    tab_to(page, "[name=reason]")
    page.keyboard.type("names a mother")
    tab_to(page, "[name=password]")
    page.keyboard.type(f"tocsin-demo-{OFFICER}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(done)).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(STORY)
    looked_at(page, f"redact-done-phone-{language}")
    wide = visitors.page(OFFICER, viewport=DESK, language=language)
    wide.goto(f"/cases/{case_id}/redact")
    looked_at(wide, f"redact-desk-{language}")


def test_without_scripts_and_with_a_wrong_password(visitors: Visitors) -> None:
    case_id, _ = named(visitors, "VN01-773")
    page = visitors.page(OFFICER, viewport=PHONE, language="en", scripts=False)
    page.goto(f"/cases/{case_id}/redact")
    page.get_by_role("button", name="See what would be blanked").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one text")
    page.locator("label", has_text=STORY).locator("input").check()
    page.get_by_role("button", name="See what would be blanked").press("Enter")
    page.get_by_label("Reason").fill("names a mother")
    page.locator("[name=password]").fill("wrong")
    page.get_by_role("button", name="Sign and take back").press("Enter")
    expect(page.get_by_text("The password is wrong. Nothing was taken back.").first).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("names a mother")
    assert spills_over(page) == 0


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_name_of_an_agent_is_corrected_first(visitors: Visitors, language: str) -> None:
    child = {"vi": "VN01-774", "en": "VN01-775"}[language]
    case_id, exposure_id = named(visitors, child)
    page = visitors.page(OFFICER, viewport=DESK, language=language)
    page.goto(f"/cases/{case_id}/redact")
    agent = page.locator(".field", has_text=f"thuốc của {NAME}")
    expect(agent.get_by_role("checkbox")).to_be_disabled()
    looked_at(page, f"redact-judged-desk-{language}")
    agent.get_by_role("link").press("Enter")
    page.wait_for_url(f"**/subjects/{child}/exposures/{exposure_id}")
    headers = {"If-Match": '"1"'}
    change = {"changes": {"name": "piracetam"}, "reason": "as the list names it"}
    visitors.api.ask("clinician", "PATCH", f"/api/v1/exposures/{exposure_id}", json=change, headers=headers)
    page.goto(f"/cases/{case_id}/redact")
    expect(agent.get_by_role("checkbox")).to_be_enabled()
    agent.get_by_role("checkbox").check()
    page.locator("form.card button").first.press("Enter")
    expect(page.locator("[name=reason]")).to_be_visible()
    page.locator("[name=reason]").fill("names a child")
    page.locator("[name=password]").fill(f"tocsin-demo-{OFFICER}")
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**?done=redacted")
