"""The story itself, step by step; whatever does not happen as told ends it with a sentence and exit code 1."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from examples.replay import Request, Step
from services.demo.filing import Filing
from services.demo.night import REPORT, free_child, instant, night
from services.demo.people import NotAsTold, People, until
from services.demo.sending import Sending
from services.demo.words import Language, Say
from shared import runtime
from shared.clock import Clock, SystemClock
from shared.ids import new_id
from shared.settings import Settings
from shared.trial import Trial

CLINICIAN, INVESTIGATOR, MONITOR, MACHINE = "clinician", "investigator", "medical-monitor-1", "machine"
HANDED_OVER_WITHIN_S = 30.0
ASSESSED_WITHIN_S = 30.0
FULL_REPORT = "VN-SAE"
OTHER_FORMS = ("US-", "EU-")
"""Rules whose recipients take E2B(R3) or CIOMS; the demonstration leaves their duties open and says so."""
TRAVEL_S = 1.5
"""A signature travels to the desk on the log; there is nothing to ask whether it has arrived."""


def tell(settings: Settings, console: Console, language: Language) -> int:
    """Exit code; the last line on stdout is the JSON summary, only when everything went as told."""
    clock = SystemClock()
    trial = runtime.load_trial(settings)
    say = Say(console, language, trial.desk_zone)
    people = People(f"http://127.0.0.1:{settings.port}")
    try:
        people.knock()
        summary = _Telling(people, trial, say, clock, settings.var / "demo").tell()
    except NotAsTold as why:
        Console(stderr=True).print(f"\n{say.pick('Stopped', 'Dừng')}: {why}", style="red", markup=False, soft_wrap=True)
        return 1
    finally:
        people.close()
    console.print()
    sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 0


class _Telling:
    def __init__(self, people: People, trial: Trial, say: Say, clock: Clock, folder: Path) -> None:
        self.people, self.trial, self.say, self.clock, self.folder = people, trial, say, clock, folder
        self.sending = Sending(people, f"demo-{new_id()}")
        self.case: dict[str, Any] = {}
        self.officer = "safety-officer-1"

    def tell(self) -> dict[str, Any]:
        before, report, *news = night(self._child(), self.clock.now())
        self.before(before.requests)
        self.report(report.requests[0])
        self.duties()
        self.file(
            "VN-URGENT", "SP-INV", en="What cannot wait is told from what is known", vi="Báo ngay những gì đã biết"
        )
        for step in news:
            self.news(step)
        self.assess()
        self.file(FULL_REPORT, en="The full report goes to each recipient", vi="Báo cáo đầy đủ gửi từng nơi nhận")
        return self.ledger()

    def _child(self) -> str:
        taken: set[str] = set()
        while True:
            after = f"&after={max(taken)}" if taken else ""
            found = self.people.get(MACHINE, f"/api/v1/subjects?limit=200{after}")["subjects"]
            codes = {one["subject_id"] for one in found}
            if codes <= taken:
                return free_child(taken)
            taken |= codes

    def before(self, requests: tuple[Request, ...]) -> None:
        self.say.step("Before the night", "Trước đêm xảy ra biến cố")
        for request in requests:
            self.sending.send(CLINICIAN, request)
        infusion = next(one.body for one in requests if one.body.get("kind") == "bm_mnc_infusion")
        child, at = requests[0].body["subject_id"], self._at(infusion["end"])
        self.say.line(
            f"Child {child}: {len(requests)} records. The infusion by lumbar puncture ended {at}.",
            f"Trẻ {child}: {len(requests)} bản ghi. Truyền tế bào qua chọc dò tủy sống xong lúc {at}.",
        )

    def report(self, request: Request) -> None:
        self.say.step("The report from the bedside, six fields", "Báo cáo từ giường bệnh, sáu mục")
        event = request.body["events"][0]
        self.say.line(
            f"Begun {self._at(event['onset'])}, known {self._at(request.body['site_aware'])} (02:20 in the story): "
            f"“{event['verbatim']['text']}”; life-threatening.",
            f"Khởi phát {self._at(event['onset'])}, biết lúc {self._at(request.body['site_aware'])} (trong truyện: 02:20): "
            f"“{event['verbatim']['text']}”; đe dọa tính mạng.",
        )
        began = time.monotonic()
        self.case = self.sending.send(CLINICIAN, request)
        self.sending.learn_events(CLINICIAN, REPORT)
        number, missing = self.case["case_number"], len(self.case["missing"])
        self.say.line(
            f"Accepted after {time.monotonic() - began:.2f} s as {number}, version 1; {missing} questions are still open.",
            f"Nhận sau {time.monotonic() - began:.2f} giây, số {number}, phiên bản 1; còn {missing} câu hỏi.",
        )
        self.alert(began)

    def alert(self, began: float) -> None:
        self.say.step("The alert", "Cảnh báo")
        alert, call = until(self._handed_over, HANDED_OVER_WITHIN_S, "alert handed over")
        person = next(one for one in self.trial.roster.persons if one.id == call["person"])
        opened, sent = datetime.fromisoformat(alert["opened_at"]), datetime.fromisoformat(call["sent_at"])
        self.say.line(
            f"Handed over by {call['channel']} to the {person.title.en.lower()} {time.monotonic() - began:.1f} s after the report "
            f"was sent ({(sent - opened).total_seconds():.1f} s after the alert was opened). No patient data is in it.",
            f"Chuyển qua {call['channel']} tới {person.title.vi.lower()} sau {time.monotonic() - began:.1f} giây kể từ lúc gửi báo "
            f"cáo ({(sent - opened).total_seconds():.1f} giây sau khi mở cảnh báo). Không có dữ liệu người bệnh.",
        )
        if person.user_id.startswith("safety-officer"):
            self.officer = person.user_id
        self.confirm("I am on it")

    def confirm(self, note: str) -> None:
        """Every open alert of this case, by name."""
        for alert in self._alerts("open"):
            done = self.people.post(self.officer, f"/api/v1/alerts/{alert['alert_id']}/confirm", {"note": note})
            what = f"{alert['kind']} {alert['threshold'] or ''}".strip()
            at = self.say.when(datetime.fromisoformat(done["confirmed_at"]))
            self.say.line(
                f"{done['confirmed_by']} confirms ({what}), {at}.", f"{done['confirmed_by']} xác nhận ({what}), {at}."
            )

    def duties(self) -> None:
        self.say.step("What is owed, to whom, until when", "Phải báo gì, cho ai, đến khi nào")
        now = self.clock.now()
        for duty in until(self._duties, 15, "duty"):
            recipient = self.trial.recipient(duty["recipient"])
            name = self.say.pick(recipient.name.en, recipient.name.vi) if recipient else duty["recipient"]
            due = datetime.fromisoformat(duty["due_at"])
            until_when = f"{self.say.when(due, duty['recipient_zone'])} ({self.say.left(due, now)})"
            self.say.line(
                f"{name}: {self.say.rule(duty['rule_id'])}: until {until_when}. [{duty['rule_id']}]",
                f"{name}: {self.say.rule(duty['rule_id'])}: đến {until_when}. [{duty['rule_id']}]",
            )

    def file(self, *groups: str, en: str, vi: str) -> None:
        self.say.step(en, vi)
        filing = Filing(self.people, self.trial, self.say, self.clock, self.officer)
        owed = [one for one in self._duties() if one["rule_id"].startswith(groups) and one["state"] == "open"]
        if not owed:
            raise NotAsTold(f"no open duty under {' or '.join(groups)}")
        for duty in owed:
            filing.fulfil(duty, self.sending.version(REPORT))
        self.confirm("filed")

    def news(self, step: Step) -> None:
        amendment = step.requests[-1]
        self.say.step(f"News (in the story: {step.title_en})", f"Tin mới (trong truyện: {step.title_vi})")
        answer = [self.sending.send(INVESTIGATOR, request) for request in step.requests][-1]
        known = self._at(amendment.body["news_known"])
        self.say.line(
            f"Known {known}: version {answer['version']}, with {len(step.requests) - 1} other records; "
            f"questions still open: {len(answer['missing'])}.",
            f"Biết lúc {known}: phiên bản {answer['version']}, cùng {len(step.requests) - 1} bản ghi khác; "
            f"còn {len(answer['missing'])} câu hỏi.",
        )

    def assess(self) -> None:
        self.say.step("The assessment, proposed and signed", "Đánh giá: đề xuất và ký")
        version = self.sending.version(REPORT)
        proposed = until(lambda: self._proposal(version), ASSESSED_WITHIN_S, f"assessment of version {version}")
        for event in proposed["events"]:
            for pair in event["relatedness"]:
                if pair["exposure_kind"] in self.trial.kinds("IP") | self.trial.kinds("IP_ADMIN"):
                    hours = pair["hours_min"] if pair["hours_min"] is not None else "?"
                    label = self.trial.catalogue(pair["exposure_kind"]).label
                    self.say.line(
                        f"{label.en}: {hours} h before the onset; {pair['method']}: {pair['proposed']}.",
                        f"{label.vi}: {hours} giờ trước khởi phát; {pair['method']}: {pair['proposed']}.",
                    )
            self.say.line(
                f"Expected: {event['expected']}. {event['expected_why_en']}",
                f"Dự kiến: {event['expected']}. {event['expected_why_vi']}",
            )
        body = {
            "version": proposed["version"],
            "password": f"tocsin-demo-{MONITOR}",
            "meaning": self.say.pick("I agree with this assessment", "Tôi đồng ý với đánh giá này"),
            "decisions": [],
        }
        signed = self.people.post(MONITOR, f"/api/v1/assessments/{self.case['case_id']}/sign", body)["assessment"]
        at = self.say.when(datetime.fromisoformat(signed["signature"]["signed_at"]))
        self.say.line(f"{MONITOR} signs, {at}.", f"{MONITOR} ký, {at}.")
        time.sleep(TRAVEL_S)

    def ledger(self) -> dict[str, Any]:
        self.say.step("The ledger", "Sổ gửi báo cáo")
        case_id = self.case["case_id"]
        filings = self.people.get(self.officer, f"/api/v1/filings?case_id={case_id}")["filings"]
        for one in sorted(filings, key=lambda filing: filing["filed_at"]):
            arrived = one["receipts"][-1]
            self.say.line(
                f"{one['message_number']}: {one['method']}, {one['state']}, {arrived['kind']} {arrived['at'][:19]}Z",
                f"{one['message_number']}: {one['method']}, {one['state']}, {arrived['kind']} {arrived['at'][:19]}Z",
            )
        self.confirm("filed")
        duties = self._duties()
        owed = [
            f"{one['rule_id']} {one['recipient']}: {one['status']}"
            for one in duties
            if one["status"] != "received" and not one["rule_id"].startswith(OTHER_FORMS)
        ]
        if owed:
            raise NotAsTold(f"still owed: {', '.join(owed)}")
        page = f"{self.people.base_url}/cases/{case_id}"
        abroad = [f"{one['rule_id']} {one['recipient']}" for one in duties if one["rule_id"].startswith(OTHER_FORMS)]
        if abroad:
            which = ", ".join(abroad)
            self.say.line(
                f"Left open, for reports in E2B(R3) and on CIOMS forms: {which}. Nothing else is owed. The case: {page}",
                f"Để mở, chờ báo cáo dạng E2B(R3) và mẫu CIOMS: {which}. Không còn nợ báo cáo nào khác. Ca này: {page}",
            )
        else:
            self.say.line(f"Nothing is owed. The case: {page}", f"Không còn nợ báo cáo nào. Ca này: {page}")
        alerts = self._alerts()
        if any(one["state"] != "confirmed" for one in alerts):
            raise NotAsTold("an alert is open that nobody confirmed")
        return {
            "case": case_id,
            "case_number": self.case["case_number"],
            "alerts": [_alert(one) for one in reversed(alerts)],
            "obligations": [
                {name: one[name] for name in ("rule_id", "recipient", "due_at", "status")} for one in duties
            ],
            "documents": [self._saved(one) for one in self._documents()],
        }

    def _saved(self, document: dict[str, Any]) -> dict[str, str]:
        content = self.people.send(self.officer, "GET", document["path"]).content
        if hashlib.sha256(content).hexdigest() != document["sha256"]:
            raise NotAsTold(f"document {document['document_id']} is not what its SHA-256 says")
        folder = self.folder / document["case_number"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{document['recipient_id']}-v{document['case_version']}-{document['document_id'][-6:]}.pdf"
        path.write_bytes(content)
        return {"kind": document["kind"], "sha256": document["sha256"], "path": str(path)}

    def _documents(self) -> list[dict[str, Any]]:
        found = self.people.get(self.officer, f"/api/v1/documents?case_id={self.case['case_id']}")["documents"]
        return sorted(found, key=lambda one: one["made_at"])

    def _alerts(self, state: str = "") -> list[dict[str, Any]]:
        query = f"case_id={self.case['case_id']}" + (f"&state={state}" if state else "")
        return self.people.get(self.officer, f"/api/v1/alerts?{query}")["alerts"]

    def _handed_over(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        for alert in self._alerts():
            if alert["kind"] == "sae":
                for call in alert["calls"]:
                    if call["state"] == "sent":
                        return alert, call
        return None

    def _duties(self) -> list[dict[str, Any]]:
        path = f"/api/v1/obligations?case_id={self.case['case_id']}"
        found = self.people.get(self.officer, path)["obligations"]
        return sorted(found, key=lambda one: (one["due_at"], one["rule_id"], one["recipient"]))

    def _proposal(self, version: int) -> dict[str, Any] | None:
        listed = self.people.get(MONITOR, "/api/v1/assessments?limit=500")["unsigned"]
        if not any(one["case_id"] == self.case["case_id"] and one["case_version"] == version for one in listed):
            return None
        found = self.people.get(MONITOR, f"/api/v1/assessments/{self.case['case_id']}")
        return found["assessment"] if found["status"] == "proposed" else None

    def _at(self, moment: dict[str, str]) -> str:
        return self.say.when(instant(moment))


def _alert(one: dict[str, Any]) -> dict[str, Any]:
    sent = [call for call in one["calls"] if call["sent_at"]]
    return {
        "alert_id": one["alert_id"],
        "kind": one["kind"],
        "threshold": one["threshold"],
        "state": one["state"],
        "opened_at": one["opened_at"],
        "handed_over_at": min((call["sent_at"] for call in sent), default=None),
        "confirmed_by": one["confirmed_by"],
    }
