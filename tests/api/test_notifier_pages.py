"""The desk, the alerts, the ledger and one duty as pages: what they show, to whom, and what a press of a button does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from itertools import pairwise
from typing import Any

import pytest

from shared.auth.guard import COOKIE
from tests.api.seeded import parked
from tests.api.world import ELSEWHERE, ApiWorld, at

OFFICER, SECOND, MONITOR = "safety-officer-1", "safety-officer-2", "medical-monitor-1"
FRAGMENT = {"X-Fragment": "1"}
ENGLISH = {"Accept-Language": "en"}


@dataclass
class Told:
    """One serious case and what it opened."""

    world: ApiWorld
    case_id: str
    number: str
    child: str

    def alert(self, kind: str = "sae") -> str:
        rows = self.world.get(f"/api/v1/alerts?case_id={self.case_id}", OFFICER).json()["alerts"]
        return next(one["alert_id"] for one in rows if one["kind"] == kind)

    def alert_state(self) -> str:
        return self.world.get(f"/api/v1/alerts/{self.alert()}", OFFICER).json()["state"]

    def duty(self, recipient: str = "necbr", rule: str = "VN-SAE-7WD") -> str:
        rows = self.world.get(f"/api/v1/obligations?case_id={self.case_id}", OFFICER).json()["obligations"]
        return next(one["obligation_id"] for one in rows if one["recipient_id"] == recipient and one["rule_id"] == rule)

    def duty_state(self, obligation_id: str) -> str:
        return self.world.get(f"/api/v1/obligations/{obligation_id}", OFFICER).json()["obligation"]["state"]

    def amend(self, **changes: object) -> None:
        head = self.world.get(f"/api/v1/cases/{self.case_id}", "clinician")
        body = {"reason": "more is known", "news_known": at("2026-03-11T02:30")} | changes
        done = self.world.patch(
            f"/api/v1/cases/{self.case_id}", "clinician", json=body, headers={"If-Match": head.headers["etag"]}
        )
        assert done.status_code == 200, done.text
        self.world.drain()


@pytest.fixture(scope="module")
def world() -> Iterator[ApiWorld]:
    made = ApiWorld()
    yield made
    made.close()


@pytest.fixture
def told(world: ApiWorld) -> Told:
    return tell(world)


def tell(world: ApiWorld, **changes: object) -> Told:
    child = world.child()
    world.infusion(child)
    case = world.case(child, **changes)
    world.drain()
    return Told(world, case["case_id"], case["case_number"], child)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def document(told: Told, obligation_id: str) -> str:
    made = told.world.post(f"/ledger/{obligation_id}/documents", OFFICER)
    assert made.status_code == 303, made.text
    page = told.world.get(f"/ledger/{obligation_id}", OFFICER).text
    return re.findall(r'href="/documents/([0-9a-f-]+)"', page)[0]


# The desk -----------------------------------------------------------------------------------------------------------


def test_the_desk_lists_duties_by_time_left_with_both_dates_and_zones(told: Told) -> None:
    page = told.world.get("/desk", OFFICER, headers={"Cookie": "tocsin_zone=Europe/Paris"})
    assert page.status_code == 200
    shown = words(page.text)
    assert told.number in shown and "VN-SAE-7WD" in shown and "Hội đồng Đạo đức" in shown
    assert "UTC+7" in shown and "UTC+1" in shown, "the authority's zone and the reader's"
    rows = re.findall(r'<tr>\s*<td data-label="Còn lại">.*?datetime="([^"]+)" data-countdown', page.text, re.DOTALL)
    assert len(rows) >= 3 and all(a <= b for a, b in pairwise(rows)), "the soonest strict date first"
    english = words(told.world.get("/desk", OFFICER, headers=ENGLISH).text)
    assert "Safety desk" in english and "Reporting duties, by time left" in english


def test_a_clock_that_nobody_gave_an_awareness_for_names_its_question(world: ApiWorld) -> None:
    told = tell(world, site_aware=None)
    shown = words(world.get("/desk/list", OFFICER, headers=FRAGMENT).text)
    assert "Điểm nghiên cứu biết khi nào?" in shown
    duty = words(world.get(f"/ledger/{told.duty()}", OFFICER, headers=ENGLISH).text)
    assert "When did the site know?" in duty and "provisional" in duty


def test_no_patient_stands_on_the_desk(told: Told) -> None:
    for path in ("/desk", "/alerts", f"/alerts/{told.alert()}", "/ledger"):
        shown = told.world.get(path, OFFICER).text
        assert told.child not in shown and "cứng gáy" not in shown


def test_the_desk_embeds_others_by_address_and_stands_without_scripts(told: Told) -> None:
    page = told.world.get("/desk", OFFICER).text
    embedded = ("/fragments/intake/rejected", "/fragments/causality/unsigned", "/ops/ae_intake/parked")
    for path in (*embedded, "/ops/causality/parked", "/ops/sae_notifier/parked", "/ops/dsmb/parked"):
        assert f'data-fragment="{path}"' in page and f'href="{path}"' in page, "a link where nothing is fetched"
        assert re.search(rf'<noscript><iframe [^>]*src="{path}\?frame=1" title="[^"]+"', page), (
            "a frame without scripts"
        )
    assert 'data-fragment="/fragments/intake/rejected"' in page and 'href="/desk"' in page
    assert told.number in page, "the list is in the page itself"
    assert "<script>" not in page and "style=" not in page


# Confirming ---------------------------------------------------------------------------------------------------------


def test_reading_never_confirms(told: Told) -> None:
    alert = told.alert()
    for path in (f"/alerts/{alert}", f"/alerts/{alert}/calls", f"/alerts/{alert}/confirm", "/desk", "/alerts"):
        told.world.get(path, OFFICER)
        told.world.ask("HEAD", path, OFFICER)
    assert told.world.get(f"/alerts/{alert}/confirm", OFFICER).status_code == 405
    assert told.alert_state() == "open"


def test_one_button_confirms_by_name(told: Told) -> None:
    done = told.world.post(f"/alerts/{told.alert()}/confirm", OFFICER, data={"back": "desk"})
    assert (done.status_code, done.headers["location"]) == (303, "/desk?done=confirmed")
    assert "Đã xác nhận" in words(told.world.get("/desk?done=confirmed", OFFICER).text)
    page = words(told.world.get(f"/alerts/{told.alert()}", OFFICER).text)
    assert f"{OFFICER} đã xác nhận" in page and "Tôi nhận xử lý" not in page


def test_who_comes_second_is_told_and_keeps_the_note(told: Told) -> None:
    alert = told.alert()
    told.world.post(f"/alerts/{alert}/confirm", OFFICER, data={"note": "calling the ward"})
    late = told.world.post(f"/alerts/{alert}/confirm", SECOND, data={"note": "going there"})
    assert late.status_code == 409 and f"{OFFICER} đã xác nhận cảnh báo này trước bạn" in words(late.text)
    assert "calling the ward" in late.text


def test_another_sites_page_cannot_confirm(told: Told) -> None:
    token = told.world.as_(OFFICER)["Authorization"].removeprefix("Bearer ")
    headers = {"Cookie": f"{COOKIE}={token}", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert told.world.post(f"/alerts/{told.alert()}/confirm", headers=headers).status_code == 403
    assert told.alert_state() == "open"


def test_who_may_not_confirm_sees_no_button_and_gets_403(told: Told) -> None:
    alert = told.alert()
    for user in ("auditor", "clinician"):
        page = told.world.get(f"/alerts/{alert}", user)
        assert page.status_code == 200 and "Tôi nhận xử lý" not in page.text
        assert told.world.post(f"/alerts/{alert}/confirm", user).status_code == 403
    assert told.world.get(f"/alerts/{alert}", ELSEWHERE).status_code == 404
    assert told.alert_state() == "open"


def test_every_call_is_shown_with_what_became_of_it(told: Told) -> None:
    told.world.hand_over()
    calls = words(told.world.get(f"/alerts/{told.alert()}/calls", OFFICER, headers=FRAGMENT).text)
    assert "Cán bộ an toàn trực" in calls and "đã bàn giao" in calls and "chờ đến lượt" in calls
    assert "Chưa ai xác nhận" in calls


# Who may see what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/desk", "/desk/list", "/alerts", "/ledger", "/parked"])
@pytest.mark.parametrize("user", ["clinician", "investigator", "dsmb-member", "dsmb-statistician", "machine"])
def test_the_desk_is_the_safety_staffs(world: ApiWorld, path: str, user: str) -> None:
    assert world.get(path, user).status_code == 403
    assert world.get(path).status_code == 303, "nobody is sent to sign in"


def test_only_officers_find_the_forms_for_filing(told: Told) -> None:
    duty = told.duty()
    for user in (MONITOR, "auditor"):
        page = told.world.get(f"/ledger/{duty}", user)
        assert page.status_code == 200 and '<form method="post" action="/ledger' not in page.text
        assert told.world.post(f"/ledger/{duty}/documents", user).status_code == 403
        assert told.world.post(f"/ledger/{duty}/filings", user, data={"method": "mail"}).status_code == 403


# What a clinician's receipt embeds ----------------------------------------------------------------------------------


def test_the_receipt_says_who_was_called_and_who_took_it(told: Told) -> None:
    path = f"/fragments/notifier/cases/{told.case_id}/alerts"
    before = words(told.world.get(path, "clinician", headers=FRAGMENT).text)
    assert "Chưa ai xác nhận" in before and "Nếu chưa ai xác nhận, gọi" in before
    told.world.hand_over()
    sent = words(told.world.get(path, "clinician", headers=FRAGMENT).text)
    assert re.search(r"Đã gọi Cán bộ an toàn trực \d bằng thư điện tử, bàn giao lúc 11/03/2026", sent)
    told.world.post(f"/alerts/{told.alert()}/confirm", OFFICER)
    after = words(told.world.get(path, "clinician", headers=FRAGMENT).text)
    assert f"{OFFICER} đã xác nhận" in after and "Chưa ai xác nhận" not in after
    assert told.world.get(path, ELSEWHERE).status_code == 404
    assert told.world.get(path, "dsmb-member").status_code == 403


def test_a_case_that_has_not_arrived_yet_says_so(world: ApiWorld) -> None:
    child = world.child()
    case = world.case(child)
    shown = words(world.get(f"/fragments/notifier/cases/{case['case_id']}/alerts", "clinician", headers=FRAGMENT).text)
    assert "chưa nhận được ca này" in shown
    world.drain()


def test_a_child_with_an_unknown_code_is_seen_by_the_site_that_told(world: ApiWorld) -> None:
    case = world.case("VN77-900")
    world.drain()
    path = f"/fragments/notifier/cases/{case['case_id']}/alerts"
    assert "Biến cố nghiêm trọng mới" in world.get(path, "clinician").text
    assert world.get(path, ELSEWHERE).status_code == 404


def test_duties_of_a_case_say_why_and_link_only_those_who_may_follow(told: Told) -> None:
    path = f"/fragments/notifier/cases/{told.case_id}/duties"
    seen = told.world.get(path, "clinician", headers=FRAGMENT).text
    assert "làm phát sinh nghĩa vụ báo cáo" in words(seen) and "/ledger/" not in seen
    assert "<html" not in seen, "bare when another page fetches it"
    whole = told.world.get(path, OFFICER).text
    assert "<html" in whole and f"/ledger/{told.duty()}" in whole, "a page of its own when opened by hand"
    assert told.world.get(path, ELSEWHERE).status_code == 404


# One duty -----------------------------------------------------------------------------------------------------------


def test_the_rule_stands_there_in_words_with_its_doubts(told: Told) -> None:
    shown = words(told.world.get(f"/ledger/{told.duty()}", OFFICER, headers=ENGLISH).text)
    for part in ("7 working days", "Legal basis", "Circular", "Confidence", "Named doubts", "D6", "Day 0"):
        assert part in shown


def test_what_was_owed_on_a_day_is_answered_for_ever(told: Told) -> None:
    duty = told.duty()
    document_id = document(told, duty)
    started = told.world.clock.now()
    told.world.clock.advance(days=2)
    sent = {
        "method": "post",
        "document_id": document_id,
        "sent_date": "2026-03-13",
        "sent_time": "02:30",
        "reference": "RR 1",
    }
    assert told.world.post(f"/ledger/{duty}/filings", OFFICER, data=sent).status_code == 303
    first = words(told.world.get(f"/ledger/{duty}?on={started:%Y-%m-%d}", OFFICER).text)
    assert "chưa có nghĩa vụ nào" in first, "the UTC day before: in Hanoi nothing was known when it ended"
    then = words(told.world.get(f"/ledger/{duty}?on=2026-03-11", OFFICER).text)
    assert "Cuối ngày 11/03/2026 (Asia/Ho_Chi_Minh): chưa gửi VN-SAE-7WD, phiên bản 1" in then
    now = words(told.world.get(f"/ledger/{duty}?on=2026-03-13", OFFICER).text)
    assert re.search(
        r"Cuối ngày 13/03/2026 \(Asia/Ho_Chi_Minh\): đã gửi, chờ xác nhận VN-SAE-7WD, phiên bản [2-9]", now
    )
    assert told.world.get(f"/ledger/{duty}?on=nonsense", OFFICER).status_code == 200


def test_a_form_is_made_read_and_filed_by_mail(told: Told) -> None:
    duty = told.duty()
    document_id = document(told, duty)
    pdf = told.world.get(f"/documents/{document_id}", OFFICER)
    assert pdf.content.startswith(b"%PDF") and pdf.headers["content-type"] == "application/pdf"
    assert told.world.get(f"/documents/{document_id}", "clinician").status_code == 403
    done = told.world.post(f"/ledger/{duty}/filings", OFFICER, data={"method": "mail", "document_id": document_id})
    assert done.status_code == 303
    assert "đang chờ gửi" in words(told.world.get("/desk/list", OFFICER).text)
    told.world.hand_over()
    assert told.duty_state(duty) == "filed"
    page = words(told.world.get(f"/ledger/{duty}", OFFICER).text)
    assert "đã gửi, chưa rõ đã nhận" in page and "Ghi nhận trả lời của nơi nhận" in page


def test_filing_by_hand_needs_when_and_which_number_and_keeps_what_was_typed(told: Told) -> None:
    duty = told.duty()
    typed = {"method": "portal", "document_id": document(told, duty), "sent_date": "2030-01-01", "sent_time": "08:00"}
    refused = told.world.post(f"/ledger/{duty}/filings", OFFICER, data=typed)
    assert refused.status_code == 422
    shown = words(refused.text)
    assert "Cần số tham chiếu" in shown and "Thời điểm này ở tương lai" in shown
    assert 'value="2030-01-01"' in refused.text and 'value="portal" checked' in refused.text
    assert 'href="#hand-reference"' in refused.text and 'id="hand-reference"' in refused.text
    missing = told.world.post(f"/ledger/{duty}/filings", OFFICER, data={"method": "hand", "reference": "kept 77"})
    assert "Đã nộp lúc nào?" in words(missing.text) and 'value="kept 77"' in missing.text
    nothing = told.world.post(f"/ledger/{duty}/filings", OFFICER, data={})
    assert nothing.status_code == 422 and "Nộp bằng cách nào?" in words(nothing.text)
    assert told.duty_state(duty) == "open"


def test_a_proof_makes_it_received_and_can_be_had_again_as_a_download(told: Told) -> None:
    duty = told.duty("astt")
    now = told.world.clock.now() + timedelta(hours=7, minutes=-1)
    form = {
        "method": "hand",
        "document_id": document(told, duty),
        "sent_date": f"{now:%Y-%m-%d}",
        "sent_time": f"{now:%H:%M}",
        "reference": "CV-9",
    }
    stamp = {"proof": ("dấu đến.html", b"<script>alert(1)</script>", "text/html")}
    done = told.world.post(f"/ledger/{duty}/filings", OFFICER, data=form, files=stamp)
    assert done.status_code == 303 and told.duty_state(duty) == "received"
    ledger = told.world.get(f"/ledger?case={told.number}", OFFICER).text
    assert "CV-9" in ledger and "bằng chứng tải lên" in ledger
    path = re.findall(r'href="(/documents/proofs/[0-9a-f-]+)"', ledger)[0]
    proof = told.world.get(path, OFFICER)
    assert proof.content == stamp["proof"][1] and proof.headers["content-type"] == "application/octet-stream"
    assert proof.headers["content-disposition"].startswith("attachment")


def test_a_rejection_needs_reasons_opens_again_and_keeps_the_date(told: Told) -> None:
    duty = told.duty("iec")
    due = told.world.get(f"/api/v1/obligations/{duty}", OFFICER).json()["obligation"]["due_at"]
    now = told.world.clock.now() + timedelta(hours=7, minutes=-2)
    day, hour = f"{now:%Y-%m-%d}", f"{now:%H:%M}"
    sent = {"method": "hand", "document_id": document(told, duty), "sent_date": day, "sent_time": hour}
    told.world.post(f"/ledger/{duty}/filings", OFFICER, data=sent | {"reference": "A1"})
    page = told.world.get(f"/ledger/{duty}", OFFICER).text
    action = re.findall(r'action="(/ledger/[0-9a-f-]+/filings/[0-9a-f-]+/receipts)"', page)[0]
    empty = told.world.post(action, OFFICER, data={})
    assert empty.status_code == 422 and "Đã nhận hay bị trả lại?" in words(empty.text)
    answer = {"verdict": "rejected", "kind": "answer", "at_date": day, "at_time": hour, "reference": "12/HĐ"}
    bare = told.world.post(action, OFFICER, data=answer)
    assert bare.status_code == 422 and "Vì sao bị trả lại?" in words(bare.text) and 'value="12/HĐ"' in bare.text
    assert told.world.post(action, OFFICER, data=answer | {"reasons": "thiếu trang 2"}).status_code == 303
    assert told.duty_state(duty) == "rejected"
    after = told.world.get(f"/ledger/{duty}", OFFICER).text
    assert "thiếu trang 2" in after and "bị trả lại" in words(after)
    assert told.world.get(f"/api/v1/obligations/{duty}", OFFICER).json()["obligation"]["due_at"] == due
    other = told.duty("necbr")
    assert told.world.post(action.replace(duty, other), OFFICER, data=answer).status_code == 404


def test_what_changed_since_the_version_the_recipient_holds(told: Told) -> None:
    duty = told.duty()
    now = told.world.clock.now() + timedelta(hours=7, minutes=-1)
    form = {
        "method": "hand",
        "document_id": document(told, duty),
        "sent_date": f"{now:%Y-%m-%d}",
        "sent_time": f"{now:%H:%M}",
        "reference": "CV-1",
    }
    told.world.post(f"/ledger/{duty}/filings", OFFICER, data=form, files={"proof": ("a.png", b"x", "image/png")})
    event = told.world.get(f"/api/v1/cases/{told.case_id}", "clinician").json()["case"]["events"][0]["event_id"]
    told.amend(events=[{"event_id": event, "outcome": "recovering"}])
    page = words(told.world.get(f"/ledger/{duty}", OFFICER).text)
    assert "Thay đổi từ phiên bản 1 mà nơi nhận đang giữ" in page and "Đang hồi phục" in page
    assert "Ca đã có phiên bản 2; hãy lập lại mẫu" in page


def test_the_ledger_is_a_matrix_of_cases_and_recipients(told: Told) -> None:
    page = told.world.get(f"/ledger?case={told.number}", OFFICER)
    shown = words(page.text)
    assert page.text.count(f'<strong><a href="/cases/{told.case_id}">') == 1
    for name in ("Bộ phận an toàn của nhà tài trợ", "Hội đồng Đạo đức cấp cơ sở", "VN-SAE-7WD", "còn nợ 8"):
        assert name in shown
    nothing = words(told.world.get("/ledger?case=%25nothing%00", OFFICER).text)
    assert "Không có ca nào" in nothing


@pytest.mark.parametrize("path", ["/ledger/none", "/alerts/none", "/documents/none", "/documents/proofs/none"])
def test_what_is_not_there_is_404(world: ApiWorld, path: str) -> None:
    assert world.get(path, OFFICER).status_code == 404


# Parked events ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["ae_intake", "causality", "sae_notifier", "dsmb"])
def test_parked_events_are_replayed_or_discarded_with_a_reason(world: ApiWorld, service: str) -> None:
    parked_id = parked(world, service)
    base = f"/ops/{service}/parked"
    assert f'data-fragment="{base}"' in world.get("/parked", OFFICER).text
    page = world.get(base, OFFICER, headers=FRAGMENT)
    assert "Không đọc được" in words(page.text) and f"{base}/{parked_id}/replay" in page.text
    bare = world.post(f"{base}/{parked_id}/discard", OFFICER, data={"reason": " x "})
    assert bare.status_code == 422 and "Hãy ghi lý do" in words(bare.text)
    again = world.post(f"{base}/{parked_id}/replay", OFFICER, data={"reason": "mended upstream"})
    assert again.status_code == 422 and "Vẫn không xử lý được" in words(again.text)
    assert 'value="mended upstream"' in again.text
    for user in (MONITOR, "auditor"):
        assert "/discard" not in world.get(base, user).text
        assert world.post(f"{base}/{parked_id}/discard", user, data={"reason": "let me"}).status_code == 403
    assert world.post(f"{base}/{parked_id}/discard", OFFICER, data={"reason": "broken for good"}).status_code == 303
    assert world.post(f"{base}/{parked_id}/discard", OFFICER, data={"reason": "once more"}).status_code == 409
    assert world.get(base, "clinician").status_code == 403


# Pressed twice ------------------------------------------------------------------------------------------------------


def keys(page: str) -> dict[str, str]:
    """The hidden key of every form of a page, by the form's address and method of telling."""
    forms = re.findall(r'<form method="post" action="([^"]+)"(.*?)</form>', page, re.DOTALL)
    found = {}
    for action, inside in forms:
        key = re.search(r'name="key" value="([^"]+)"', inside)
        way = "#mail" if 'name="method" value="mail"' in inside else ""
        found[action + way] = key[1] if key else ""
    return found


