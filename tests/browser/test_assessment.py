"""Reviewing and signing an assessment in a real browser, by keyboard, on a phone, and without scripts."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import DESK, PHONE, Visitors, spills_over, tab_to

pytestmark = pytest.mark.live
MONITOR = "medical-monitor-1"
PASSWORD = f"tocsin-demo-{MONITOR}"


def assessed(visitors: Visitors, child: str) -> str:
    """A case whose assessment waits; its id."""
    case_id, _ = visitors.api.serious_case(child)
    deadline = time.monotonic() + 30
    while case_id not in str(visitors.api.ask(MONITOR, "GET", "/api/v1/assessments")):
        assert time.monotonic() < deadline, "no assessment was proposed in time"
        time.sleep(0.1)
    return case_id


def status(visitors: Visitors, case_id: str) -> str:
    return visitors.api.ask(MONITOR, "GET", f"/api/v1/assessments/{case_id}")["status"]


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1280"])
def test_nothing_spills_over_and_reasons_unfold_by_keyboard(visitors: Visitors, viewport: dict[str, int]) -> None:
    case_id = assessed(visitors, f"VN01-4{viewport['width'] % 100:02}")
    page = visitors.page(MONITOR, viewport=viewport)
    for path in ("/assessments", f"/assessments/{case_id}", f"/fragments/causality/cases/{case_id}"):
        page.goto(path)
        assert spills_over(page) == 0, path
    page.goto(f"/assessments/{case_id}")
    tab_to(page, "details[id^=why-] > summary")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Có phơi nhiễm trước khi khởi phát?")).to_be_visible()
    assert spills_over(page) == 0


def test_signing_by_keyboard(visitors: Visitors) -> None:
    case_id = assessed(visitors, "VN01-411")
    page = visitors.page(MONITOR)
    page.goto(f"/assessments/{case_id}")
    tab_to(page, "#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**#signature")
    expect(page.get_by_text(f"{MONITOR} đã ký").first).to_be_visible()
    expect(page.get_by_text("SHA-256")).to_be_visible()
    assert status(visitors, case_id) == "signed"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_refusal_costs_nobody_their_words(visitors: Visitors, scripts: bool) -> None:
    case_id = assessed(visitors, f"VN01-42{int(scripts)}")
    page = visitors.page(MONITOR, scripts=scripts)
    page.goto(f"/assessments/{case_id}")
    page.select_option("#accepted-0", "probable")
    page.fill("#meaning", "Đã đọc kết quả cấy")
    send(page, PASSWORD)
    expect(page.get_by_text("Khác đề xuất thì phải ghi lý do").first).to_be_visible()
    expect(page.locator("#accepted-0")).to_have_value("probable")
    page.fill("#reason-0", "dịch não tủy đục")
    send(page, "not the password")
    expect(page.get_by_text("Mật khẩu không đúng").first).to_be_visible()
    expect(page.locator("#reason-0")).to_have_value("dịch não tủy đục")
    expect(page.locator("#meaning")).to_have_value("Đã đọc kết quả cấy")
    expect(page.locator("#password")).to_have_value("")
    assert status(visitors, case_id) == "proposed"
    send(page, PASSWORD)
    page.wait_for_url("**#signature")
    expect(page.get_by_text("dịch não tủy đục")).to_be_visible()
    assert status(visitors, case_id) == "signed"


def send(page: Page, password: str) -> None:
    page.fill("#password", password)
    page.get_by_role("button", name="Ký đánh giá").click()
    page.wait_for_load_state()


def test_a_clinician_reads_the_same_and_finds_nothing_to_sign(visitors: Visitors) -> None:
    case_id = assessed(visitors, "VN01-430")
    page = visitors.page("clinician")
    page.goto(f"/assessments/{case_id}")
    expect(page.get_by_text("giờ sau phơi nhiễm").first).to_be_visible()
    expect(page.locator("#password")).to_have_count(0)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1280"])
def test_a_question_is_answered_by_keyboard_without_scripts(visitors: Visitors, viewport: dict[str, int]) -> None:
    case_id = assessed(visitors, f"VN01-46{viewport['width'] % 7}")
    page = visitors.page(MONITOR, viewport=viewport, scripts=False)
    page.goto(f"/assessments/{case_id}")
    tab_to(page, 'a[href*="about="]')
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"about=.+#answer$"))
    tab_to(page, "#f-question")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, 'input[name="answer"]')
    page.keyboard.press("ArrowDown")  # the second: no
    tab_to(page, "#f-reason")
    page.keyboard.type("Cấy máu âm tính")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#answers")
    expect(page.get_by_text("dựa trên câu trả lời của người đánh giá").first).to_be_visible()
    assert spills_over(page) == 0
    (kept,) = visitors.api.ask(MONITOR, "GET", f"/api/v1/assessments/{case_id}")["assessment"]["answers"]
    assert (kept["question"], kept["answer"], kept["reason"]["text"]) == (
        "alternative_explains",
        "no",
        "Cấy máu âm tính",
    )
