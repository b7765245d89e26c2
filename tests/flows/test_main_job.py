"""The main job once, through the real embedded application: its loops, its log, its mails, and a restart in the middle.

A bedside report at 2 am in Hanoi → the person on call → duties → assessment → form → filing → receipt, on a clock that
the test moves, so that every date can be worked out by hand.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from deploy.dev.mailcatcher import MailCatcher
from services import embedded
from services.verify import verify_all
from shared.clock import ManualClock
from shared.settings import Settings
from tests.api.client import Client

T = TypeVar("T")
KNOWN = datetime(2026, 3, 9, 19, 0, tzinfo=UTC)
"""Tuesday 10 March 2026, 02:00 in Hanoi; the seventh working day after it is Thursday 19 March."""
SEVENTH = "2026-03-19T16:59:59Z"
ZONE = "Asia/Ho_Chi_Minh"
WITHIN_S = 60.0
"""Real seconds, on a machine that has other things to do."""


def local(value: str) -> dict[str, str]:
    return {"value": value, "zone": ZONE}


REPORT: dict[str, Any] = {
    "subject_id": "VN01-007",
    "reporter_role": "clinician",
    "events": [
        {
            "verbatim": {"text": "sốt cao, cứng gáy, co giật", "language": "vi"},
            "term_code": "10027199",
            "onset": local("2026-03-09T23:30"),
            "grades": [{"grade": 4}],
            "seriousness": {"death": "no", "life_threatening": "yes", "hospitalisation": "yes"},
        }
    ],
    "given": {"answer": "yes", "kinds": ["bm_mnc_infusion"]},
    "site_aware": local("2026-03-10T02:00"),
}


class Desk:
    """The running application as its users see it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._signed_in: dict[str, dict[str, str]] = {}

    def ask(self, method: str, path: str, user: str, **how: Any) -> httpx.Response:
        """As this user, signed in anew where twelve hours have passed."""
        more = how.pop("headers", {})
        for _ in range(2):
            answer = self._client.request(method, path, headers=self._headers(user) | more, **how)
            if answer.status_code != 401:
                return answer
            self._signed_in.pop(user)
        raise AssertionError(f"{user} cannot sign in")

    def _headers(self, user: str) -> dict[str, str]:
        if user not in self._signed_in:
            who = {"username": user, "password": f"tocsin-demo-{user}"}
            token = self._client.post("/api/v1/sign-in", json=who).json()["token"]
            self._signed_in[user] = {"Authorization": f"Bearer {token}"}
        return self._signed_in[user]

    def get(self, path: str, user: str = "safety-officer-1") -> Any:
        answer = self.ask("GET", path, user)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, user: str = "safety-officer-1", status: int = 201, **how: Any) -> Any:
        answer = self.ask("POST", path, user, json=body, **how)
        assert answer.status_code == status, answer.text
        return answer.json()

    def duties(self, case_id: str) -> list[dict[str, Any]]:
        return self.get(f"/api/v1/obligations?case_id={case_id}")["obligations"]

    def duty(self, obligation_id: str) -> dict[str, Any]:
        return self.get(f"/api/v1/obligations/{obligation_id}")["obligation"]


@contextmanager
def running(settings: Settings, clock: ManualClock) -> Iterator[Desk]:
    with Client(embedded.create_app(settings, clock), base_url=settings.base_url) as client:
        yield Desk(client)


