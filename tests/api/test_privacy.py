"""Words about a child, and the child's code, stay where they belong: no alert, log, metric, trace, address or error carries them.

One serious case is told with a word of its own in every free text, and goes its whole way: alert, duties, form, filing,
rejection, failures on the way. Then everything that leaves the system or lies beside it is searched for those words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ruamel.yaml import YAML

from services.sae_notifier.channels import WebhookChannel
from shared import metrics
from shared.settings import Settings
from tests.api.test_ops_api import failing
from tests.api.world import ApiWorld, at

CHILD = "VN01-787"
WORDS = {
    "verbatim": "QXVERBATIM sốt cao",
    "description": "QXDESCRIPTION co giật",
    "given": "QXGIVEN truyền tế bào",
    "opinion": "QXOPINION có thể liên quan",
    "note": "QXNOTE mẹ báo",
    "change_reason": "QXREASON kết quả cấy",
    "confirm_note": "QXCONFIRM đang đến",
    "sign_reason": "QXSIGN vi khuẩn khác",
    "meaning": "QXMEANING I agree",
    "rejected_reasons": "QXREJECTED thiếu trang 2",
    "void_reason": "QXVOID nhầm trẻ",
    "refused": "QXREFUSED Nguyen Van A",
    "indication": "QXINDICATION bại não",
}
OFFICER, MONITOR = "safety-officer-1", "medical-monitor-1"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """The world after the whole way."""
    world = ApiWorld(TOCSIN_TRIAL=str(_trial_with_webhooks(tmp_path_factory.mktemp("trial"))))
    _the_whole_way(world)
    yield world
    world.close()


def _trial_with_webhooks(folder: Path) -> Path:
    """The shipped trial, with a webhook for every person of the roster."""
    shipped = Settings.load({"TOCSIN_VAR": str(folder)}).trial
    yaml = YAML()
    trial = yaml.load(shipped.read_text(encoding="utf-8"))
    trial["alerts"]["channels"] = ["mail", "webhook"]
    for person in trial["roster"]["persons"]:
        person["channels"].append({"kind": "webhook", "address": f"https://sms.example.org/{person['id']}"})
    path = folder / "trial.yaml"
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(trial, file)
    return path


def _the_whole_way(world: ApiWorld) -> None:
    text = {name: {"text": value, "language": "vi"} for name, value in WORDS.items()}
    world.post("/api/v1/subjects", "clinician", json={"subject_id": CHILD, "birth": at("2021-03")})
    exposure = {
        "subject_id": CHILD,
        "kind": "bm_mnc_infusion",
        "start": at("2026-03-10T09:00"),
        "end": at("2026-03-10T09:30"),
        "indication": WORDS["indication"],
        "note": text["note"],
    }
    exposure_id = world.post("/api/v1/exposures", "clinician", json=exposure).json()["exposure_id"]
    event = {
        "verbatim": text["verbatim"],
        "description": text["description"],
        "term_code": "10027199",
        "onset": at("2026-03-10T23:30"),
        "grades": [{"grade": 4}],
        "seriousness": {"death": "no", "life_threatening": "yes"},
        "opinions": [{"exposure_id": exposure_id, "related": "yes", "reason": text["opinion"]}],
    }
    body = {"subject_id": CHILD, "events": [event], "given": {"answer": "yes", "text": text["given"]}}
    case = world.post("/api/v1/cases", "clinician", json=body | {"site_aware": at("2026-03-11T02:00")}).json()
    assert case["case_id"]
    world.post("/api/v1/cases", "clinician", json={"subject_id": WORDS["refused"], "events": [event]})
    with failing(world, "sae_notifier", "tocsin.case.amended.v1"):
        news = {"reason": WORDS["change_reason"], "news_known": at("2026-03-11T02:30")}
        path = f"/api/v1/cases/{case['case_id']}"
        assert world.patch(path, "clinician", json=news, headers={"If-Match": '"1"'}).status_code == 200
        world.drain()
    parked = world.get("/api/v1/ops/sae_notifier/parked", OFFICER).json()["parked"]
    world.hand_over()
    for one in parked:
        world.post(f"/api/v1/ops/sae_notifier/parked/{one['parked_id']}/replay", OFFICER, json={"reason": "mended"})
    with mock.patch("services.ae_intake.store.latest", side_effect=ValueError(WORDS["verbatim"])):
        assert world.get(path, "clinician").status_code == 500
    for alert in world.get("/api/v1/alerts?state=open", OFFICER).json()["alerts"]:
        world.post(f"/api/v1/alerts/{alert['alert_id']}/confirm", OFFICER, json={"note": WORDS["confirm_note"]})
    _sign(world, case["case_id"])
    _file(world, case["case_id"])
    void = {"reason": WORDS["void_reason"]}
    world.post(f"/api/v1/exposures/{exposure_id}/void", "clinician", json=void, headers={"If-Match": '"1"'})
    world.drain()
    for _ in range(30):  # deadlines ring too
        world.clock.advance(hours=24)
        world.dispatcher.alarms.tick()
        world.dispatcher.alarms.rounds()
        world.hand_over()


def _sign(world: ApiWorld, case_id: str) -> None:
    path = f"/api/v1/assessments/{case_id}"
    made = world.get(path, MONITOR).json()["assessment"]
    decisions = [
        {
            "event_id": e["event_id"],
            "exposure_id": r["exposure_id"],
            "accepted": "unlikely",
            "reason": WORDS["sign_reason"],
        }
        for e in made["events"]
        for r in e["relatedness"]
    ]
    body = {"version": made["version"], "password": f"tocsin-demo-{MONITOR}", "meaning": WORDS["meaning"]}
    assert world.post(f"{path}/sign", MONITOR, json=body | {"decisions": decisions}).status_code == 200
    wrong = body | {"decisions": [], "version": 1, "password": WORDS["refused"]}
    assert world.post(f"{path}/sign", MONITOR, json=wrong).status_code == 403


def _file(world: ApiWorld, case_id: str) -> None:
    world.drain()
    owed = world.get(f"/api/v1/obligations?case_id={case_id}", OFFICER).json()["obligations"]
    owed = [one for one in owed if one["rule_id"] == "VN-SAE-7WD"]
    for method, one in zip(("mail", "hand"), owed, strict=False):
        body = {"method": method, "sent_at": "2026-03-10T19:30:00Z", "reference": "CV-1"}
        filing = world.post(f"/api/v1/obligations/{one['obligation_id']}/filings", OFFICER, json=body).json()
        world.hand_over()
        answer = {"verdict": "rejected", "kind": "answer", "at": "2026-03-10T20:00:00Z", "reference": "12"}
        answer |= {"reasons": WORDS["rejected_reasons"]}
        assert world.post(f"/api/v1/filings/{filing['filing_id']}/receipts", OFFICER, json=answer).status_code == 201


def leaks(text: str, *, code: bool = True) -> list[str]:
    """Which of the child's words, or the child's code, stand in a text."""
    marks = [value.split()[0] for value in WORDS.values()] + ["bại não", "Nguyen Van A"]
    return [mark for mark in [*marks, *([CHILD] if code else [])] if mark in text]


def test_alerts_carry_a_code_and_a_link(told: ApiWorld) -> None:
    alerts = [one for one in (*told.mail.taken, *told.hooks.taken) if not one.attachments]
    kinds = {one.data["kind"] for one in alerts}
    assert {"sae", "parked", "rejected", "alarm"} <= kinds
    assert {one.to.split("@")[-1] for one in told.mail.taken} >= {"example.org"}
    for one in alerts:
        whole = json.dumps([one.subject, one.text, dict(one.data), one.to, one.message_id], ensure_ascii=False)
        assert leaks(whole) == []
        assert "https://sms.example.org" in one.to or "@example.org" in one.to


def test_the_covering_mail_of_a_report_says_nothing_that_the_form_says(told: ApiWorld) -> None:
    (mail,) = [one for one in told.mail.taken if one.attachments]
    assert leaks(json.dumps([mail.subject, mail.text, dict(mail.data), mail.attachments[0].name])) == []


async def test_a_webhooks_body_and_address_carry_no_more(told: ApiWorld) -> None:
    message = told.hooks.taken[0]
    sent: list[Any] = []

    class Posting:
        def __init__(self, **_: Any) -> None: ...
        async def __aenter__(self) -> Posting:
            return self

        async def __aexit__(self, *_: object) -> None: ...
        async def post(self, url: str, *, content: bytes, headers: dict[str, str]) -> Any:
            sent.append((url, content.decode(), headers))
            return mock.Mock(is_success=True, status_code=200)

    with mock.patch("services.sae_notifier.channels.webhook.httpx.AsyncClient", Posting):
        await WebhookChannel(b"k" * 32, told.clock).hand_over(message)
    assert leaks(json.dumps(sent, ensure_ascii=False)) == []


def test_logs_hold_no_words_and_no_code_of_a_child(told: ApiWorld) -> None:
    lines = told.logs.getvalue().splitlines()
    events = {json.loads(line)["event"] for line in lines}
    assert {"request", "request.failed"} <= events
    for line in lines:
        assert leaks(line) == [], line


def test_metrics_and_their_labels_hold_none(told: ApiWorld) -> None:
    exposed = told.get("/metrics").text
    assert "tocsin" in exposed
    assert leaks(exposed) == []
    assert leaks(metrics.exposition().decode()) == []


def test_traces_headers_and_addresses_hold_none(told: ApiWorld) -> None:
    for one in told.log.all():
        named = {name: value.decode() for name, value in one.headers}
        assert leaks(named.get("traceparent", "") + named.get("ce_traceparent", "")) == []
        assert leaks(json.dumps(named), code=False) == []  # the log's key is the child's code, no words
    case = told.get("/api/v1/cases", "clinician").json()["cases"][0]
    shown = told.get(f"/api/v1/cases/{case['case_id']}", "clinician").json()
    assert leaks(json.dumps(shown["links"])) == []


def test_lists_show_coded_terms_and_never_somebodys_words(told: ApiWorld) -> None:
    for path in ("cases", "alerts", "obligations?state=all", "rejected", "assessments", "ops/sae_notifier/parked"):
        answer = told.get(f"/api/v1/{path}", OFFICER)
        assert answer.status_code == 200
        found = [mark for mark in leaks(answer.text, code=False) if mark != "QXCONFIRM"]  # a note of the desk's own
        assert found == [], path


def test_a_rejected_report_is_shown_without_what_was_typed(told: ApiWorld) -> None:
    (one,) = told.get("/api/v1/rejected", OFFICER).json()["rejected"]
    assert [problem["pointer"] for problem in one["problems"]] == ["/subject_id"]
    assert leaks(json.dumps(one, ensure_ascii=False)) == []


def test_file_names_of_documents_name_the_case_and_not_the_child(told: ApiWorld) -> None:
    case = told.get("/api/v1/cases", "clinician").json()["cases"][0]
    for one in told.get(f"/api/v1/documents?case_id={case['case_id']}", OFFICER).json()["documents"]:
        headers = dict(told.get(one["path"], OFFICER).headers)
        assert leaks(json.dumps(headers)) == []
