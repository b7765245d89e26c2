"""The story itself, step by step; whatever does not happen as told ends it with a sentence and exit code 1."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import Any

from rich.console import Console

from examples.replay import Request, Step
from services import running
from services.demo import correction
from services.demo.abroad import Abroad
from services.demo.board import Board
from services.demo.desk import Desk
from services.demo.electronic import Electronic
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
TRAVEL_S = 1.5
"""A signature travels to the desk on the log; there is nothing to ask whether it has arrived."""


def tell(settings: Settings, console: Console, language: Language, wait_s: float) -> int:
    """Exit code; the last line on stdout is the JSON summary, only when everything went as told.

    `wait_s`: how long the instance may take to be ready, since both terminals may be started in one moment.
    """
    people = People(f"http://127.0.0.1:{settings.port}")
    door = Say(console, language, "UTC")
    try:
        at = people.base_url
        with door.waiting(f"waiting for the instance at {at} …", f"đang chờ hệ thống tại {at} …"):
            people.knock(wait_s)
        settings = running.follow(settings)  # not before: it has just said what it runs with
        trial = runtime.load_trial(settings)
        say = Say(console, language, trial.desk_zone)
        summary = _Telling(people, trial, say, SystemClock(), settings).tell()
    except NotAsTold as why:
        words = f"\n{door.pick('Stopped', 'Dừng')}: {why}"
        Console(stderr=True).print(words, style="red", markup=False, soft_wrap=True)
        return 1
    finally:
        people.close()
    console.print()
    sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 0


class _Telling:
    def __init__(self, people: People, trial: Trial, say: Say, clock: Clock, settings: Settings) -> None:
        self.people, self.trial, self.say, self.clock = people, trial, say, clock
        self.folder = settings.var / "demo"
        self.sending = Sending(people, f"demo-{new_id()}")
        self.desk = Desk(people, say)
        self.abroad = Abroad(settings, trial, say, self.desk, Electronic(people, trial, say, self.desk))
        self.case: dict[str, Any] = {}

    def tell(self) -> dict[str, Any]:
        self.same_trial()
        self.abroad.look_first()
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
        answer = self.abroad.tell(self._filing(), self.sending.version(REPORT), lambda: self.correct(before.requests))
        summary = self.ledger() | {"acknowledgement": answer}
        board = Board(self.people, self.say, self.folder)
        return summary | {"cut": board.tell(self.desk.case_id, self.sending.version(REPORT), self.desk.officer)}

    def same_trial(self) -> None:
        """Another trial file has other recipients: what this command would say of the instance would not be true."""
        rules = self.people.get(self.desk.officer, "/api/v1/rules")
        sets = [one["files"] for one in (rules["active"], rules["waiting"]) if one]
        runs = {file["name"].removesuffix(".json") for files in sets for file in files if file["kind"] == "trial"}
        if self.trial.id not in runs:
            raise NotAsTold(
                f"the instance runs the trial {' or '.join(sorted(runs))}, this command was given {self.trial.id}: start both with "
                "the same TOCSIN_TRIAL"
            )

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
        self.desk.case_id = self.case["case_id"]
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
            self.desk.officer = person.user_id
        self.desk.confirm("I am on it")

    def duties(self) -> None:
        self.say.step("What is owed, to whom, until when", "Phải báo gì, cho ai, đến khi nào")
        now = self.clock.now()
        for duty in until(self.desk.duties, 15, "duty"):
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
        filing = self._filing()
        owed = [one for one in self.desk.owed() if one["rule_id"].startswith(groups)]
        if not owed:
            raise NotAsTold(f"no open duty under {' or '.join(groups)}")
        for duty in owed:
            filing.fulfil(duty, self.sending.version(REPORT))
        self.desk.confirm("filed")

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
        with self.say.waiting("waiting for the proposal …", "đang chờ đề xuất …"):
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
        self.sign(proposed)

    def sign(self, proposed: dict[str, Any]) -> None:
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

    def correct(self, before: tuple[Request, ...]) -> None:
        """What the story had left out until an authority asked for it."""
        infusion = next(one.body for one in before if one.body.get("kind") == "bm_mnc_infusion")
        start = infusion["start"]
        signed = self.people.get(MONITOR, f"/api/v1/assessments/{self.case['case_id']}")["assessment"]["version"]
        body = correction.recorded(infusion["subject_id"], instant(start), start["zone"])
        self.people.post(INVESTIGATOR, "/api/v1/measurements", body)
        self.say.line(
            f"{INVESTIGATOR} records what nobody had asked for at night: the child's weight on the day of the infusion, "
            f"{body['value']} {body['unit']}.",
            f"{INVESTIGATOR} ghi điều đêm đó không ai hỏi: cân nặng của trẻ vào ngày truyền, {body['value']} {body['unit']}.",
        )
        with self.say.waiting("the assessment is proposed anew …", "đang đề xuất lại đánh giá …"):
            version = self.sending.version(REPORT)
            proposed = until(lambda: self._proposal(version, signed), ASSESSED_WITHIN_S, "new proposal with the weight")
        self.say.line(
            "The signed assessment had not judged it: it is stale, and proposed anew.",
            "Đánh giá đã ký chưa xét điều này: thành cũ, và được đề xuất lại.",
        )
        self.sign(proposed)

    def ledger(self) -> dict[str, Any]:
        self.say.step("The ledger", "Sổ gửi báo cáo")
        case_id = self.desk.case_id
        for one in self.desk.filings():
            arrived = one["receipts"][-1]
            said = f"{one['message_number']}: {one['method']}, {one['state']}, {arrived['kind']} {arrived['at'][:19]}Z"
            self.say.line(said, said)
        self.desk.confirm("filed")
        duties = self.desk.duties()
        owed = [one for one in duties if one["status"] != "received"]
        open_for = {one.id for one in self.abroad.recipients} if self.abroad.left_out else set()
        if wrong := [one for one in owed if one["recipient"] not in open_for]:
            which = ", ".join(f"{one['rule_id']} {one['recipient']}: {one['status']}" for one in wrong)
            raise NotAsTold(f"still owed: {which}")
        page = f"{self.people.base_url}/cases/{case_id}"
        if owed:
            which = ", ".join(f"{one['rule_id']} {one['recipient']}" for one in owed)
            self.say.line(
                f"Still owed, because the electronic reports were left out: {which}. Nothing else is owed. The case: {page}",
                f"Còn nợ, vì đã bỏ qua báo cáo điện tử: {which}. Không còn nợ báo cáo nào khác. Ca này: {page}",
            )
        else:
            self.say.line(f"Nothing is owed. The case: {page}", f"Không còn nợ báo cáo nào. Ca này: {page}")
        alerts = self.desk.alerts()
        if any(one["state"] != "confirmed" for one in alerts):
            raise NotAsTold("an alert is open that nobody confirmed")
        return {
            "case": case_id,
            "case_number": self.case["case_number"],
            "alerts": [_alert(one) for one in reversed(alerts)],
            "obligations": [
                {name: one[name] for name in ("rule_id", "recipient", "due_at", "status")} for one in duties
            ],
            "documents": [self._saved(one) for one in self.desk.documents()],
        }

    def _saved(self, document: dict[str, Any]) -> dict[str, str]:
        content = self.desk.content(document)
        folder = self.folder / document["case_number"]
        folder.mkdir(parents=True, exist_ok=True)
        ending = "xml" if document["media_type"] == "application/xml" else "pdf"
        name = f"{document['recipient_id']}-v{document['case_version']}-{document['document_id'][-6:]}.{ending}"
        (folder / name).write_bytes(content)
        return {"kind": document["kind"], "sha256": document["sha256"], "path": str(folder / name)}

    def _filing(self) -> Filing:
        return Filing(self.people, self.trial, self.say, self.clock, self.desk.officer)

    def _handed_over(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        for alert in self.desk.alerts():
            if alert["kind"] == "sae":
                for call in alert["calls"]:
                    if call["state"] == "sent":
                        return alert, call
        return None

    def _proposal(self, version: int, after: int = 0) -> dict[str, Any] | None:
        """Of this version of the case, itself newer than `after`."""
        listed = self.people.get(MONITOR, "/api/v1/assessments?limit=500")["unsigned"]
        if not any(one["case_id"] == self.case["case_id"] and one["case_version"] == version for one in listed):
            return None
        found = self.people.get(MONITOR, f"/api/v1/assessments/{self.case['case_id']}")
        newer = found["assessment"]["version"] > after
        return found["assessment"] if found["status"] == "proposed" and newer else None

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
