"""An electronic report in a real browser: made, sent, turned down with its reasons beside what we had sent, corrected, accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import running
from tests.browser.visitor import DESK, PHONE, Visitors, spills_over
from tests.support.authority import Authority
from tests.support.e2b import schemas
from tests.support.electronic import ENDPOINT, RECIPIENT, trial_text

pytestmark = [pytest.mark.live, pytest.mark.schemas]
OFFICER = "safety-officer-1"


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    made = Authority("--mode", "reject")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def visitors(chromium: Browser, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    var = tmp_path_factory.mktemp("electronic-var")
    (var / "trial.yaml").write_text(trial_text(), encoding="utf-8")
    endpoints = {ENDPOINT: {"address": f"{authority.url}/in", "answers": f"{authority.url}/out"}}
    environ = {
        "TOCSIN_TRIAL": str(var / "trial.yaml"),
        "TOCSIN_ENDPOINTS": json.dumps(endpoints),
        "TOCSIN_E2B_SCHEMAS": str(schemas()),
    }
    with running(var, environ) as url:
        made = Visitors(chromium, url)
        yield made
        made.close()


def duty_of(visitors: Visitors, case_id: str) -> str:
    found = visitors.api.ask(OFFICER, "GET", f"/api/v1/obligations?case_id={case_id}")["obligations"]
    return next(one["obligation_id"] for one in found if one["recipient_id"] == RECIPIENT)


def looked_at(page: Page) -> None:
    """Nothing spills over, and on a phone the whole table can be read."""
    assert spills_over(page) == 0


def test_sent_rejected_corrected_accepted(visitors: Visitors, authority: Authority) -> None:
    case_id, _ = visitors.api.serious_case("VN01-007")
    expect_duty(visitors, case_id)
    duty = duty_of(visitors, case_id)
    page = visitors.page(OFFICER, viewport=PHONE, language="en")
    page.goto(f"/ledger/{duty}")
    page.get_by_role("button", name="Make the electronic report from version 1 of the case").press("Enter")
    expect(page.get_by_text("valid, not sent")).to_be_visible()
    looked_at(page)
    page.get_by_role("button", name="Send the electronic report").press("Enter")
    expect(page.get_by_text("sent or lined up")).to_be_visible()
    wait_for(page, "turned down")
    table = page.get_by_role("table", name="What the recipient's computer objected to")
    row = table.get_by_role("row").filter(has_text="C.3.4.8")
    expect(row).to_contain_text("safety@example.org")
    expect(row).to_contain_text("Data value required for tag emailAddress")
    expect(table.get_by_role("row").filter(has_text="E.i.2.1b")).to_contain_text("10027199")
    looked_at(page)
    wide = visitors.page(OFFICER, viewport=DESK)
    wide.goto(f"/ledger/{duty}")
    looked_at(wide)
    authority.mode("accept")
    page.get_by_role("button", name="Make the electronic report").press("Enter")
    page.get_by_role("button", name="Send the electronic report").press("Enter")
    wait_for(page, "accepted")
    page.goto("/ledger")
    looked_at(page)
    expect(page.get_by_text("accepted").first).to_be_visible()
    assert visitors.complaints == []


def test_an_answer_that_fits_nothing_is_brought_and_closed_by_hand(visitors: Visitors, tmp_path: Path) -> None:
    (tmp_path / "odd.ack").write_bytes(b"<html>no answer</html>")
    page = visitors.page(OFFICER, viewport=PHONE, language="en")
    page.goto("/ledger#answers")
    page.get_by_text("Bring in an answer that came another way").click()
    page.set_input_files("#answer-file", tmp_path / "odd.ack")
    page.get_by_role("button", name="Take it in").press("Enter")
    expect(page.get_by_text("cannot be read", exact=True)).to_be_visible()
    looked_at(page)
    page.get_by_label("What it was, and what you did").fill("a page of the portal; asked them again")
    page.get_by_role("button", name="Close it").press("Enter")
    expect(page.get_by_text("No answer waits for a person.")).to_be_visible()
    assert visitors.complaints == []


def expect_duty(visitors: Visitors, case_id: str) -> None:
    page = visitors.page(OFFICER)
    for _ in range(60):
        if visitors.api.ask(OFFICER, "GET", f"/api/v1/obligations?case_id={case_id}")["obligations"]:
            return
        page.wait_for_timeout(250)
    raise AssertionError("no duty was opened")


def wait_for(page: Page, words: str) -> None:
    """Answers are fetched every two seconds; a page of a duty does not refresh itself."""
    for _ in range(40):
        if page.get_by_text(words, exact=True).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"{words!r} never stood there: {page.locator('main').inner_text()[:2000]}")
