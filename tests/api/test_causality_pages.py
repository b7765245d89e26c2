"""The assessment as pages: reasons in words, decisions that need reasons, a signature that needs the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.test_notifier_pages import ENGLISH, FRAGMENT, words
from tests.api.world import ELSEWHERE, ApiWorld, at

MONITOR = "medical-monitor-1"
PASSWORD = f"tocsin-demo-{MONITOR}"


@dataclass
class Judged:
    world: ApiWorld
    case_id: str
    number: str
    child: str

    @property
    def path(self) -> str:
        return f"/assessments/{self.case_id}"

    def now(self) -> dict[str, Any]:
        return self.world.get(f"/api/v1/assessments/{self.case_id}", MONITOR).json()

    def form(self, **changes: str) -> dict[str, str]:
        """The page's own form as a browser would send it untouched, with changes."""
        page = self.world.get(self.path, MONITOR).text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        for index in range(sum(name.startswith("pair.") for name in fields)):
            fields |= {f"accepted.{index}": "", f"reason.{index}": ""}
        meaning = re.findall(r'<input id="meaning"[^>]* value="([^"]*)"', page)[0]
        return fields | {"meaning": meaning, "password": PASSWORD} | changes

    def sign(self, user: str = MONITOR, **changes: str) -> httpx.Response:
        return self.world.post(f"{self.path}/sign", user, data=self.form(**changes))


@pytest.fixture(scope="module")
def world() -> Iterator[ApiWorld]:
    made = ApiWorld()
    yield made
    made.close()


@pytest.fixture
def judged(world: ApiWorld) -> Judged:
    child = world.child()
    world.infusion(child)
    case = world.case(child, given={"answer": "yes", "kinds": ["bm_mnc_infusion", "antibiotic"]})
    world.drain()
    return Judged(world, case["case_id"], case["case_number"], child)


def test_every_reason_stands_there_in_both_languages(judged: Judged) -> None:
    for path in (judged.path, f"/fragments/causality/cases/{judged.case_id}"):
        vietnamese = words(judged.world.get(path, MONITOR).text)
        assert "14.0 giờ sau phơi nhiễm" in vietnamese and "Có phơi nhiễm trước khi khởi phát?" in vietnamese
        assert "MINH HỌA" in vietnamese and "chưa ký, nên tính là có liên quan" in vietnamese
        assert "được báo, chưa ghi nhận" in vietnamese, "an antibiotic that nobody has recorded"
        english = words(judged.world.get(path, MONITOR, headers=ENGLISH).text)
        assert "14.0 h after the exposure" in english and "Unexpected" in english and "ILLUSTRATIVE" in english
        assert "Not answered, so counted as serious" in english


def test_the_whole_is_signed_as_proposed(judged: Judged) -> None:
    done = judged.sign(meaning="Tôi đồng ý")
    assert (done.status_code, done.headers["location"]) == (303, f"{judged.path}#signature")
    signature = judged.now()["assessment"]["signature"]
    page = words(judged.world.get(judged.path, MONITOR).text)
    assert f"{MONITOR} đã ký" in page and signature["sha256"] in page and "Tôi đồng ý" in page
    assert "Ký đánh giá" not in page
    fragment = words(judged.world.get(f"/fragments/causality/cases/{judged.case_id}", "clinician").text)
    assert signature["sha256"] in fragment


def test_an_override_needs_a_reason_and_keeps_what_was_typed(judged: Judged) -> None:
    refused = judged.sign(**{"accepted.0": "unlikely", "reason.1": "chưa đủ dữ liệu"})
    assert refused.status_code == 422
    assert "Khác đề xuất thì phải ghi lý do" in words(refused.text) and 'href="#reason-0"' in refused.text
    assert 'value="unlikely" selected' in refused.text and "chưa đủ dữ liệu" in refused.text
    assert judged.now()["status"] == "proposed"
    done = judged.sign(**{"accepted.0": "unlikely", "reason.0": "cấy máu ra phế cầu", "reason.1": "chưa đủ dữ liệu"})
    assert done.status_code == 303
    pairs = judged.now()["assessment"]["events"][0]["relatedness"]
    assert (pairs[0]["accepted"], pairs[0]["override_reason"]["text"]) == ("unlikely", "cấy máu ra phế cầu")
    assert (pairs[1]["accepted"], pairs[1]["override_reason"]["text"]) == ("conditional", "chưa đủ dữ liệu")
    assert "khác đề xuất" in words(judged.world.get(judged.path, MONITOR).text)


