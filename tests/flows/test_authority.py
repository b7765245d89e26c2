"""The simulated authority as a real process on loopback, in each of its moods, against the real channels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.sae_notifier.channels import FileDrop, Gateway, HttpGateway
from services.sae_notifier.e2b import read_ack
from services.sae_notifier.e2b.safe import safe_parse
from services.sae_notifier.e2b.schema import schema_errors
from services.sae_notifier.store import FilingRow
from shared.clock import SystemClock
from tests.support import deeds
from tests.support.authority import Authority
from tests.support.e2b import schemas
from tests.support.electronic import ENDPOINT, ElectronicWorld, reported

pytestmark = [pytest.mark.live, pytest.mark.schemas]


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    made = Authority()
    yield made
    made.stop()


class Live(ElectronicWorld):
    """A world that speaks to the real process, by the real channel, on the real clock's day."""

    def __init__(self, gateway: Gateway, **how: Any) -> None:
        self._gateway = gateway
        super().__init__(**how)
        self.clock.advance(seconds=(SystemClock().now() - self.clock.now()).total_seconds() - 3600)

    def _gateways(self) -> dict[str, Gateway]:
        return {ENDPOINT: self._gateway}

    def sent(self, case_id: str) -> FilingRow:
        row = self.transmit(self.duty(case_id).obligation_id)
        self.hand_over()
        return self.filing(row.filing_id)


@pytest.fixture
def world(authority: Authority) -> Iterator[Live]:
    authority.mode("accept")
    httpx.delete(f"{authority.url}/received").raise_for_status()
    with Live(HttpGateway(f"{authority.url}/in", f"{authority.url}/out")) as made:
        yield made
        made.drain()
        made.assert_audit()


def test_it_accepts_what_is_valid_and_its_answer_is_valid_too(world: Live, authority: Authority) -> None:
    case_id = reported(world)
    row = world.sent(case_id)
    assert (row.state, row.reference) == ("received", "answered 202")
    [booked] = [one for one in authority.received() if one["number"] == row.message_number]
    assert booked["findings"] == [] and booked["times"] == 1
    [name] = authority.waiting()
    raw = httpx.get(f"{authority.url}/out/{name}").content
    assert schema_errors(safe_parse(raw), schemas(), "MCCI_IN200101UV01") == []
    assert world.fetch() == 1
    assert world.filing(row.filing_id).acceptance == "accepted"
    assert authority.waiting() == []


def test_it_rejects_what_is_not_valid_naming_the_element(authority: Authority) -> None:
    """Whoever sent it: this one was never judged by us."""
    raw = b'<?xml version="1.0"?><MCCI_IN200100UV01 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"/>'
    authority.mode("accept")
    httpx.post(f"{authority.url}/in", content=raw).raise_for_status()
    [name] = authority.waiting()
    ack = read_ack(httpx.get(f"{authority.url}/out/{name}").content)
    assert ack.decision == "rejected" and any("N.1.2" in one for one in ack.reports[0].errors)
    httpx.delete(f"{authority.url}/out/{name}")


def test_rejected_corrected_accepted(world: Live, authority: Authority) -> None:
    case_id = reported(world)
    due = world.duty(case_id).due_at
    authority.mode("reject", reasons=["C.3.4.8: Data value required for tag emailAddress"])
    first = world.sent(case_id)
    world.fetch()
    duty = world.duty(case_id)
    assert (duty.state, duty.due_at) == ("rejected", due)
    assert world.receipts(first.filing_id)[-1].reasons == "C.3.4.8: Data value required for tag emailAddress"
    authority.mode("accept")
    world.clock.advance(minutes=1)
    second = world.sent(case_id)
    world.fetch()
    assert world.filing(second.filing_id).acceptance == "accepted"
    assert world.duty(case_id).state == "received"
    numbers = [one["number"] for one in authority.received() if one["case_number"] == second.case_number]
    assert numbers[-2:] == [first.message_number, second.message_number]


def test_a_warning_is_an_acceptance_that_says_something(world: Live, authority: Authority) -> None:
    authority.mode("warn")
    row = world.sent(reported(world))
    world.fetch()
    row = world.filing(row.filing_id)
    assert row.acceptance == "accepted"
    assert "W0009" in world.receipts(row.filing_id)[-1].reasons


def test_late(world: Live, authority: Authority) -> None:
    authority.mode("late", delay_s=0.5)
    row = world.sent(reported(world))
    assert world.fetch() == 0
    assert world.filing(row.filing_id).state == "received", "the receipt does not wait for the answer"
    time.sleep(0.6)
    assert world.fetch() == 1
    assert world.filing(row.filing_id).acceptance == "accepted"


