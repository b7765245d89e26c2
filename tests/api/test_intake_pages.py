"""The pages of ae_intake as a browser without scripts meets them: nothing typed is lost, nothing is answered for anybody."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ae_intake.main import create_app
from services.ae_intake.pages import timeline
from services.ae_intake.pages.posted import Posted, merge
from services.ae_intake.pages.specs import Reading, Spec, changed, moment, read, shown
from shared.auth.guard import COOKIE
from shared.case import CRITERIA, Exposure, Moment
from shared.case.periods import Edge
from shared.settings import Settings
from shared.web.i18n import LANGUAGES, ONE, Catalogue
from tests.api.client import Client

HANOI = "Asia/Ho_Chi_Minh"
HERE = Path(__file__).parents[2] / "services/ae_intake"
ELSEWHERE = "clinician-elsewhere"
_children = iter(range(100, 1000))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    app = create_app(Settings.load({"TOCSIN_VAR": str(tmp_path_factory.mktemp("intake"))}))
    now = datetime.now(UTC)
    app.state.auth.users.add(ELSEWHERE, "Elsewhere", f"tocsin-demo-{ELSEWHERE}", ["clinician"], now=now, sites=["X"])
    with Client(app) as client:
        yield client


@pytest.fixture(autouse=True)
def _signed_in(client: Client) -> None:
    sign_in(client)


def sign_in(client: Client, user: str = "clinician") -> None:
    client.cookies.clear()
    answer = client.post("/sign-in", data={"username": user, "password": f"tocsin-demo-{user}"})
    assert answer.status_code == 303


def child(client: Client) -> str:
    code = f"VN01-{next(_children)}"
    body = {"subject_id": code, "birth": {"value": "2021-03", "zone": HANOI}}
    assert client.post("/api/v1/subjects", json=body).status_code == 201
    return code


def exposure(client: Client, code: str, **more: Any) -> str:
    body = {"subject_id": code, "kind": "bm_mnc_infusion", "infusion_number": 1} | more
    answer = client.post("/api/v1/exposures", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["exposure_id"]


def report(client: Client, **fields: Any) -> str:
    """The case's id."""
    answer = client.post("/report", data={"key": f"key-{next(_children)}-0000", "what": "Sốt cao"} | fields)
    assert answer.status_code == 303, wrongs(answer)
    return answer.headers["location"].split("/")[2]


def case_of(client: Client, case_id: str) -> dict[str, Any]:
    return client.get(f"/api/v1/cases/{case_id}").json()["case"]


def wrongs(answer: httpx.Response) -> list[str]:
    return [unescape(text) for text in re.findall(r'class="wrong"[^>]*>([^<]+)', answer.text)]