def test_a_wrong_password_signs_nothing_and_keeps_what_was_typed(judged: Judged) -> None:
    wrong = judged.sign(
        **{"accepted.0": "probable", "reason.0": "giữ lại câu này", "meaning": "ý nghĩa của tôi"}, password="guessed"
    )
    assert wrong.status_code == 403 and "CHƯA ký" in words(wrong.text)
    for kept in ('value="probable" selected', "giữ lại câu này", 'value="ý nghĩa của tôi"'):
        assert kept in wrong.text
    assert 'name="password"' in wrong.text and "guessed" not in wrong.text
    assert judged.now()["status"] == "proposed"


def test_a_signature_without_a_meaning_is_refused(judged: Judged) -> None:
    refused = judged.sign(meaning=" ")
    assert refused.status_code == 422 and "Hãy ghi chữ ký này có nghĩa gì" in words(refused.text)


def test_a_category_that_does_not_exist_is_refused(judged: Judged) -> None:
    assert judged.sign(**{"accepted.0": "surely", "reason.0": "so"}).status_code == 422
    assert judged.now()["status"] == "proposed"


def test_news_while_reading_is_told_and_the_text_kept(judged: Judged) -> None:
    form = judged.form(**{"accepted.0": "probable", "reason.0": "viết dở dang"})
    fever = {
        "subject_id": judged.child,
        "test": "body_temperature",
        "value": "40.1",
        "unit": "Cel",
        "taken": at("2026-03-11"),
    }
    assert judged.world.post("/api/v1/measurements", "clinician", json=fever).status_code == 201
    judged.world.drain()
    late = judged.world.post(f"{judged.path}/sign", MONITOR, data=form)
    assert late.status_code == 412 and "Hãy đọc bản mới" in words(late.text) and "viết dở dang" in late.text
    assert judged.now()["status"] == "proposed"


def test_what_was_signed_and_is_stale_waits_again_and_says_who_had_signed(judged: Judged) -> None:
    judged.sign()
    assert judged.number not in words(judged.world.get("/fragments/causality/unsigned", MONITOR).text)
    fever = {
        "subject_id": judged.child,
        "test": "body_temperature",
        "value": "39",
        "unit": "Cel",
        "taken": at("2026-03-11"),
    }
    judged.world.post("/api/v1/measurements", "clinician", json=fever)
    judged.world.drain()
    for path in ("/fragments/causality/unsigned", "/assessments"):
        assert f"{MONITOR} đã ký bản trước; có tin mới" in words(judged.world.get(path, MONITOR).text)
    old = words(judged.world.get(f"{judged.path}?version=2", MONITOR).text)
    assert f"{MONITOR} đã ký" in old and "bản trước" in old and "Ký đánh giá" not in old


def test_others_read_and_do_not_sign(judged: Judged) -> None:
    for user in ("safety-officer-1", "auditor", "clinician", "investigator"):
        page = judged.world.get(judged.path, user)
        assert page.status_code == 200 and "Ký đánh giá" not in page.text, user
        assert judged.world.post(f"{judged.path}/sign", user, data={}).status_code == 403
    for user in ("dsmb-member", "machine", "admin"):
        for path in (judged.path, "/assessments", f"/fragments/causality/cases/{judged.case_id}"):
            assert judged.world.get(path, user).status_code == 403
    assert judged.world.get(judged.path, ELSEWHERE).status_code == 404
    assert judged.number not in judged.world.get("/assessments", ELSEWHERE).text


def test_a_case_without_an_assessment_says_so(world: ApiWorld) -> None:
    case = world.case(world.child())
    fragment = world.get(f"/fragments/causality/cases/{case['case_id']}", "clinician", headers=FRAGMENT)
    assert fragment.status_code == 200 and "Chưa có đánh giá" in words(fragment.text)
    assert world.get(f"/assessments/{case['case_id']}", MONITOR).status_code == 404
    world.drain()


# A person's answers ----------------------------------------------------------------------------------------------


def asked(judged: Judged, **changes: str) -> dict[str, str]:
    """The answer form of the page as a browser would send it, about the infusion."""
    page = judged.world.get(judged.path, MONITOR).text
    form = page[page.index('id="answer"') :]
    fields = dict(re.findall(r'<input type="hidden" name="(version|key)" value="([^"]*)"', form))
    pair = re.findall(r'<option value="([^"]+/[^"]+)"', form)[0]
    said = {"question": "alternative_explains", "answer": "no", "reason": "Cấy máu và dịch não tủy âm tính"}
    return fields | {"pair": pair} | said | changes