def handed(told: Told, minutes_ago: int = 2) -> tuple[str, str]:
    at_ = told.world.clock.now() + timedelta(hours=7, minutes=-minutes_ago)
    return f"{at_:%Y-%m-%d}", f"{at_:%H:%M}"


def sent_by_hand(told: Told, duty: str, reference: str = "RR 5") -> dict[str, str]:
    day, hour = handed(told)
    return {
        "method": "hand",
        "document_id": document(told, duty),
        "sent_date": day,
        "sent_time": hour,
        "reference": reference,
    }


def documents_of(told: Told) -> list[dict[str, Any]]:
    return told.world.get(f"/api/v1/documents?case_id={told.case_id}", OFFICER).json()["documents"]


def filings_of(told: Told) -> list[dict[str, Any]]:
    return told.world.get(f"/api/v1/filings?case_id={told.case_id}", OFFICER).json()["filings"]


def test_every_form_that_creates_something_carries_a_key_of_its_own(told: Told) -> None:
    duty = told.duty()
    told.world.post(f"/ledger/{duty}/filings", OFFICER, data=sent_by_hand(told, duty))
    found = {
        action: key
        for action, key in keys(told.world.get(f"/ledger/{duty}", OFFICER).text).items()
        if action.startswith("/ledger/")
    }
    assert len(found) == 4 and all(len(key) >= 8 for key in found.values()), found
    assert len(set(found.values())) == 4