def fields_of(page: str, action: str) -> dict[str, list[str]]:
    """What a browser would send of the form with that action, untouched."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    assert form, page
    found: dict[str, list[str]] = {}
    text = form[0]
    for tag in re.findall(r"<input[^>]*>", text):
        name, value = _attribute(tag, "name"), _attribute(tag, "value")
        if name and (_attribute(tag, "type") not in ("radio", "checkbox") or " checked" in tag):
            found.setdefault(name, []).append(value)
    for name, inner in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.S):
        found.setdefault(name, []).append(unescape(inner.removeprefix("\n")))
    for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        options = re.findall(r'<option value="([^"]*)"( selected)?', inner)
        chosen = [value for value, marked in options if marked] or [options[0][0]]
        found.setdefault(name, []).append(unescape(chosen[0]))
    return found


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


# --- the phone page


def test_nothing_is_chosen_before_anybody_chooses(client: Client) -> None:
    page = client.get("/report").text
    form = fields_of(page, "/report")
    assert {name for name, values in form.items() if any(values)} == {"key"}
    assert page.count('class="step"') == 6 and " checked" not in page and " selected" not in page
    assert '<html lang="vi">' in page and 'maxlength="50000"' in page


def test_each_answer_answers_one_criterion_and_the_rest_stays_unknown(client: Client) -> None:
    case = case_of(client, report(client, bad_death="no", bad_hospitalisation="yes", bad_disability="unknown"))
    answers = case["events"][0]["seriousness"]
    assert answers == dict.fromkeys(CRITERIA, "unknown") | {"death": "no", "hospitalisation": "yes"}
    assert case["site_aware"] is None and case["given"]["answer"] == "unknown" and case["events"][0]["onset"] is None


def test_none_of_these_answers_no_only_where_nothing_was_answered(client: Client) -> None:
    case = case_of(client, report(client, bad_none="1", bad_life_threatening="unknown", bad_disability="yes"))
    answers = case["events"][0]["seriousness"]
    assert answers == dict.fromkeys(CRITERIA, "no") | {"life_threatening": "unknown", "disability": "yes"}


def test_partial_times_and_what_was_given_arrive_as_told(client: Client) -> None:
    code = child(client)
    case = case_of(
        client,
        report(
            client,
            child=code.lower(),
            onset_date="2026-03-09",
            aware_date="2026-03-10",
            aware_time="02:00",
            given_kinds=["bm_mnc_infusion", "opioid"],
            given_text="fentanyl 10 µg",
        ),
    )
    assert case["subject_id"] == code and case["source"] == "phone_page" and case["reporter_role"] == "clinician"
    assert case["events"][0]["onset"] == {"value": "2026-03-09", "zone": HANOI}
    assert case["site_aware"] == {"value": "2026-03-10T02:00", "zone": HANOI}
    assert case["given"]["answer"] == "yes" and case["given"]["kinds"] == ["bm_mnc_infusion", "opioid"]
    contrary = case_of(client, report(client, given="no", given_kinds=["opioid"]))["given"]
    assert contrary["answer"] == "unknown" and contrary["kinds"] == ["opioid"], "a contradiction is asked back"


def test_pressed_twice_it_is_sent_once_and_other_words_are_not_swallowed(client: Client) -> None:
    data = {"key": "same-key-0001", "what": "Nôn"}
    first, second = client.post("/report", data=data), client.post("/report", data=data)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    other = client.post("/report", data=data | {"what": "Nôn và sốt"})
    assert other.status_code == 409 and "Nôn và sốt" in other.text
    assert fields_of(other.text, "/report")["key"] != ["same-key-0001"]


def test_what_cannot_be_read_keeps_every_word_and_stands_on_the_desk(client: Client) -> None:
    typed = {
        "key": "bad-key-00001",
        "child": "Nguyễn Văn <A>",
        "what": "Sốt\ncao & co giật",
        "onset_time": "02:10",
        "bad_death": "no",
        "given_kinds": ["opioid"],
        "aware_unknown": "1",
    }
    answer = client.post("/report", data=typed)
    assert answer.status_code == 422
    assert len(wrongs(answer)) == 2 and "ví dụ VN01-007" in wrongs(answer)[0] and "phải có ngày" in wrongs(answer)[1]
    kept = fields_of(answer.text, "/report")
    assert kept["child"] == ["Nguyễn Văn <A>"] and kept["what"] == ["Sốt\ncao & co giật"]
    assert kept["onset_time"] == ["02:10"] and kept["bad_death"] == ["no"] and kept["given_kinds"] == ["opioid"]
    rejected_id = re.search(r"\(mã ([0-9a-f-]{36})\)", answer.text)
    assert rejected_id
    sign_in(client, "safety-officer-1")
    page = client.get("/rejected").text
    article = page[page.index(f'id="r-{rejected_id[1]}"') :]
    assert "Nguyễn Văn &lt;A&gt;" in article and "<A>" not in page and "Mã trẻ:" in article
    desk = client.get("/fragments/intake/rejected", headers={"x-fragment": "1"}).text
    row = desk[desk.rindex("<tr>", 0, desk.index(rejected_id[1])) :]
    assert "clinician" in row and "trang điện thoại" in row and "Mã trẻ:" in row, "who, how and why"
    assert f'href="/rejected#r-{rejected_id[1]}"' in desk and "UTC+7" in row, "where to close it, and when it came"
    assert "Nguyễn Văn" not in desk and "Sốt" not in desk, "what was written stays on its own page"
    close = f"/rejected/{rejected_id[1]}/close"
    short = client.post(close, data={"reason": " x"})
    assert short.status_code == 422 and 'value=" x"' in short.text
    for _ in range(2):
        pressed = client.post(close, data={"reason": "đã gọi lại", "key": "pressed-twice"})
        assert pressed.headers["location"] == "/rejected?done=1"
    assert rejected_id[1] not in client.get("/fragments/intake/rejected").text
    assert rejected_id[1] not in client.get("/rejected?done=1").text
    assert client.post(close, data={"reason": "lần nữa"}).status_code == 409


def test_an_empty_report_says_so(client: Client) -> None:
    answer = client.post("/report", data={"key": "empty-key-0001", "aware_date": "2026-03-10"})
    assert answer.status_code == 422 and "còn trống" in wrongs(answer)[0]
    assert fields_of(answer.text, "/report")["aware_date"] == ["2026-03-10"]


def test_a_sign_in_that_ended_keeps_the_text_and_one_press_sends_it(client: Client) -> None:
    data = {"key": "carried-key-01", "what": "Li bì\nbỏ bú", "bad_death": "no", "given_kinds": ["opioid", "sedation"]}
    client.cookies.set(COOKIE, "ended")
    page = client.post("/report", data=data)
    assert page.status_code == 401
    client.cookies.clear()
    carried = re.search(r'name="carried" value="([^"]+)"', page.text)
    assert carried
    again = client.post(
        "/sign-in",
        data={"username": "clinician", "password": "tocsin-demo-clinician", "carried": unescape(carried[1])},
    )
    fields = fields_of(again.text, "/report")
    assert fields["what"] == ["Li bì\nbỏ bú"] and fields["given_kinds"] == ["opioid", "sedation"]
    sent = client.post("/report", data=fields)
    assert sent.status_code == 303
    event = case_of(client, sent.headers["location"].split("/")[2])["events"][0]
    assert event["verbatim"]["text"] == "Li bì\nbỏ bú" and event["seriousness"]["death"] == "no"


def test_the_receipt_tells_what_is_missing_who_is_called_and_shows_the_alerts(client: Client) -> None:
    case_id = report(client, child=child(client))
    page = client.get(f"/report/{case_id}/receipt").text
    assert f'data-fragment="/fragments/notifier/cases/{case_id}/alerts"' in page and 'data-refresh="3"' in page
    assert f'href="/cases/{case_id}/amend#f-e0_onset"' in page and f'href="/cases/{case_id}/amend#f-e0_death"' in page
    assert "trực" in page and case_of(client, case_id)["case_number"] in page
    form = client.get(f"/cases/{case_id}/amend").text
    for anchor in re.findall(rf'/cases/{case_id}/amend#([\w-]+)"', page):
        assert f'id="{anchor}"' in form, anchor
    sign_in(client, ELSEWHERE)
    assert client.get(f"/report/{case_id}/receipt").status_code == 404


def test_a_report_about_another_sites_child_gives_a_receipt_and_no_more(client: Client) -> None:
    code = child(client)
    sign_in(client, ELSEWHERE)
    case_id = report(client, child=code, what="Ngã")
    page = client.get(f"/report/{case_id}/receipt")
    assert page.status_code == 200 and "cơ sở khác" in page.text and "Ngã" not in page.text
    for path in (f"/cases/{case_id}", f"/cases/{case_id}/amend", f"/subjects/{code}"):
        assert client.get(path).status_code == 404, path
    assert code not in client.get("/cases").text and code not in client.get("/report").text


def test_a_post_from_another_site_is_refused(client: Client) -> None:
    answer = client.post("/report", data={"what": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


# --- amending


def amend(client: Client, case_id: str, **typed: Any) -> httpx.Response:
    path = f"/cases/{case_id}/amend"
    fields = fields_of(client.get(path).text, path)
    return client.post(path, data=fields | {"reason": "có tin mới", "news_untold": "1"} | typed)


def test_only_what_the_form_changed_changes(client: Client) -> None:
    code = child(client)
    given = exposure(client, code, start={"value": "2026-03", "zone": HANOI})
    case_id = report(client, child=code, onset_date="2026-03-09", bad_death="no")
    event = case_of(client, case_id)["events"][0]
    body = {
        "reason": "partial times",
        "news_known": None,
        "events": [
            {
                "event_id": event["event_id"],
                "end": {"value": "2026", "zone": "Europe/Paris"},
                "grades": [{"grade": 2, "since": {"value": "2026-03-09T02", "zone": HANOI}}],
                "opinions": [{"kind": "opioid", "related": "no"}],
            }
        ],
    }
    assert (
        client.request("PATCH", f"/api/v1/cases/{case_id}", json=body, headers={"If-Match": '"1"'}).status_code == 200
    )
    before = case_of(client, case_id)
    answer = amend(
        client, case_id, e0_outcome="recovering", **{f"e0_opinion_{given}": "yes", f"e0_why_{given}": "14 h"}
    )
    assert answer.status_code == 303, wrongs(answer)
    after = case_of(client, case_id)
    opinions = after["events"][0].pop("opinions")
    assert [(one["kind"], one["exposure_id"], one["related"]) for one in opinions] == [
        ("opioid", None, "no"),
        ("bm_mnc_infusion", given, "yes"),
    ]
    assert after["events"][0].pop("outcome") == "recovering"
    before["events"][0].pop("opinions"), before["events"][0].pop("outcome")
    differ = {name for name in after if after[name] != before[name]}
    assert differ == {"version", "change_reason", "source", "recorded_at"}, "partial times came back as they were"


def test_the_time_of_the_news_is_asked_for(client: Client) -> None:
    case_id = report(client)
    answer = amend(client, case_id, news_untold="", e0_description="Diễn biến")
    assert answer.status_code == 422 and "lúc biết tin" in " ".join(wrongs(answer))
    kept = fields_of(answer.text, f"/cases/{case_id}/amend")
    assert kept["e0_description"] == ["Diễn biến"]
    told = client.post(
        f"/cases/{case_id}/amend", data=kept | {"news_date": "9/3/2026", "news_time": "2h10", "news_untold": ""}
    )
    assert told.status_code == 303 and case_of(client, case_id)["news_known"]["value"] == "2026-03-09T02:10"


def test_an_amendment_pressed_twice_is_one_version(client: Client) -> None:
    case_id = report(client)
    path = f"/cases/{case_id}/amend"
    data = fields_of(client.get(path).text, path) | {"reason": "có tin mới", "news_untold": "1", "e0_overdose": "no"}
    assert [client.post(path, data=data).status_code for _ in range(2)] == [303, 303]
    assert case_of(client, case_id)["version"] == 2


def test_terms_are_found_without_a_script_and_only_their_grades_exist(client: Client) -> None:
    case_id = report(client)
    path = f"/cases/{case_id}/amend"
    fields = fields_of(client.get(path).text, path) | {"e0_description": "Sốt từ tối"}
    found = client.post(path, data=fields | {"e0_term_words": "sot", "search": "e0_"})
    assert found.status_code == 200 and "Sốt từ tối" in found.text
    code = re.search(r'name="e0_term_pick" value="(\d+)">\s*<span>[^<]*<span class="muted">Fever', found.text)
    assert code, "the search offers fever"
    unpicked = amend(client, case_id, e0_term_words="sot")
    assert unpicked.status_code == 422 and "một trong các thuật ngữ" in " ".join(wrongs(unpicked))
    exact = amend(client, case_id, e0_term_words="Alopecia", e0_grade0="4")
    assert exact.status_code == 422 and "chỉ có độ 1, 2" in " ".join(wrongs(exact))
    assert fields_of(exact.text, path)["e0_term"], "the exact name was taken"
    assert re.search(r'name="e0_grade0".*?</select>', exact.text, re.S)
    picked = amend(
        client, case_id, e0_term_words="sot", e0_term_pick=code[1], e0_grade0="3", e0_since0_date="09/03/2026"
    )
    assert picked.status_code == 303
    event = case_of(client, case_id)["events"][0]
    assert event["term"]["term"] == "Fever" and event["grades"] == [
        {"grade": 3, "since": {"value": "2026-03-09", "zone": HANOI}}
    ]


def test_somebody_elses_amendment_loses_neither_text(client: Client) -> None:
    case_id = report(client)
    path = f"/cases/{case_id}/amend"
    mine = fields_of(client.get(path).text, path) | {
        "reason": "tin của tôi",
        "news_untold": "1",
        "e0_description": "Lời tôi viết",
        "e0_outcome": "recovering",
    }
    assert amend(client, case_id, e0_outcome="not_recovered", e0_overdose="no", reason="tin của họ").status_code == 303
    answer = client.post(path, data=mine)
    assert answer.status_code == 412 and "tin của họ" in answer.text
    kept = fields_of(answer.text, path)
    assert kept["version"] == ["2"] and kept["e0_description"] == ["Lời tôi viết"] and kept["reason"] == ["tin của tôi"]
    assert kept["e0_outcome"] == ["recovering"] and "Người khác cũng vừa sửa" in " ".join(wrongs(answer))
    assert kept["e0_overdose"] == ["no"], "what only they changed stays theirs"
    assert client.post(path, data=kept).status_code == 303
    event = case_of(client, case_id)["events"][0]
    assert (event["outcome"], event["overdose"], event["description"]["text"]) == ("recovering", "no", "Lời tôi viết")


def test_another_event_can_be_added_and_nothing_else_of_it_is_answered(client: Client) -> None:
    case_id = report(client)
    assert amend(client, case_id, n_verbatim="Phát ban", n_onset_date="03/2026").status_code == 303
    first, second = case_of(client, case_id)["events"]
    assert first["verbatim"]["text"] == "Sốt cao" and second["verbatim"]["text"] == "Phát ban"
    assert second["onset"]["value"] == "2026-03" and set(second["seriousness"].values()) == {"unknown"}
    assert amend(client, case_id, e0_overdose="no").status_code == 303
    assert len(case_of(client, case_id)["events"]) == 2


def test_times_that_cannot_be_read_are_marked_at_their_field(client: Client) -> None:
    case_id = report(client)
    answer = amend(client, case_id, e0_onset_date="31/02/2026", site_aware_time="02:00", reason="ok")
    assert answer.status_code == 422
    ids = re.findall(r'id="(f-[\w-]+)" aria-invalid="true"', answer.text)
    assert {"f-e0_onset", "f-site_aware"} <= set(ids) and "31/02/2026" in answer.text
    assert case_of(client, case_id)["version"] == 1


# --- reading a case


def test_the_case_page_shows_facts_differences_the_picture_and_the_trail(client: Client) -> None:
    code = child(client)
    exposure(client, code, start={"value": "2026-03-08T12:00", "zone": HANOI})
    exposure(
        client, code, kind="piracetam", start={"value": "2026-03", "zone": HANOI}, ongoing=True, infusion_number=None
    )
    case_id = report(client, child=code, onset_date="2026-03-09", onset_time="02:10", bad_death="no")
    amend(client, case_id, e0_grade0="4", reason="cấy dương tính <b>")
    page = client.get(
        f"/cases/{case_id}?lang=en", headers={"cookie": f"{COOKIE}={client.cookies[COOKIE]}; tocsin_zone=Europe/Paris"}
    ).text
    client.cookies.delete("tocsin_lang")
    assert "2026-03-09 02:10 (UTC+7)" in page and "2026-03-08 20:10 (UTC+1)" in page, "both zones"
    assert "Not answered: counts as serious" in page and "cấy dương tính &lt;b&gt;" in page
    assert re.search(r"<del>No answer yet</del>.*?<ins>4</ins>", page, re.S), "the newest change is shown"
    assert page.count("<svg") >= 2 and 'class="tl-infusion tl-edge"' in page and "tl-doubt" in page
    assert " style=" not in page and not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "This picture in words" in page and "Reported a case" in page and "Amended a case" in page
    for fragment in (f"causality/cases/{case_id}", f"notifier/cases/{case_id}/duties"):
        assert f'data-fragment="/fragments/{fragment}"' in page
    older = client.get(f"/cases/{case_id}?v=1").text
    assert "Đây là phiên bản 1" in older
    same = client.get(f"/cases/{case_id}?old=1&new=1").text
    assert "Không có trường nào khác" in same
    assert client.get(f"/cases/{case_id}?v=9").status_code == 404


def test_a_case_begins_with_what_matters_and_says_what_nobody_was_asked(client: Client) -> None:
    case_id = report(client, child=child(client), bad_death="unknown")
    page = client.get(f"/cases/{case_id}?lang=en").text
    places = [page.index(f'id="{part}"') for part in ("alerts", "duties", "facts", "course", "assessment", "changes")]
    assert page.index('id="h-glance"') < places[0] and places == sorted(places)
    folded = re.findall(r'<details class="part"( open)?>.*?<div id="([a-z]+)"', page, re.S)
    assert [name for opened, name in folded if opened] == ["alerts", "duties", "facts"]
    assert f'href="/cases/{case_id}/amend#f-e0_outcome"' in page and "Not asked yet" in page
    form = client.get(f"/cases/{case_id}/amend").text
    for anchor in set(re.findall(rf'href="/cases/{case_id}/amend#([^"]+)"', page)):
        assert f'id="{anchor}"' in form, f"{anchor} leads nowhere"
    death = page[page.index("<dt>Death</dt>") :][:400]
    assert "Don&#39;t know" in death and "Not asked yet" not in death, "the phone page has asked"
    amend(client, case_id, e0_overdose="no", reason="asked the ward")
    after = client.get(f"/cases/{case_id}").text
    client.cookies.delete("tocsin_lang")
    assert "Not asked yet" not in after and "No answer yet" in after, "the whole form has been shown to somebody"
    assert 'class="part" open' in client.get(f"/cases/{case_id}?done=amended").text.split('id="changes"')[0][-300:]


def test_cases_are_found_by_number_and_child(client: Client) -> None:
    code = child(client)
    case_id = report(client, child=code)
    number = case_of(client, case_id)["case_number"]
    for asked in (number, number.lower(), code, code.lower()):
        page = client.get("/cases", params={"q": asked}).text
        assert page.count(f'href="/cases/{case_id}"') == 1 and page.count("<tr>") == 2, asked
    assert "Chưa có ca nào" in client.get("/cases", params={"q": "nothing"}).text


def test_nullifying_needs_the_role_a_reason_and_a_case_that_exists(client: Client) -> None:
    case_id, other = report(client), report(client)
    path = f"/cases/{case_id}/nullify"
    assert client.get(path).status_code == 403
    assert path not in client.get(f"/cases/{case_id}").text
    sign_in(client, "safety-officer-1")
    fields = fields_of(client.get(path).text, path)
    wrong = client.post(path, data=fields | {"reason": "báo trùng", "replaced_by": "VN-NOTHING"})
    assert wrong.status_code == 422 and "Không có ca nào khác" in " ".join(wrongs(wrong)) and "báo trùng" in wrong.text
    number = case_of(client, other)["case_number"]
    done = client.post(path, data=fields | {"reason": "báo trùng", "replaced_by": number})
    assert done.status_code == 303
    page = client.get(f"/cases/{case_id}").text
    assert "báo trùng" in page and f'href="/cases/{other}"' in page and "/amend" not in page


# --- children


def test_a_child_is_recorded_corrected_and_voided_by_pages(client: Client) -> None:
    code = f"VN01-{next(_children)}"
    new = "/subjects/new/child"
    page = client.get(new).text
    assert " checked" not in page and " selected" not in page
    data = {"key": f"child-{code}", "subject_id": code, "birth_date": "03/2021", "enrolled_date": "09/03/2026"}
    assert client.post(new, data=data).headers["location"] == f"/subjects/{code}?done=recorded"
    assert client.post(new, data=data).status_code == 303, "twice is once"
    assert client.post(new, data=data | {"key": f"other-{code}"}).status_code == 409
    path = f"/subjects/{code}/child/{code}"
    fields = fields_of(client.get(path).text, path)
    assert fields["birth_date"] == ["03/2021"] and fields["sex"] == ["unknown"]
    assert client.post(path, data=fields | {"reason": "không đổi gì"}).status_code == 422
    short = client.post(path, data=fields | {"sex": "female", "reason": "x"})
    assert short.status_code == 422 and 'value="x"' in short.text
    done = client.post(path, data=fields | {"sex": "female", "reason": "ghi thiếu", "key": "another-key-1"})
    assert done.headers["location"] == f"/subjects/{code}?done=corrected"
    subject = client.get(f"/api/v1/subjects/{code}").json()["subject"]
    assert subject["sex"] == "female" and subject["birth"] == {"value": "2021-03", "zone": HANOI}
    sheet = client.get(f"/subjects/{code}").text
    assert "09/03/2026" in sheet and "Giai đoạn chứng" in sheet
    history = client.get(path).text
    assert "<del>Chưa rõ</del> → <ins>Nữ</ins>" in history and "ghi thiếu" in history


def test_exposures_batches_and_measurements_have_forms_versions_and_an_end(client: Client) -> None:
    code = child(client)
    made = client.post(
        f"/subjects/{code}/exposures/new",
        data={
            "key": "exp-key-0001",
            "kind": "muscle_relaxant",
            "name": "baclofen",
            "dose_value": "7,50",
            "dose_unit": "mg/d",
            "start_date": "2026",
            "ongoing": "yes",
        },
    )
    assert made.status_code == 303
    (one,) = client.get("/api/v1/exposures", params={"subject_id": code}).json()["exposures"]
    assert (
        one["dose"] == {"value": "7.50", "unit": "mg/d"} and one["start"]["value"] == "2026" and one["ongoing"] is True
    )
    path = f"/subjects/{code}/exposures/{one['exposure_id']}"
    stale = fields_of(client.get(path).text, path)
    assert client.post(path, data=stale | {"end_date": "03/2026", "reason": "ngừng thuốc"}).status_code == 303
    late = client.post(path, data=stale | {"route": "uống", "reason": "đường dùng", "key": "exp-key-0002"})
    assert late.status_code == 412 and fields_of(late.text, path)["end_date"] == ["03/2026"]
    assert client.post(path, data=fields_of(late.text, path)).status_code == 303
    bad = client.post(f"/subjects/{code}/measurements/new", data={"key": "m-key-00001", "test": "Sốt", "value": "cao"})
    assert bad.status_code == 422 and len(wrongs(bad)) == 2 and 'value="Sốt"' in bad.text
    assert (
        client.post(
            f"/subjects/{code}/batches/new",
            data={"key": "b-key-00001", "batch_id": f"B-{code}", "sterility": "negative"},
        ).status_code
        == 303
    )
    assert "Âm tính" in client.get(f"/subjects/{code}").text
    void = client.post(f"{path}/void", data={"version": "3", "reason": "ghi nhầm trẻ", "key": "v-key-00001"})
    assert void.headers["location"] == f"/subjects/{code}?done=voided"
    assert "Đã hủy" in client.get(f"/subjects/{code}").text and "ghi nhầm trẻ" in client.get(path).text
    assert client.get(f"/subjects/{code}/arms/new").status_code == 404


def test_an_allocation_is_shown_nowhere(client: Client) -> None:
    code = child(client)
    case_id = report(client, child=code)
    before = client.get(f"/subjects/{code}").text
    sign_in(client, "investigator")
    answer = client.post("/api/v1/allocations", json={"subject_id": code, "arm": "B"})
    assert answer.status_code < 300, answer.text
    sign_in(client)
    assert client.get(f"/subjects/{code}").text == before
    assert "allocation" not in client.get(f"/cases/{case_id}").text


def test_departures_from_the_plan_are_shown(client: Client) -> None:
    code = child(client)
    exposure(client, code, start={"value": "2026-03-08T12:00", "zone": HANOI})
    page = client.get(f"/subjects/{code}").text
    assert "thiếu ngày tuyển vào" in page and "9 tháng đầu" in page


@pytest.mark.parametrize("user", ["dsmb-member", "auditor"])
def test_roles(client: Client, user: str) -> None:
    sign_in(client, user)
    assert client.get("/report").status_code == 403
    assert client.get("/cases").status_code == (200 if user == "auditor" else 403)
    assert client.get("/rejected").status_code == 403


# --- words


def test_both_languages_hold_the_same_keys_and_places() -> None:
    tables = [tomllib.loads((HERE / f"templates/i18n/{one}.toml").read_text(encoding="utf-8")) for one in LANGUAGES]
    vi, en = ({key: _places(text) for key, text in _flat(table) if not key.endswith(ONE)} for table in tables)
    assert vi == en


def _flat(table: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_key_that_templates_and_pages_ask_for_exists() -> None:
    catalogue = Catalogue(HERE / "templates/i18n")
    for file in [*(HERE / "templates").glob("*.html"), *(HERE / "pages").glob("*.py")]:
        for key in re.findall(r"""\bt\(f?['"]([a-z_.]+)['"](?![^)]*~)""", file.read_text(encoding="utf-8")):
            assert key.endswith(".") or catalogue.has(key), f"{file.name}: {key}"


def test_pages_hold_no_inline_script_or_style() -> None:
    for file in (HERE / "templates").glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\son[a-z]+=\"|<script(?![^>]*\bsrc=)|<style|\sstyle\s*=\"", text), file.name