def until(found: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + WITHIN_S
    while not (value := found()):
        assert time.monotonic() < deadline, f"{what} did not happen in {WITHIN_S:.0f} s"
        time.sleep(0.05)
    return value


@pytest.fixture
def settings(tmp_path: Path, catcher: MailCatcher) -> Settings:
    return Settings.load({"TOCSIN_VAR": str(tmp_path), "TOCSIN_SMTP_URL": f"smtp://127.0.0.1:{catcher.smtp_port}"})


def test_from_a_bedside_report_to_a_receipt_across_a_restart(settings: Settings, catcher: MailCatcher) -> None:
    clock = ManualClock(KNOWN)
    with running(settings, clock) as desk:
        case = reported(desk)
        alerted(desk, case, catcher)
        necbr = owed(desk, case)
        assessed(desk, case)
        filing = filed(desk, necbr, catcher)
        clock.advance(hours=30)
        receipt = {"verdict": "received", "kind": "answer", "at": clock.now().isoformat(), "reference": "CV-12/2026"}
        desk.post(f"/api/v1/filings/{filing}/receipts", receipt)
        assert desk.duty(necbr["obligation_id"])["status"] == "received"
    sealed = verify_all(settings)
    assert [one.breaches for one in sealed] == [()] * len(sealed), "the services, the log and the users"
    assert {one.service for one in sealed} >= {"log", "auth"}
    assert {one.service for one in sealed if not one.seals} <= {"log", "auth"}

    with running(settings, clock) as desk:  # the same folder, another process
        assert desk.duty(necbr["obligation_id"])["status"] == "received"
        again = desk.ask("POST", "/api/v1/cases", "clinician", json=REPORT, headers={"Idempotency-Key": "at-2-am"})
        assert (again.status_code, again.json()["case_id"]) == (201, case)
        assert again.headers["Idempotency-Replayed"] == "true"
        mails = len(catcher.messages)
        turned_down(desk, filing, necbr, clock)
        until(lambda: len(catcher.messages) > mails, "the mail about the rejection")
    assert all(one.ok for one in verify_all(settings))


def reported(desk: Desk) -> str:
    desk.post("/api/v1/subjects", {"subject_id": "VN01-007", "birth": local("2021-03")}, "clinician")
    infusion = {"subject_id": "VN01-007", "kind": "bm_mnc_infusion", "infusion_number": 1}
    times = {"start": local("2026-03-09T09:00"), "end": local("2026-03-09T09:30")}
    desk.post("/api/v1/exposures", infusion | times, "clinician")
    answer = desk.post("/api/v1/cases", REPORT, "clinician", headers={"Idempotency-Key": "at-2-am"})
    assert answer["case_number"] == "VN-VINMEC-2026-000001"
    assert answer["on_call"][0]["person"] == "safety-2", "after seven in the evening the second officer is on call"
    return answer["case_id"]


def alerted(desk: Desk, case: str, catcher: MailCatcher) -> None:
    def sae() -> list[dict[str, Any]]:
        return [one for one in desk.get(f"/api/v1/alerts?case_id={case}")["alerts"] if one["kind"] == "sae"]

    mail = until(lambda: [one for one in catcher.messages if "safety-2@example.org" in one.recipients], "the alert")[0]
    assert "VN-VINMEC-2026-000001" in mail.subject
    assert "VN01-007" not in mail.raw.decode("utf-8", "replace")
    [alert] = until(sae, "the alert in the list")
    first = until(lambda: [one for one in sae()[0]["calls"] if one["state"] == "sent"], "the call being settled")[0]
    assert first["message_id"] == mail.message_id
    desk.post(f"/api/v1/alerts/{alert['alert_id']}/confirm", {"note": "on my way"}, "safety-officer-2", 200)
    [alert] = sae()
    assert (alert["state"], alert["confirmed_by"]) == ("confirmed", "safety-officer-2")
    assert {one["state"] for one in alert["calls"]} == {"sent", "dropped"}


def owed(desk: Desk, case: str) -> dict[str, Any]:
    duties = until(lambda: desk.duties(case), "duties")
    by_rule = {(one["rule_id"], one["recipient"]): one for one in duties}
    assert set(by_rule) == {
        *(("VN-SAE-7WD", recipient) for recipient in ("necbr", "astt", "di_adr", "iec")),
        *(("VN-URGENT", recipient) for recipient in ("necbr", "astt", "iec")),
        ("SP-INV-24H", "sponsor"),
    }
    for (rule, _), one in by_rule.items():
        expected = SEVENTH if rule == "VN-SAE-7WD" else "2026-03-10T19:00:00Z"
        assert (one["due_at"], one["status"]) == (expected, "open"), one
    return by_rule["VN-SAE-7WD", "necbr"]


def assessed(desk: Desk, case: str) -> None:
    def proposal() -> dict[str, Any] | None:
        answer = desk.ask("GET", f"/api/v1/assessments/{case}", "medical-monitor-1")
        return answer.json()["assessment"] if answer.status_code == 200 else None

    seen = until(proposal, "a proposal")
    [pair] = seen["events"][0]["relatedness"]
    assert (pair["exposure_kind"], pair["exposed"], pair["hours_min"]) == ("bm_mnc_infusion", "yes", "14.0")
    judged = {one["aggregate"].split("/")[0] for one in seen["judged"]}
    assert judged == {"case", "exposure", "subject"}
    decisions = []
    if pair["proposed"] is None:
        decisions = [
            {"event_id": pair["event_id"], "exposure_id": pair["exposure_id"], "accepted": "possible", "reason": "x"}
        ]
    body = {"version": seen["version"], "password": "tocsin-demo-medical-monitor-1", "meaning": "I agree"}
    signed = desk.post(
        f"/api/v1/assessments/{case}/sign", body | {"decisions": decisions}, "medical-monitor-1", status=200
    )
    assert signed["assessment"]["signature"]["signed_by"] == "medical-monitor-1"


def filed(desk: Desk, duty: dict[str, Any], catcher: MailCatcher) -> str:
    """By mail: 250 is sent, never more. Returns the filing's id."""
    filing = desk.post(f"/api/v1/obligations/{duty['obligation_id']}/filings", {"method": "mail"})
    mail = until(
        lambda: [one for one in catcher.messages if "necbr-sae@example.org" in one.recipients], "the report by mail"
    )[0]
    [pdf] = mail.attachments
    [document] = desk.get(f"/api/v1/documents?case_id={duty['case_id']}")["documents"]
    assert pdf.sha256 == document["sha256"]
    content = desk.ask("GET", document["path"], "safety-officer-1").content
    assert hashlib.sha256(content).hexdigest() == pdf.sha256
    until(lambda: desk.duty(duty["obligation_id"])["status"] == "filed", "the duty being filed")
    others = {one["status"] for one in desk.duties(duty["case_id"]) if one["obligation_id"] != duty["obligation_id"]}
    assert others == {"open"}, "each recipient is told by itself"
    return filing["filing_id"]


def turned_down(desk: Desk, filing: str, duty: dict[str, Any], clock: ManualClock) -> None:
    """A rejection opens the duty again, with its original date, and calls a person."""
    body = {"verdict": "rejected", "kind": "answer", "at": clock.now().isoformat(), "reference": "CV-13/2026"}
    desk.post(f"/api/v1/filings/{filing}/receipts", body | {"reasons": "page 2 is missing"})
    found = desk.duty(duty["obligation_id"])
    assert (found["status"], found["due_at"]) == ("rejected", SEVENTH)
    kinds = {one["kind"] for one in desk.get(f"/api/v1/alerts?case_id={duty['case_id']}")["alerts"]}
    assert "rejected" in kinds