def test_a_receipt_pressed_twice_is_one_receipt(told: Told) -> None:
    duty = told.duty("iec")
    told.world.post(f"/ledger/{duty}/filings", OFFICER, data=sent_by_hand(told, duty))
    page = told.world.get(f"/ledger/{duty}", OFFICER).text
    action = next(one for one in keys(page) if one.endswith("/receipts"))
    day, hour = handed(told, 1)
    answer = {
        "key": keys(page)[action],
        "verdict": "received",
        "kind": "proof",
        "at_date": day,
        "at_time": hour,
        "reference": "12/HĐ",
    }
    stamp = {"proof": ("stamp.png", b"PNG", "image/png")}
    for _ in range(2):
        assert told.world.post(action, OFFICER, data=answer, files=stamp).status_code == 303
    [filing] = filings_of(told)
    assert [one["reference"] for one in filing["receipts"]] == ["12/HĐ"]
    changed = told.world.post(action, OFFICER, data=answer | {"reference": "13/HĐ"}, files=stamp)
    assert changed.status_code == 409 and 'value="13/HĐ"' in changed.text, "what was typed is kept"
    assert "đã được gửi trước đó" in words(changed.text), "in the reader's language"
    anew = answer | {"reference": "13/HĐ", "key": keys(changed.text)[action]}
    assert told.world.post(action, OFFICER, data=anew, files=stamp).status_code == 303
    [filing] = filings_of(told)
    assert {one["reference"] for one in filing["receipts"]} == {"12/HĐ", "13/HĐ"}


