"""The safety board's pages in a real browser: a cut frozen and read by keyboard, on a phone and on a wide screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import DESK, PHONE, Visitors, moment, spills_over, tab_to

pytestmark = pytest.mark.live
MEMBER, OFFICER = "dsmb-member", "safety-officer-1"
CHILDREN = 12


def enrol(visitors: Visitors, first: int) -> None:
    """Twelve children in two arms."""
    for number in range(CHILDREN):
        code = f"VN01-{first + number}"
        child = {"subject_id": code, "birth": moment("2021-03"), "enrolled": moment("2026-01-05")}
        visitors.api.ask("clinician", "POST", "/api/v1/subjects", json=child)
        visitors.api.allocate(code, "AB"[number % 2])


def freeze_by_keyboard(page: Page) -> str:
    page.goto("/dsmb")
    assert spills_over(page) == 0
    tab_to(page, '[name="purpose"]')
    page.keyboard.type("Họp thường kỳ")
    tab_to(page, 'form[action="/dsmb/cuts"] button')
    page.keyboard.press("Enter")
    page.wait_for_url("**/dsmb/cuts/*?done=frozen")
    return page.url.partition("/dsmb/cuts/")[2].partition("?")[0]


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1280"])
def test_a_cut_is_frozen_and_read_with_the_keyboard(visitors: Visitors, viewport: dict[str, int]) -> None:
    enrol(visitors, 600 if viewport == PHONE else 700)
    page = visitors.page(MEMBER, viewport=viewport)
    cut_id = freeze_by_keyboard(page)
    expect(page.get_by_text("Đã chốt. Cả hai báo cáo đã sẵn sàng.")).to_be_visible()
    assert spills_over(page) == 0
    tab_to(page, f'a.button[href="/dsmb/cuts/{cut_id}/closed"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/closed")
    assert spills_over(page) == 0
    tables = page.locator("table.tally")
    expect(tables.first).to_be_visible()
    assert page.locator('td[data-label^="Nhóm X"]').count() and page.locator('td[data-label^="Nhóm Y"]').count()
    page.goto(f"/dsmb/cuts/{cut_id}/open")
    assert spills_over(page) == 0
    page.goto(f"/dsmb/cuts/{cut_id}")
    tab_to(page, '[name="reason"]')
    page.keyboard.type("có báo động của quy tắc dừng")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^X là nhóm [AB]$"))).to_be_visible()
    page.goto(f"/dsmb/cuts/{cut_id}")
    expect(page.get_by_text(re.compile("là nhóm [AB]$"))).to_have_count(0)
    assert spills_over(page) == 0


def test_the_safety_desk_reads_the_open_report_without_scripts_and_nothing_by_arm(visitors: Visitors) -> None:
    enrol(visitors, 800)
    made = visitors.api.ask(MEMBER, "POST", "/api/v1/dsmb/cuts", json={"purpose": "Họp thường kỳ"})
    page = visitors.page(OFFICER, scripts=False)
    page.goto("/dsmb")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hội đồng an toàn")
    expect(page.locator('form[action="/dsmb/cuts"]')).to_have_count(0)
    expect(page.get_by_role("link", name="Báo cáo kín")).to_have_count(0)
    page.click(f'a[href="/dsmb/cuts/{made["cut_id"]}/open"]')
    expect(page.get_by_text(made["sha256"])).to_be_visible()
    assert spills_over(page) == 0
    assert page.locator('td[data-label^="Nhóm X"], td[data-label^="Nhóm Y"]').count() == 0
    refused = page.goto(f"/dsmb/cuts/{made['cut_id']}/closed")
    assert refused is not None and refused.status == 403