# --- forms as data


@given(
    value=st.one_of(
        st.dates(min_value=datetime(1900, 1, 2).date()).map(lambda day: day.isoformat()).filter(lambda d: d < "2200"),
        st.dates(min_value=datetime(1900, 1, 2).date())
        .map(lambda day: day.isoformat()[:7])
        .filter(lambda d: d < "2200"),
        st.integers(1900, 2199).map(str),
    ),
    clock=st.sampled_from(["", "T02", "T02:10", "T23:59:59"]),
    lang=st.sampled_from(LANGUAGES),
)
def test_a_stored_time_survives_its_form(value: str, clock: str, lang: str) -> None:
    stored = Moment(value=value + (clock if len(value) == 10 else ""), zone="Europe/Paris")
    spec = Spec("onset", "moment")
    posted = Posted((name, text) for name, texts in shown(spec, stored, "onset", lang).items() for text in texts)
    again = read(spec, posted, "onset", Reading(lang, HANOI), stored)
    assert again == stored.model_dump() and not changed(spec, again, stored)


@given(date=st.text(max_size=12), clock=st.text(max_size=8), lang=st.sampled_from(LANGUAGES))
def test_what_was_typed_is_a_time_or_stays_as_typed(date: str, clock: str, lang: str) -> None:
    found = moment(date, clock, HANOI, lang)
    assert (found is None) == (not date.strip() and not clock.strip())