def test_a_form_answers_one_question_and_the_page_says_what_rests_on_it(judged: Judged) -> None:
    page = judged.world.get(judged.path, MONITOR).text
    assert page.count("Trả lời câu hỏi mà hồ sơ không trả lời được") == 1, "not for what was reported and not recorded"
    form = asked(judged)
    done = judged.world.post(f"{judged.path}/answers", MONITOR, data=form)
    assert (done.status_code, done.headers["location"]) == (303, f"{judged.path}#answers")
    for user in (MONITOR, "clinician"):
        after = words(judged.world.get(judged.path, user).text)
        assert "dựa trên câu trả lời của người đánh giá" in after and "Cấy máu và dịch não tủy âm tính" in after
        assert f"Do người đánh giá {MONITOR} trả lời" in after
    english = words(judged.world.get(judged.path, MONITOR, headers=ENGLISH).text)
    assert "Answered by a person (1)" in english and "rests on a person's answer" in english
    assert "Probable" in english
    again = judged.world.post(f"{judged.path}/answers", MONITOR, data=form)
    assert again.status_code == 303, "pressed twice"
    assert len(judged.now()["assessment"]["answers"]) == 1


def test_a_link_at_each_pair_chooses_it_in_the_form(judged: Judged) -> None:
    page = judged.world.get(judged.path, MONITOR).text
    (link,) = re.findall(r'href="(/assessments/[^"]+)#answer"', page)
    form = judged.world.get(link.replace("&amp;", "&"), MONITOR).text
    assert re.search(r'<option value="[^"]+/[^"]+" selected', form[form.index('id="answer"') :])


def test_what_is_missing_or_contradicts_is_said_at_its_field_and_the_text_kept(judged: Judged) -> None:
    nothing = judged.world.post(f"{judged.path}/answers", MONITOR, data={"reason": "chỉ có lý do"})
    assert nothing.status_code == 422 and "chỉ có lý do" in nothing.text and "CHƯA lưu" in words(nothing.text)
    for said in ("Hãy chọn một biến cố", "Hãy chọn câu hỏi", "Hãy chọn câu trả lời"):
        assert said in words(nothing.text)
    once = asked(judged, question="withdrawal_improved", reason="chưa ngừng được")
    refused = judged.world.post(f"{judged.path}/answers", MONITOR, data=once)
    assert refused.status_code == 422 and "Chỉ dùng một lần" in words(refused.text)
    assert "chưa ngừng được" in refused.text and 'value="withdrawal_improved" selected' in refused.text
    judged.world.post(f"{judged.path}/answers", MONITOR, data=asked(judged, answer="yes"))
    clash = asked(judged, question="alternative_excluded", answer="yes")
    assert "Mâu thuẫn với câu trả lời khác" in words(
        judged.world.post(f"{judged.path}/answers", MONITOR, data=clash).text
    )
    late = asked(judged, version="1", question="specific_phenomenon")
    newer = judged.world.post(f"{judged.path}/answers", MONITOR, data=late)
    assert newer.status_code == 412 and "Hãy đọc lại" in words(newer.text)
    assert len(judged.now()["assessment"]["answers"]) == 1


def test_only_the_monitor_finds_the_form(judged: Judged) -> None:
    for user in ("safety-officer-1", "auditor", "clinician", "investigator"):
        assert 'id="answer"' not in judged.world.get(judged.path, user).text, user
        assert judged.world.post(f"{judged.path}/answers", user, data={}).status_code == 403


def test_signed_twice_by_one_press_is_signed_once_and_not_told_otherwise(judged: Judged) -> None:
    page = judged.world.get(judged.path, MONITOR).text
    form = judged.form(key=re.findall(r'name="key" value="([^"]+)"', page)[0])
    for _ in range(2):
        done = judged.world.post(f"{judged.path}/sign", MONITOR, data=form)
        assert (done.status_code, done.headers.get("location")) == (303, f"{judged.path}#signature")
    versions = judged.world.get(f"/api/v1/assessments/{judged.case_id}/versions", MONITOR).json()["versions"]
    assert [bool(one["signature"]) for one in versions].count(True) == 1
    other = judged.world.post(f"{judged.path}/sign", MONITOR, data=form | {"meaning": "something else"})
    assert other.status_code == 412, "the same key with other words is no repeat"
