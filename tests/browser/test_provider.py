"""Sign-in, kept text and signatures through a provider on another site, in a real browser, with scripts and without."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import PHONE, Visitors, spills_over, tab_to
from tests.support.provider import TestProvider

pytestmark = pytest.mark.live
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def people(chromium: Browser, vouched_url: tuple[str, TestProvider]) -> Iterator[Visitors]:
    url, provider = vouched_url
    provider.user("n-1", preferred_username="nurse-1", roles=["clinician"], sites=["VINMEC"])
    provider.user("m-1", preferred_username="monitor-1", roles=["medical_monitor"])
    made = Visitors(chromium, url)
    yield made
    made.close()
    assert not made.complaints, made.complaints


def person(people: Visitors, sub: str, *, scripts: bool = True) -> Page:
    page = people.blank(scripts=scripts, viewport=PHONE)
    page.goto("/sign-in")
    looked_at(page, "sign-in")
    page.get_by_role("link", name="Đăng nhập qua tổ chức").click()
    at_the_provider(page, sub)
    page.wait_for_url(lambda url: "/sign-in" not in url and "localhost" not in url)
    return page


def at_the_provider(page: Page, sub: str) -> None:
    page.wait_for_url("http://localhost:*/**")
    page.fill("input[name=sub]", sub)
    page.keyboard.press("Enter")


def looked_at(page: Page, name: str) -> None:
    """Nothing spills over at 390 px; a picture when somebody asks for one."""
    if page.context.pages:
        box = page.locator("main").bounding_box()
        assert box is not None and box["width"] <= 390
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def expired(page: Page, text: str) -> None:
    page.goto("/report")
    page.fill("[name=what]", text)
    page.context.clear_cookies()
    page.click("button.main")


def test_the_text_goes_along_in_the_same_tab(people: Visitors) -> None:
    page = person(people, "n-1")
    expired(page, "Lời không được mất")
    looked_at(page, "kept")
    assert spills_over(page) == 0
    expect(page.get_by_text("Một thẻ mới sẽ mở ra")).to_be_hidden()
    tab_to(page, "[data-kept-way]")
    page.keyboard.press("Enter")
    at_the_provider(page, "n-1")
    page.wait_for_url("**/sign-in/resume")
    looked_at(page, "send-again")
    expect(page.locator("main")).to_contain_text("Lời không được mất")
    assert page.evaluate("sessionStorage.length") == 0
    page.click("main button.main")
    page.wait_for_url("**/receipt")
    assert len(page.context.pages) == 1


def test_without_scripts_the_page_keeps_the_text_beside_a_new_tab(people: Visitors) -> None:
    page = person(people, "n-1", scripts=False)
    expired(page, "Giữ trong trang này")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Đăng nhập qua tổ chức").click()
    tab = opened.value
    page.get_by_role("button", name="Tôi đã đăng nhập").click()
    expect(page.get_by_text("Bạn chưa đăng nhập")).to_be_visible()
    at_the_provider(tab, "n-1")
    tab.wait_for_url("**/sign-in/back")
    expect(tab.get_by_text("hãy quay lại thẻ")).to_be_visible()
    looked_at(tab, "back")
    tab.close()
    page.get_by_role("button", name="Tôi đã đăng nhập").click()
    expect(page.locator("main")).to_contain_text("Giữ trong trang này")
    page.click("main button.main")
    page.wait_for_url("**/receipt")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_signature_goes_there_and_back(people: Visitors, scripts: bool) -> None:
    case_id, _ = people.api.serious_case(f"VN01-95{int(scripts)}")
    page = person(people, "m-1", scripts=scripts)
    until = time.monotonic() + 20
    while page.goto(f"/assessments/{case_id}").status != 200:  # type: ignore[union-attr]
        assert time.monotonic() < until
        time.sleep(0.3)
    expect(page.locator("#password")).to_have_count(0)
    page.select_option("#accepted-0", "probable")
    page.fill("#reason-0", "dịch não tủy đục")
    page.get_by_role("button", name="Ký đánh giá").click()
    expect(page.get_by_text("Chưa có gì được ký")).to_be_visible()
    looked_at(page, f"prove-{scripts}")
    way = page.get_by_role("link", name="Xác nhận qua tổ chức")
    time.sleep(1.1)  # the provider counts whole seconds
    if scripts:
        way.click()
        at_the_provider(page, "m-1")
        page.wait_for_url("**/sign-in/resume")
    else:
        with page.context.expect_page() as opened:
            way.click()
        at_the_provider(opened.value, "m-1")
        opened.value.wait_for_url("**/sign-in/back")
        page.get_by_role("button", name="Tôi đã xác nhận").click()
    expect(page.locator("main")).to_contain_text("dịch não tủy đục")
    expect(page.get_by_role("heading", name="Ký ngay")).to_be_visible()
    looked_at(page, f"sign-now-{scripts}")
    page.click("main button.main")
    page.wait_for_url("**#signature")
    expect(page.get_by_text("monitor-1 đã ký").first).to_be_visible()


def test_signing_out_goes_to_the_provider_by_itself(people: Visitors) -> None:
    page = person(people, "n-1")
    page.get_by_role("button", name="Đăng xuất").click()
    page.wait_for_url("http://localhost:*/oauth2/end_session**")
    page.goto(f"{people.base_url}/report")
    page.wait_for_url("**/sign-in?next=**")


def test_a_provider_that_is_away_and_one_that_refuses(people: Visitors, vouched_url: tuple[str, TestProvider]) -> None:
    _, provider = vouched_url
    provider.user("x-1", preferred_username="stranger", roles=["superuser"])
    page = people.blank(viewport=PHONE)
    page.goto("/sign-in")
    page.get_by_role("link", name="Đăng nhập qua tổ chức").click()
    at_the_provider(page, "x-1")
    expect(page.get_by_text("chưa có vai trò")).to_be_visible()
    looked_at(page, "no-role")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Sign in").first).to_be_visible()
