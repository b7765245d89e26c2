"""The board's routes and pages as people meet them: what a cut answers, who reaches an arm, in both languages, on paper too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest

from shared.auth.roles import ROLES, TABLE
from shared.canonical import canonical
from tests.api.problems import problem
from tests.api.world import ROLE_USERS, ApiWorld, at, serious

MEMBER, STATISTICIAN = ROLE_USERS["dsmb_member"], ROLE_USERS["dsmb_statistician"]


@dataclass
class Board:
    world: ApiWorld
    cut: dict[str, Any]

    def path(self, tail: str = "") -> str:
        return f"/api/v1/dsmb/cuts/{self.cut['cut_id']}{tail}"

    def page(self, tail: str = "") -> str:
        return f"/dsmb/cuts/{self.cut['cut_id']}{tail}"


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    """Twelve children in two arms, every second one infused; five serious cases, and one that is not."""
    world = ApiWorld()
    codes = []
    for number in range(12):
        code = f"VN01-{600 + number}"
        body = {"subject_id": code, "birth": at("2021-03"), "enrolled": at("2026-01-05")}
        assert world.post("/api/v1/subjects", "clinician", json=body).status_code == 201
        arm = {"subject_id": code, "arm": "AB"[number % 2]}
        assert world.post("/api/v1/allocations", "investigator", json=arm).status_code == 204
        codes.append(code)
    for code in codes[::2]:
        world.infusion(code, "2026-02-10T09:00", "2026-02-10T09:30")
    for code in codes[:5]:
        world.case(code)
    mild = serious(codes[7])
    mild["events"][0] |= {
        "grades": [{"grade": 1}],
        "seriousness": dict.fromkeys(
            ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important"),
            "no",
        ),
    }
    assert world.post("/api/v1/cases", "clinician", json=mild).status_code == 201
    world.drain()
    made = world.post("/api/v1/dsmb/cuts", MEMBER, json={"purpose": "Regular review"})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/api/v1/dsmb/cuts/{made.json()['cut_id']}"
    yield Board(world, made.json())
    world.close()


def cell(report: dict[str, Any], table: str, row: str, column: str) -> dict[str, Any]:
    found = next(one for one in report["tables"] if one["id"] == table)
    return next(one for one in found["rows"] if one["id"] == row)["cells"][column]


# Answers --------------------------------------------------------------------------------------------------------------


def test_a_cut_says_where_it_was_taken_and_what_it_is(board: Board) -> None:
    cut = board.cut
    assert (cut["subjects"], cut["purpose"], cut["frozen_by"], cut["open_withheld"]) == (
        12,
        "Regular review",
        MEMBER,
        "",
    )
    assert set(cut["offsets"]) == {"tocsin.safety", "tocsin.allocation"}
    assert sum(cut["offsets"]["tocsin.allocation"].values()) == 12
    assert board.world.get(board.path(), MEMBER).json() == cut
    [seen] = board.world.get("/api/v1/dsmb/cuts", "auditor").json()["cuts"]
    assert seen == cut | {"purpose": "", "reports": [one for one in cut["reports"] if one["kind"] == "open"]}


def test_the_manifest_is_what_the_hash_is_of(board: Board) -> None:
    answer = board.world.get(board.path("/manifest"), STATISTICIAN)
    assert sha256(answer.content).hexdigest() == board.cut["sha256"]
    assert len(answer.json()["entries"]) == board.cut["documents"]


def test_both_reports_are_canonical_bytes_with_the_hashes_the_cut_names(board: Board) -> None:
    for one in board.cut["reports"]:
        answer = board.world.get(one["path"], MEMBER)
        assert sha256(answer.content).hexdigest() == one["sha256"]
        assert answer.content == canonical(answer.json())
        assert answer.headers["etag"] == f'"{one["sha256"]}"'
        assert answer.headers["cache-control"] == "no-store"
        head = answer.json()["header"]
        assert (head["manifest_sha256"], head["subjects"]) == (board.cut["sha256"], 12)
        assert head["tables_sha256"] == sha256(canonical(answer.json()["tables"])).hexdigest()
    check = board.world.get(board.path("/check"), "auditor").json()
    assert (check["closed"], check["open"], check["missing"]) == ("identical", "identical", 0)


def test_the_closed_report_counts_by_letter_and_the_letters_are_told_on_request(board: Board) -> None:
    report = board.world.get(board.path("/closed"), MEMBER).json()
    coding = board.world.post(board.path("/coding"), MEMBER, json={"reason": "an alert rang"}).json()["coding"]
    letter = {arm: one for one, arm in coding.items()}
    assert set(coding) == {"X", "Y"}
    assert [cell(report, "population", "infused", letter[arm])["n"] for arm in "AB"] == [6, 0]
    assert [cell(report, "events/whole", "serious", letter[arm])["n"] for arm in "AB"] == [3, 2]
    assert [cell(report, "events/whole", "serious_related", letter[arm])["n"] for arm in "AB"] == [3, 0]
    assert cell(report, "events/control", "any", letter["B"])["n"] == 3
    problem(board.world.post(board.path("/coding"), MEMBER, json={"reason": " "}), 422)


def test_the_open_report_is_of_all_children(board: Board) -> None:
    report = board.world.get(board.path("/open"), "safety-officer-1").json()
    assert cell(report, "open_population", "subjects", "all")["n"] == 12
    assert cell(report, "open_children", "serious", "all") == {"withheld": "yes"}, "with one child it adds up"
    text = json.dumps(report["tables"])
    assert '"X"' not in text and "control" not in text


def test_where_the_rules_stand(board: Board) -> None:
    found = board.world.get("/api/v1/dsmb/rules", MEMBER).json()
    [standing] = found["standings"]
    assert (standing["evaluable"], standing["with_event"], standing["waiting"], standing["crossed"]) == (3, 3, 3, True)
    assert [one["look"] for one in found["crossings"]] == [2, 3]


def test_a_purpose_is_needed_and_a_cut_must_exist(board: Board) -> None:
    problem(board.world.post("/api/v1/dsmb/cuts", MEMBER, json={"purpose": "  "}), 422)
    for tail in ("", "/closed", "/open", "/manifest", "/check", "/closed/pdf"):
        problem(board.world.get(f"/api/v1/dsmb/cuts/none{tail}", MEMBER), 404)
    problem(board.world.post("/api/v1/dsmb/cuts/none/coding", MEMBER, json={"reason": "curious"}), 404)


# Who ------------------------------------------------------------------------------------------------------------------

BY_ARM = ("/closed", "/closed/pdf", "/manifest")


@pytest.mark.parametrize("role", sorted(ROLES - TABLE["see_arms"]))
def test_nobody_else_reaches_anything_by_arm(board: Board, role: str) -> None:
    world, user = board.world, ROLE_USERS[role]
    for tail in BY_ARM:
        answer = world.get(board.path(tail), user)
        problem(answer, 403, "forbidden")
    problem(world.get("/api/v1/dsmb/rules", user), 403)
    problem(world.post(board.path("/coding"), user, json={"reason": "curious"}), 403)
    for tail in ("/closed", "/closed/vi.pdf", "/closed/en.pdf"):
        assert world.get(board.page(tail), user).status_code == 403
    closed = next(one["sha256"] for one in board.cut["reports"] if one["kind"] == "closed")
    for place in ("/dsmb", board.page(), board.page("/open"), board.path(), board.path("/open")):
        said = world.get(place, user).text
        assert not re.search(r"Nhóm [XY]|Arm [XY]|/closed|coding|\"X\"|\"Y\"", said), place
        assert closed not in said, "every arm could be tried until the hash fits"
        assert board.cut["purpose"] not in said, "a member may have written what the closed session saw"


def test_nobody_else_reads_an_arm_in_metrics_logs_or_mails(board: Board) -> None:
    world = board.world
    world.hand_over()
    told = world.get("/metrics").text + world.logs.getvalue()
    told += "".join(one.subject + one.text + json.dumps(dict(one.data)) for one in world.mail.taken)
    assert world.mail.taken
    for words in (r"\barm\b[^_]", r"nhóm [AB]\b", r'"arm"'):
        assert not re.search(words, told, re.IGNORECASE), words


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "words"), [("vi", "Báo cáo kín"), ("en", "Closed report")])
def test_the_closed_page_shows_what_the_report_holds(board: Board, language: str, words: str) -> None:
    page = board.world.get(board.page(f"/closed?lang={language}"), MEMBER).text
    assert words in page and board.cut["sha256"] in page
    assert "MINH HỌA" in page or "ILLUSTRATIVE" in page
    report = board.world.get(board.path("/closed"), MEMBER).json()
    assert cell(report, "terms/whole", "10027199", "all")["n"] == 6
    assert "Meningitis" in page
    assert page.count("<table") >= 12
    assert not re.search(r">\s*(row|table|span|part|note|first|column)\.[a-z_]+", page), "a word is missing"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", ["closed", "open"])
def test_the_paper_is_pdf_a_and_always_the_same(board: Board, kind: str, language: str) -> None:
    first = board.world.get(board.path(f"/{kind}/pdf?lang={language}"), MEMBER)
    assert first.headers["content-type"] == "application/pdf"
    assert first.content.startswith(b"%PDF-") and b"pdfaid:part" in first.content
    assert board.world.get(board.page(f"/{kind}/{language}.pdf"), MEMBER).content == first.content
    assert first.headers["etag"] == f'"{sha256(first.content).hexdigest()}"'


def test_there_is_no_paper_in_another_language(board: Board) -> None:
    assert board.world.get(board.page("/closed/fr.pdf"), MEMBER).status_code == 404


def test_a_member_freezes_a_cut_by_the_page(own_world: ApiWorld) -> None:
    refused = own_world.post("/dsmb/cuts", MEMBER, data={"purpose": " "})
    assert refused.status_code == 422 and "ít nhất ba chữ cái" in refused.text
    made = own_world.post("/dsmb/cuts", MEMBER, data={"purpose": "Họp tháng ba"})
    assert made.status_code == 303
    page = own_world.get(made.headers["location"], MEMBER).text
    assert "Đã chốt" in page and "Họp tháng ba" in page
    assert "quá ít trẻ" in page, "there is nobody yet: no open report, and it says why"
    where = made.headers["location"].partition("?")[0]
    asked = own_world.post(f"{where}/coding", MEMBER, data={"reason": ""})
    assert asked.status_code == 422
    told = own_world.post(f"{where}/coding", MEMBER, data={"reason": "để đọc cảnh báo"})
    assert re.search(r"[XY] là nhóm [AB]", told.text)
    assert not re.search(r"[XY] là nhóm [AB]", own_world.get(where, MEMBER).text)


def test_letters_that_are_not_the_sealed_ones_are_refused_in_words(own_world: ApiWorld) -> None:
    own_world.post("/dsmb/cuts", MEMBER, data={"purpose": "Review"})
    [cut] = own_world.get("/api/v1/dsmb/cuts", MEMBER).json()["cuts"]
    with own_world.db("dsmb").engine.begin() as connection:
        connection.exec_driver_sql("UPDATE codings SET letter = CASE letter WHEN 'X' THEN 'Y' ELSE 'X' END")
    where = f"/api/v1/dsmb/cuts/{cut['cut_id']}"
    for answer in (
        own_world.get(f"{where}/check", MEMBER),
        own_world.post(f"{where}/coding", MEMBER, json={"reason": "an alert rang"}),
    ):
        assert problem(answer, 409)["code"] == "coding-differs"
    page = own_world.post(f"/dsmb/cuts/{cut['cut_id']}/coding", MEMBER, data={"reason": "để đọc cảnh báo"})
    assert page.status_code == 409 and "không còn như lúc chốt" in page.text


def test_pressing_twice_freezes_once(own_world: ApiWorld) -> None:
    page = own_world.get("/dsmb", MEMBER).text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    pressed = [own_world.post("/dsmb/cuts", MEMBER, data={"purpose": "Review", "key": key[1]}) for _ in range(2)]
    assert pressed[0].headers["location"] == pressed[1].headers["location"]
    assert len(own_world.get("/api/v1/dsmb/cuts", MEMBER).json()["cuts"]) == 1
    again = {"Idempotency-Key": key[1]}
    problem(own_world.post("/api/v1/dsmb/cuts", MEMBER, json={"purpose": "Another"}, headers=again), 409)


def test_the_board_lands_on_its_own_page(own_world: ApiWorld) -> None:
    front = own_world.get("/", MEMBER)
    assert front.headers["location"] == "/dsmb"
