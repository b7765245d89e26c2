"""The desk in a real browser: on a phone and on a wide screen, by keyboard, live, and without scripts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import DESK, PHONE, ZONE, Visitors, spills_over, tab_to

pytestmark = pytest.mark.live
OFFICER = "safety-officer-1"


def until(found: Callable[[], object], within_s: float = 30) -> object:
    """What `found` gives once it gives something."""
    deadline = time.monotonic() + within_s
    while not (result := found()):
        if time.monotonic() > deadline:
            raise AssertionError("it did not come about in time")
        time.sleep(0.1)
    return result


def open_alert(visitors: Visitors, case_id: str) -> str:
    def look() -> str | None:
        rows = visitors.api.ask(OFFICER, "GET", f"/api/v1/alerts?case_id={case_id}&state=open")["alerts"]
        return next((one["alert_id"] for one in rows if one["kind"] == "sae"), None)

    return str(until(look))


def duty(visitors: Visitors, case_id: str, recipient: str) -> str:
    def look() -> str | None:
        rows = visitors.api.ask(OFFICER, "GET", f"/api/v1/obligations?case_id={case_id}")["obligations"]
        mine = (one for one in rows if one["recipient_id"] == recipient and one["rule_id"].startswith("VN-SAE"))
        return next((one["obligation_id"] for one in mine), None)

    return str(until(look))


def hanoi(minutes_ago: int) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes_ago)).astimezone(ZoneInfo(ZONE))


def test_an_alert_is_confirmed_by_keyboard_on_a_phone(visitors: Visitors) -> None:
    case_id, _ = visitors.api.serious_case("VN01-201")
    alert = open_alert(visitors, case_id)
    page = visitors.page(OFFICER)
    page.goto("/desk")
    expect(page.locator(f"#confirm-{alert}")).to_be_visible()
    tab_to(page, f"#confirm-{alert}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk?done=confirmed")
    expect(page.get_by_text("Đã xác nhận.")).to_be_visible()
    expect(page.locator(f"#confirm-{alert}")).to_have_count(0)
    row = visitors.api.ask(OFFICER, "GET", f"/api/v1/alerts/{alert}")
    assert (row["state"], row["confirmed_by"]) == ("confirmed", OFFICER)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1280"])
def test_nothing_spills_over_and_both_zones_are_told(visitors: Visitors, viewport: dict[str, int]) -> None:
    case_id, number = visitors.api.serious_case(f"VN01-3{viewport['width'] % 100:02}")
    obligation = duty(visitors, case_id, "necbr")
    page = visitors.page(OFFICER, viewport=viewport)
    for path in ("/desk", "/alerts", f"/alerts/{open_alert(visitors, case_id)}", "/rules", "/ledger", "/parked"):
        page.goto(path)
        assert spills_over(page) == 0, path
    page.goto(f"/ledger/{obligation}?on={hanoi(0):%Y-%m-%d}")
    assert spills_over(page) == 0
    expect(page.get_by_text(re.compile("Cuối ngày .* Asia/Ho_Chi_Minh|Cuối ngày"))).to_be_visible()
    page.goto("/desk")
    expect(page.get_by_text(number).first).to_be_visible()
    times = page.locator(".duties .times").first
    expect(times).to_contain_text("UTC+7")
    expect(times.locator(".yours")).to_contain_text(re.compile(r"UTC\+[12]"))


def test_the_desk_hears_of_a_new_case_by_itself(visitors: Visitors) -> None:
    page = visitors.page(OFFICER, viewport=DESK, language="en")
    page.goto("/desk")
    expect(page.locator(".lamp")).to_have_text("Updating live", timeout=15_000)
    page.evaluate("window.notReloaded = true")
    _, number = visitors.api.serious_case("VN01-202")
    expect(page.locator(".duties").get_by_text(number).first).to_be_visible(timeout=20_000)
    assert page.evaluate("window.notReloaded") is True


def test_the_desk_works_without_scripts(visitors: Visitors, tmp_path: Path) -> None:
    case_id, number = visitors.api.serious_case("VN01-203")
    alert, obligation = open_alert(visitors, case_id), duty(visitors, case_id, "astt")
    page = visitors.page(OFFICER, scripts=False)
    page.goto("/desk")
    expect(page.get_by_text(number).first).to_be_visible()
    page.click(f"#confirm-{alert}")
    expect(page.get_by_text("Đã xác nhận.")).to_be_visible()
    frames = {one.get_attribute("src"): one.get_attribute("title") for one in page.locator("iframe").all()}
    assert set(frames) == {
        f"{path}?frame=1"
        for path in (
            "/fragments/intake/rejected",
            "/fragments/causality/unsigned",
            *(f"/ops/{name}/parked" for name in ("ae_intake", "causality", "sae_notifier", "dsmb")),
        )
    }
    assert all(frames.values()), "each frame says what it holds"
    unsigned = page.frame_locator('iframe[src^="/fragments/causality/unsigned"]')
    expect(unsigned.locator("table, .muted").first).to_be_visible()
    expect(unsigned.locator("header.top")).to_have_count(0)
    assert page.locator("iframe").last.evaluate("one => one.getBoundingClientRect().width") <= 390
    page.click('a[href="/fragments/causality/unsigned"]')
    expect(page.locator("header.top")).to_be_visible()
    page.goto(f"/ledger/{obligation}")
    page.click('form[action$="/documents"] button')
    expect(page.get_by_role("link", name=re.compile("Mẫu báo cáo SAE"))).to_be_visible()
    handed = hanoi(0)
    page.check('#hand-method input[value="post"]')
    page.fill('input[name="sent_date"]', f"{handed:%Y-%m-%d}")
    page.fill('input[name="sent_time"]', f"{handed:%H:%M}")
    page.click("#hand button")
    expect(page.get_by_text("Cần số tham chiếu").first).to_be_visible()
    expect(page.locator('input[name="sent_date"]').first).to_have_value(f"{handed:%Y-%m-%d}")
    page.fill("#hand-reference", "RR 123 456")
    slip = tmp_path / "phiếu.png"
    slip.write_bytes(b"\x89PNG slip")
    page.set_input_files("#hand-proof", slip)
    page.click("#hand button")
    expect(page.get_by_text("nơi nhận đã nhận").first).to_be_visible()
    expect(page.get_by_text("RR 123 456").first).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_form_is_chosen_by_keyboard_and_opened(visitors: Visitors, size: dict[str, int]) -> None:
    case_id, _ = visitors.api.serious_case(f"VN01-21{1 if size == PHONE else 2}")
    obligation = duty(visitors, case_id, "necbr")
    page = visitors.page(OFFICER, viewport=size)
    page.goto(f"/ledger/{obligation}")
    tab_to(page, '#documents-kind input[value="vn_sae_form"]')
    page.keyboard.press("ArrowDown")
    expect(page.locator('#documents-kind input[value="cioms_i"]')).to_be_checked()
    tab_to(page, 'form[action$="/documents"] button')
    page.keyboard.press("Enter")
    made = page.get_by_role("link", name=re.compile("Mẫu CIOMS I, ca phiên bản 1"))
    expect(made).to_be_visible()
    assert spills_over(page) == 0
    pdf = page.request.get(str(made.get_attribute("href")))
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.body().startswith(b"%PDF")


def test_a_rejected_report_stands_on_the_desk_until_somebody_closes_it(visitors: Visitors) -> None:
    bedside = visitors.page("clinician", scripts=False)
    bedside.goto("/report")
    bedside.fill("[name=child]", "Bé Na")
    bedside.fill("[name=what]", "Không được đọc trên bàn trực")
    bedside.click("button.main")
    expect(bedside.locator("#f-child .wrong")).to_be_visible()
    page = visitors.page(OFFICER)
    page.goto("/desk")
    section = page.locator('[data-fragment="/fragments/intake/rejected"]')
    expect(section.locator("tbody tr").last).to_contain_text("clinician")
    expect(section).not_to_contain_text("Không được đọc trên bàn trực")
    assert spills_over(page) == 0
    section.get_by_role("link", name="Ghi đã xử lý ra sao và đóng").last.click()
    page.wait_for_url("**/rejected#r-*")
    card = page.locator(f"#{page.url.partition('#')[2]}")
    expect(card).to_contain_text("Không được đọc trên bàn trực")
    card.locator("[name=reason]").fill("đã gọi lại")
    card.get_by_role("button").click()
    page.wait_for_url("**/rejected?done=1")
    page.goto("/desk")
    expect(section.get_by_text("Không có báo cáo nào đang chờ.")).to_be_visible()


def test_a_second_press_without_scripts_records_one_receipt(visitors: Visitors) -> None:
    case_id, _ = visitors.api.serious_case("VN01-206")
    obligation = duty(visitors, case_id, "iec")
    page = visitors.page(OFFICER, scripts=False)
    page.goto(f"/ledger/{obligation}")
    page.dblclick('form[action$="/documents"] button')
    expect(page.locator("#documents + ul li")).to_have_count(1)
    handed = hanoi(0)
    page.check('#hand-method input[value="hand"]')
    page.fill('input[name="sent_date"]', f"{handed:%Y-%m-%d}")
    page.fill('input[name="sent_time"]', f"{handed:%H:%M}")
    page.fill("#hand-reference", "CV 7")
    page.click("#hand button")
    receipt = page.locator('form[action$="/receipts"]')
    receipt.locator('input[name="verdict"][value="received"]').check()
    receipt.locator('input[name="kind"][value="answer"]').check()
    receipt.locator('input[name="at_date"]').fill(f"{handed:%Y-%m-%d}")
    receipt.locator('input[name="at_time"]').fill(f"{handed:%H:%M}")
    receipt.locator('input[name="reference"]').fill("thư 12")
    receipt.locator("button").dblclick()
    expect(page.get_by_text("thư 12").first).to_be_visible()
    [filing] = visitors.api.ask(OFFICER, "GET", f"/api/v1/filings?case_id={case_id}")["filings"]
    assert [one["reference"] for one in filing["receipts"]] == ["thư 12"]
    assert len(visitors.api.ask(OFFICER, "GET", f"/api/v1/documents?case_id={case_id}")["documents"]) == 1


def test_a_report_is_filed_by_hand_with_the_keyboard(visitors: Visitors) -> None:
    case_id, _ = visitors.api.serious_case("VN01-204")
    obligation = duty(visitors, case_id, "iec")
    page = visitors.page(OFFICER)
    page.goto(f"/ledger/{obligation}")
    tab_to(page, 'form[action$="/documents"] button')
    page.keyboard.press("Enter")
    page.wait_for_url("**#documents")
    handed = hanoi(0)
    tab_to(page, '#hand-method input[value="hand"]')
    page.keyboard.press("Space")
    tab_to(page, 'input[name="sent_date"]')
    page.fill('input[name="sent_date"]', f"{handed:%Y-%m-%d}")
    page.fill('input[name="sent_time"]', f"{handed:%H:%M}")
    tab_to(page, "#hand-reference")
    page.keyboard.type("CV 12/2026")
    page.keyboard.press("Enter")
    page.wait_for_url("**#filings")
    expect(page.get_by_text("đã gửi, chưa rõ đã nhận").first).to_be_visible()
    expect(page.get_by_text("Ghi nhận trả lời của nơi nhận")).to_be_visible()


def test_opening_the_link_of_a_mail_confirms_nothing(visitors: Visitors) -> None:
    case_id, _ = visitors.api.serious_case("VN01-205")
    alert = open_alert(visitors, case_id)
    page = visitors.page("safety-officer-2")
    page.goto(f"/alerts/{alert}")
    expect(page.get_by_text("Chưa ai xác nhận").first).to_be_visible()
    assert visitors.api.ask(OFFICER, "GET", f"/api/v1/alerts/{alert}")["state"] == "open"
    page.fill("#confirm-note", "đang gọi khoa hồi sức")
    page.wait_for_timeout(6_000)  # the calls below are fetched again meanwhile
    expect(page.locator("#confirm-note")).to_have_value("đang gọi khoa hồi sức")
    page.get_by_role("button", name="Tôi nhận xử lý").click()
    expect(page.get_by_text("safety-officer-2 đã xác nhận").first).to_be_visible()
    expect(page.get_by_text("đang gọi khoa hồi sức")).to_be_visible()