@pytest.mark.parametrize(
    ("date", "clock", "lang", "value"),
    [
        ("9/3/2026", "2h5", "vi", "2026-03-09T02:05"),
        ("09.03.2026", "2g", "vi", "2026-03-09T02"),
        ("2026-3-9", "", "en", "2026-03-09"),
        ("3/2026", "", "vi", "2026-03"),
        ("03/09/2026", "", "en", "03/09/2026"),
        ("", "02:10", "vi", "T02:10"),
    ],
)
def test_dates_as_people_write_them(date: str, clock: str, lang: str, value: str) -> None:
    assert moment(date, clock, HANOI, lang) == {"value": value, "zone": HANOI}


def test_three_ways_meet() -> None:
    base, mine, new = (Posted(pairs) for pairs in ([("a", "1"), ("b", "1"), ("c", "1")],
                                                   [("a", "2"), ("b", "1"), ("c", "2")],
                                                   [("a", "1"), ("b", "3"), ("c", "3")]))  # fmt: skip
    merged, both = merge(base, mine, new)
    assert [merged.text(name) for name in "abc"] == ["2", "3", "2"] and both == {"c"}


# --- the picture

NOW = datetime(2026, 3, 20, tzinfo=UTC)


def _exposure(**values: Any) -> Exposure:
    return Exposure(
        exposure_id="e",
        version=1,
        trial_id="t",
        subject_id="s",
        kind=values.pop("kind", "piracetam"),
        recorded_at=NOW,
        **values,
    )