def test_twice_is_once(world: Live, authority: Authority) -> None:
    authority.mode("twice")
    row = world.sent(reported(world))
    assert world.fetch() == 2
    assert [one.state for one in world.acks()] == ["used"]
    assert world.filing(row.filing_id).acceptance == "accepted"


def test_twice_and_otherwise_is_parked(world: Live, authority: Authority) -> None:
    authority.mode("again")
    row = world.sent(reported(world))
    world.fetch()
    assert sorted((one.state, one.why) for one in world.acks()) == [("parked", "doubled"), ("used", "")]
    assert world.filing(row.filing_id).acceptance == "accepted"


def test_never(world: Live, authority: Authority) -> None:
    authority.mode("never")
    case_id = reported(world)
    world.sent(case_id)
    assert world.fetch() == 0
    world.clock.advance(hours=49)
    assert world.dispatcher.answers.missed() == 1
    assert "ack_overdue" in world.kinds(case_id)


@pytest.mark.parametrize(("mood", "why"), [("garbage", "unreadable"), ("unmatched", "unmatched")])
def test_what_fits_nothing(world: Live, authority: Authority, mood: str, why: str) -> None:
    authority.mode(mood)
    row = world.sent(reported(world))
    world.fetch()
    assert [one.why for one in world.acks("parked")] == [why]
    assert world.filing(row.filing_id).acceptance is None
    assert "ack_parked" in world.kinds()


def test_closed_then_open(world: Live, authority: Authority) -> None:
    authority.mode("unavailable")
    row = world.sent(reported(world))
    assert (row.state, row.error) == ("waiting", "http_gateway: answered 503")
    authority.mode("accept")
    world.clock.advance(minutes=1)
    world.hand_over()
    world.fetch()
    assert world.filing(row.filing_id).acceptance == "accepted"


def test_it_has_the_file_and_we_do_not_know(world: Live, authority: Authority) -> None:
    """The line breaks after the file and before the answer: the same number goes out again and is booked as a repeat."""
    authority.mode("deaf")
    row = world.sent(reported(world))
    assert row.state == "waiting"
    authority.mode("accept")
    world.clock.advance(minutes=1)
    world.hand_over()
    world.fetch()
    [booked] = [one for one in authority.received() if one["number"] == row.message_number and one["times"] > 1]
    assert (booked["times"], booked["findings"]) == (2, [])
    assert world.filing(row.filing_id).acceptance == "accepted"
    assert [one.state for one in world.acks()] == ["used"], "a repeat is not answered twice"


def test_by_directories_too(tmp_path: Path) -> None:
    out, back = tmp_path / "out", tmp_path / "back"
    out.mkdir()
    back.mkdir()
    process = Authority("--drop", str(out), str(back))
    try:
        with Live(FileDrop(str(out), str(back)), kind="file_drop") as world:
            case_id = reported(world)
            row = world.sent(case_id)
            assert (row.state, world.duty(case_id).state) == ("sent", "filed"), "a file in a directory is no receipt"
            deadline = time.monotonic() + 10
            while not world.fetch() and time.monotonic() < deadline:
                time.sleep(0.05)
            row = world.filing(row.filing_id)
            assert (row.state, row.acceptance) == ("received", "accepted")
            assert world.duty(case_id).state == "received"
            [kept] = (back / "done").iterdir()
            assert read_ack(kept.read_bytes()).decision == "accepted"
            process.stop()
            process = Authority("--drop", str(out), str(back))
            time.sleep(0.5)
            assert process.received() == [] and list(back.glob("*.ack")) == [], "what was taken is not taken again"
            assert [one.name for one in (out / "taken").iterdir()] == [f"{row.message_number}.xml"]
    finally:
        process.stop()


def test_fda_premarket_as_well() -> None:
    process = Authority(profile="fda-premarket")
    try:
        gateway = HttpGateway(f"{process.url}/in", f"{process.url}/out")
        with Live(gateway, profile="fda-premarket") as world:
            case_id = reported(world, subject_id="VN01-007")
            row = world.sent(case_id)
            world.fetch()
            assert world.filing(row.filing_id).acceptance == "accepted", world.receipts(row.filing_id)[-1].reasons
            [booked] = process.received()
            assert booked["findings"] == []
    finally:
        process.stop()


def test_our_own_follow_up_keeps_the_case_number(world: Live, authority: Authority) -> None:
    case_id = reported(world)
    first = world.sent(case_id)
    world.fetch()
    world.clock.advance(minutes=1)
    deeds.amend(world, case_id, 1, news=world.clock.now(), reason="more is known")
    world.drain()
    second = world.sent(case_id)
    world.fetch()
    assert world.filing(second.filing_id).acceptance == "accepted"
    assert second.message_number != first.message_number
    booked = {one["number"]: one["case_number"] for one in authority.received()}
    assert booked[first.message_number] == booked[second.message_number] == first.case_number