def test_a_telling_pressed_twice_is_one_telling(told: Told) -> None:
    duty = told.duty("astt")
    form = sent_by_hand(told, duty)
    page = told.world.get(f"/ledger/{duty}", OFFICER).text
    form |= {"key": keys(page)[f"/ledger/{duty}/filings"]}
    stamp = {"proof": ("stamp.png", b"PNG", "image/png")}
    for _ in range(2):
        assert told.world.post(f"/ledger/{duty}/filings", OFFICER, data=form, files=stamp).status_code == 303
    [filing] = filings_of(told)
    assert len(filing["receipts"]) == 1 and told.duty_state(duty) == "received"


def test_the_form_to_be_made_is_chosen_and_named(told: Told) -> None:
    duty = told.duty()
    before = told.world.get(f"/ledger/{duty}", OFFICER).text
    assert re.search(r'name="kind" value="vn_sae_form" checked', before)
    made = told.world.post(f"/ledger/{duty}/documents", OFFICER, data={"kind": "cioms_i"})
    assert made.status_code == 303
    page = told.world.get(f"/ledger/{duty}", OFFICER, headers=ENGLISH).text
    assert "CIOMS I form, case version 1" in words(page)
    assert [one["kind"] for one in documents_of(told)] == ["cioms_i"]
    wrong = told.world.post(f"/ledger/{duty}/documents", OFFICER, data={"kind": "fda_3500a"})
    assert wrong.status_code == 422
    assert "Không có mẫu này" in words(wrong.text)
    assert 'href="#documents-kind"' in wrong.text and 'id="documents-kind"' in wrong.text


