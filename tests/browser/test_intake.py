"""The bedside in a real browser: six questions by keyboard on a phone, sent once, kept through an ended sign-in; the case beside."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import DESK, Visitors, moment, spills_over, tab_to

pytestmark = pytest.mark.live


def case_id_of(page: Page) -> str:
    found = re.search(r"/report/([^/]+)/receipt$", page.url)
    assert found, page.url
    return found[1]


def amend(visitors: Visitors, case_id: str, body: dict[str, object]) -> None:
    """The investigator adds news to version 1 by the API."""
    who = {"username": "investigator", "password": "tocsin-demo-investigator"}
    with httpx.Client(base_url=visitors.base_url, timeout=30) as http:
        token = http.post("/api/v1/sign-in", json=who).raise_for_status().json()["token"]
        headers = {"Authorization": f"Bearer {token}", "If-Match": '"1"'}
        http.patch(f"/api/v1/cases/{case_id}", json=body, headers=headers).raise_for_status()


def answer(page: Page, name: str, presses: int) -> None:
    """Choose a radio by keyboard: Tab reaches the group, arrows move inside it."""
    tab_to(page, f"[name={name}]")
    page.keyboard.press("Space")
    for _ in range(presses):
        page.keyboard.press("ArrowRight")


def test_a_report_by_keyboard_on_a_phone(visitors: Visitors) -> None:
    visitors.api.ask("clinician", "POST", "/api/v1/subjects", json={"subject_id": "VN01-301"})
    page = visitors.page("clinician", zone="Asia/Ho_Chi_Minh")
    page.goto("/report")
    assert spills_over(page) == 0
    assert page.locator(":checked").count() == 0, "nothing is chosen beforehand"
    assert page.locator("#codes option[value='VN01-301']").count() == 1
    tab_to(page, "[name=child]")
    page.keyboard.type("vn01-301")
    page.keyboard.press("Enter")
    assert page.url.endswith("/report"), "Enter in a field sends nothing half-written"
    tab_to(page, "[name=what]")
    page.keyboard.type("Sốt cao, cứng gáy")
    tab_to(page, "[name=onset_unknown]")
    page.keyboard.press("Space")
    answer(page, "bad_death", 1)
    answer(page, "bad_life_threatening", 0)
    answer(page, "bad_hospitalisation", 2)
    answer(page, "given", 0)
    tab_to(page, "[name=given_kinds][value=lumbar_puncture]")
    page.keyboard.press("Space")
    tab_to(page, "#f-aware [data-now]")
    page.keyboard.press("Enter")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", page.input_value("[name=aware_date]"))
    tab_to(page, "button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipt")
    case = visitors.api.ask("clinician", "GET", f"/api/v1/cases/{case_id_of(page)}")["case"]
    said = case["events"][0]["seriousness"]
    assert (said["death"], said["life_threatening"], said["hospitalisation"], said["disability"]) == (
        "no",
        "yes",
        "unknown",
        "unknown",
    )
    assert case["subject_id"] == "VN01-301" and case["given"]["kinds"] == ["lumbar_puncture"]
    assert case["site_aware"]["value"].startswith(page.evaluate("new Date().getFullYear().toString()"))
    expect(page.locator(".number")).to_have_text(case["case_number"])
    assert spills_over(page) == 0


def test_the_receipt_shows_the_alert_as_it_happens(visitors: Visitors) -> None:
    page = visitors.page("clinician")
    page.goto("/report")
    page.fill("[name=what]", "Ngừng thở")
    page.check("[name=bad_life_threatening][value=yes]")
    page.click("button.main")
    page.wait_for_url("**/receipt")
    alerts = page.locator(f"[data-fragment='/fragments/notifier/cases/{case_id_of(page)}/alerts']")
    expect(alerts).not_to_contain_text("Đang gọi người trực an toàn…", timeout=15_000)
    expect(alerts).to_contain_text(re.compile("trực|gọi|báo", re.I), timeout=15_000)


def test_pressed_twice_it_is_sent_once(visitors: Visitors) -> None:
    page = visitors.page("clinician")
    page.goto("/report")
    page.fill("[name=what]", "Bấm hai lần")
    key = page.input_value("[name=key]")
    page.dblclick("button.main")
    page.wait_for_url("**/receipt")
    first = case_id_of(page)
    page.goto("/report")  # a phone that lost the answer sends the same form again
    page.fill("[name=what]", "Bấm hai lần")
    page.evaluate("key => { document.querySelector('[name=key]').value = key; }", key)
    page.click("button.main")
    page.wait_for_url("**/receipt")
    assert case_id_of(page) == first
    words = [one["case_id"] for one in visitors.api.ask("clinician", "GET", "/api/v1/cases")["cases"]]
    assert words.count(first) == 1


def test_without_scripts_everything_can_be_said(visitors: Visitors) -> None:
    page = visitors.page("clinician", scripts=False)
    page.goto("/report")
    assert spills_over_without_scripts(page)
    page.fill("[name=child]", "Bé Na")
    page.fill("[name=what]", "Co giật")
    page.check("[name=bad_none]")
    page.click("button.main")
    expect(page.locator("#f-child .wrong")).to_be_visible()
    expect(page.locator("[name=what]")).to_have_value("Co giật")
    expect(page.locator("[name=child]")).to_have_value("Bé Na")
    expect(page.locator("[name=bad_none]")).to_be_checked()
    page.fill("[name=child]", "VN01-302")
    page.click("button.main")
    page.wait_for_url("**/receipt")
    alerts = page.frame_locator("section.fragment iframe")
    expect(alerts.locator(".notice")).to_be_visible()
    assert page.locator("section.fragment a").count() == 1, "and a link to them alone"
    page.goto(f"/cases/{case_id_of(page)}")
    assert page.locator("iframe").count() == 3, "alerts, duties and assessment"
    expect(page.frame_locator("iframe >> nth=0").locator(".notice")).to_be_visible()
    page.go_back()
    page.goto(f"/cases/{case_id_of(page)}/amend")
    page.fill("[name=e0_term_words]", "co giat")
    page.click("button[name=search][value=e0_]")
    page.locator("[name=e0_term_pick]").first.check()
    page.fill("[name=reason]", "đã mã hóa")
    page.check("[name=news_untold]")
    page.click("button.main")
    page.wait_for_url("**done=amended")
    expect(page.locator("#difference")).to_contain_text("CTCAE")


def spills_over_without_scripts(page: Page) -> bool:
    box = page.locator("main").bounding_box()
    return box is not None and box["width"] <= 390


def test_a_sign_in_that_ended_keeps_the_text(visitors: Visitors) -> None:
    page = visitors.page("clinician")
    page.goto("/report")
    page.fill("[name=what]", "Lời không được mất\ndòng hai")
    page.check("[name=bad_death][value=no]")
    page.context.clear_cookies()
    page.click("button.main")
    expect(page.locator(".notice-good")).to_contain_text("vẫn được giữ")
    page.fill("#f-username", "clinician")
    page.fill("#f-password", "tocsin-demo-clinician")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Lời không được mất")
    page.click("main button.main")
    page.wait_for_url("**/receipt")
    event = visitors.api.ask("clinician", "GET", f"/api/v1/cases/{case_id_of(page)}")["case"]["events"][0]
    assert event["verbatim"]["text"] == "Lời không được mất\ndòng hai" and event["seriousness"]["death"] == "no"


def test_two_people_amend_at_once_and_both_are_kept(visitors: Visitors) -> None:
    case_id, _ = visitors.api.serious_case("VN01-303")
    page = visitors.page("clinician", viewport=DESK)
    page.goto(f"/cases/{case_id}/amend")
    page.fill("[name=e0_description]", "Tôi đang viết dở")
    page.fill("[name=reason]", "thêm mô tả")
    page.check("[name=news_untold]")
    event = visitors.api.ask("clinician", "GET", f"/api/v1/cases/{case_id}")["case"]["events"][0]["event_id"]
    body = {
        "reason": "kết quả cấy",
        "news_known": moment("2026-03-10T09:00"),
        "events": [{"event_id": event, "outcome": "not_recovered"}],
    }
    amend(visitors, case_id, body)
    page.click("form [type=submit].main")
    expect(page.locator(".notice-warn")).to_contain_text("kết quả cấy")
    expect(page.locator("[name=e0_description]")).to_have_value("Tôi đang viết dở")
    expect(page.locator("[name=e0_outcome]")).to_have_value("not_recovered")
    page.click("form [type=submit].main")
    page.wait_for_url("**done=amended")
    case = visitors.api.ask("clinician", "GET", f"/api/v1/cases/{case_id}")["case"]
    assert case["version"] == 3 and case["events"][0]["description"]["text"] == "Tôi đang viết dở"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_case_shows_its_course_and_its_changes(visitors: Visitors, width: int, language: str) -> None:
    case_id, number = visitors.api.serious_case(f"VN01-{310 + width % 7}{1 if language == 'vi' else 2}")
    event = visitors.api.ask("clinician", "GET", f"/api/v1/cases/{case_id}")["case"]["events"][0]["event_id"]
    body = {
        "reason": "kết quả cấy",
        "news_known": None,
        "events": [{"event_id": event, "grades": [{"grade": 4}, {"grade": 3, "since": moment("2026-03-11")}]}],
    }
    amend(visitors, case_id, body)
    page = visitors.page("safety-officer-1", viewport={"width": width, "height": 900}, language=language)
    page.goto(f"/cases/{case_id}")
    expect(page.locator("h1")).to_have_text(number)
    assert spills_over(page) == 0
    picture = page.locator("svg.tl").first
    expect(page.locator("#duties")).to_be_visible()
    expect(picture).to_be_hidden()
    tab_to(page, '.toc a[href="#course"]')
    page.keyboard.press("Enter")  # the address opens the folded part it names
    expect(picture).to_be_visible()
    assert spills_over(page) == 0
    box = picture.bounding_box()
    assert box and box["width"] <= width and picture.locator(".tl-infusion.tl-edge").count() == 1
    assert picture.locator(".tl-grade").all_text_contents() == ["4", "3"]
    assert picture.locator("path.tl-event").first.evaluate("e => getComputedStyle(e).fill") != "rgb(0, 0, 0)"
    expect(page.locator("#difference .changed")).to_have_count(4)  # the grades, the news, its reason, who sent it
    page.click('.toc a[href="#changes"]')
    expect(page.locator("#difference ins").first).to_be_visible()
    page.locator("#course summary").click()
    expect(page.locator("#course table")).to_be_visible()
    assert spills_over(page) == 0
    page.select_option("[name=old]", "2")
    page.click(".compare button")
    expect(page.locator("#difference .changed")).to_have_count(0)
    expect(page.locator("#difference")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_spills_over(visitors: Visitors, width: int) -> None:
    child = f"VN01-33{1 if width == 390 else 2}"
    case_id, _ = visitors.api.serious_case(child)
    page = visitors.page("safety-officer-1", viewport={"width": width, "height": 900})
    for path in (
        "/report",
        "/cases",
        f"/cases/{case_id}/amend",
        f"/cases/{case_id}/nullify",
        "/subjects",
        f"/subjects/{child}",
        f"/subjects/{child}/child/{child}",
        f"/subjects/{child}/exposures/new",
        f"/subjects/{child}/measurements/new",
        "/rejected",
    ):
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        assert spills_over(page) == 0, path