def _draw(*things: timeline.Thing) -> timeline.Picture:
    window = timeline.whole_course(things, NOW)
    assert window
    return timeline.draw(things, window, NOW, HANOI)


def test_doubt_is_hatched_and_knowledge_is_solid() -> None:
    month = _exposure(start=Moment(value="2026-02", zone=HANOI), end=Moment(value="2026-03-10T08:00", zone=HANOI))
    (lane,) = _draw(timeline.of_exposure(month, "x")).lanes
    assert [span.doubt for span in lane.spans] == [True, False]
    open_end = _exposure(start=Moment(value="2026-03-01T08:00", zone=HANOI))
    (lane,) = _draw(timeline.of_exposure(open_end, "x")).lanes
    assert [span.doubt for span in lane.spans] == [True], "an end that is not known is no end"
    ongoing = _exposure(start=Moment(value="2026-03-01T08:00", zone=HANOI), ongoing=True)
    (lane,) = _draw(timeline.of_exposure(ongoing, "x")).lanes
    assert [(span.doubt, span.goes_on) for span in lane.spans] == [(False, True)]


def test_after_now_stands_only_what_is_planned_and_apart() -> None:
    month = _exposure(start=Moment(value="2026-03", zone=HANOI), ongoing=True)
    until_april = _exposure(
        start=Moment(value="2026-03-01T08:00", zone=HANOI), end=Moment(value="2026-04-30T08:00", zone=HANOI)
    )
    told_ahead = _exposure(kind="bm_mnc_infusion", start=Moment(value="2026-03-20T12:00", zone=HANOI))
    ahead = Edge(NOW + timedelta(hours=2), NOW + timedelta(hours=2))
    period = timeline.Thing("period", "period", Edge(NOW - timedelta(days=9), NOW - timedelta(days=9)), ahead)
    things = [timeline.of_exposure(one, one.kind + str(at)) for at, one in enumerate((month, until_april, told_ahead))]
    picture = _draw(*things, period, timeline.Thing("planned", "drug", ahead, None))
    assert picture.now_x is not None
    for lane in picture.lanes:
        for span in lane.spans:
            assert span.planned or span.x + span.width <= picture.now_x + 0.01, lane.label
            assert not span.planned or span.x >= picture.now_x - 0.5, lane.label
        assert all(mark.planned == (mark.x > picture.now_x) for mark in lane.marks)
    hollow = {lane.label for lane in picture.lanes if any(one.planned for one in (*lane.spans, *lane.marks))}
    assert hollow == {"bm_mnc_infusion2", "period", "planned"}


@given(
    starts=st.lists(st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 19)), min_size=1, max_size=6),
    hours=st.integers(0, 5000),
    style=st.sampled_from(["infusion", "procedure", "drug", "event", "period"]),
)
def test_everything_drawn_lies_inside(starts: list[datetime], hours: int, style: timeline.Style) -> None:
    things = []
    for number, start in enumerate(starts):
        first = start.replace(tzinfo=UTC)
        begin = Edge(first, first + timedelta(hours=number * 7))
        end = Edge(first + timedelta(hours=hours), first + timedelta(hours=hours + number))
        things.append(timeline.Thing(str(number), style, begin, end, momentary=style in ("infusion", "procedure")))
    picture = _draw(*things)
    assert len(picture.ticks) <= 6 and picture.height >= 44 * len(picture.lanes)
    for lane in picture.lanes:
        assert all(span.x >= 0 and span.x + span.width <= 98 for span in lane.spans)
        assert all(0 <= mark.x <= 98 for mark in lane.marks)