def test_the_same_press_asking_for_another_form_is_refused(told: Told) -> None:
    duty = told.duty()
    key = keys(told.world.get(f"/ledger/{duty}", OFFICER).text)[f"/ledger/{duty}/documents"]
    for kind, status in (("cioms_i", 303), ("cioms_i", 303), ("vn_sae_form", 409)):
        done = told.world.post(f"/ledger/{duty}/documents", OFFICER, data={"key": key, "kind": kind})
        assert done.status_code == status
    assert len(documents_of(told)) == 1


def test_a_form_made_twice_from_the_same_facts_is_one_document(told: Told) -> None:
    duty = told.duty()
    first = document(told, duty)
    told.world.clock.advance(minutes=3)
    assert document(told, duty) == first, "the day it was made is no new fact"
    form = {"method": "mail", "document_id": first}
    assert told.world.post(f"/ledger/{duty}/filings", OFFICER, data=form).status_code == 303
    told.world.hand_over()
    assert document(told, duty) == first, "that it was sent is no new fact either"
    assert [one["document_id"] for one in documents_of(told)] == [first]
    page = told.world.get(f"/ledger/{duty}", OFFICER).text
    pressed = {"key": keys(page)[f"/ledger/{duty}/documents"]}
    told.amend()
    for _ in range(2):
        assert told.world.post(f"/ledger/{duty}/documents", OFFICER, data=pressed).status_code == 303
    assert sorted(one["case_version"] for one in documents_of(told)) == [1, 2]
    told.amend(reason="more still")
    assert told.world.post(f"/ledger/{duty}/documents", OFFICER, data=pressed).status_code == 303
    assert len(documents_of(told)) == 2, "the same press, late: nothing new"


def test_a_new_fact_about_the_child_makes_another_document_of_the_same_version(told: Told) -> None:
    duty = told.duty()
    first = document(told, duty)
    told.world.infusion(told.child, "2026-03-10T07:00", "2026-03-10T07:10")
    told.world.drain()
    document(told, duty)
    versions = {one["document_id"]: one["case_version"] for one in documents_of(told)}
    assert first in versions and list(versions.values()) == [1, 1]
