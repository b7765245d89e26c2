"""Collects the history of a run that has come to rest: HTTP, the mail catcher, and `tocsin audit verify`. Nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx

from shared.case import Assessment, CaseReport, Exposure
from tests.chaos import oracle
from tests.chaos.client import Client
from tests.chaos.cluster import Cluster
from tests.chaos.history import (
    AlertFact,
    AssessmentFact,
    BoardFact,
    Booked,
    DutyFact,
    Electronic,
    FilingFact,
    GivenAnswer,
    History,
    IntakeCase,
    KeptAnswer,
    MailFact,
    NotifierCase,
    Transmission,
)
from tests.chaos.load import OFFICER, Load
from tests.chaos.oracle import Oracle
from tests.chaos.settings import ROOT
from tests.chaos.words import MARK

_KEY = re.compile(re.escape(MARK) + r"([\w-]+)")
MEMBER = "dsmb-member"
FREEZING = httpx.Timeout(60.0, connect=1.0)
"""A cut is counted and typeset four times before it is answered."""
THREADS = 4
CALLS_BOUND_S = 45.0


class Observer:
    """One look at everything, after the drain."""

    def __init__(self, cluster: Cluster, load: Load) -> None:
        self.cluster, self.load = cluster, load
        self._client = load.client(99, until=threading.Event())
        self._has_causality = "causality" in cluster.services
        self._has_notifier = "sae_notifier" in cluster.services
        self._has_board = "dsmb" in cluster.services

    def look(self) -> History:
        oracle_of = Oracle(self.cluster.environment)
        if self._has_notifier:
            self._calls_are_made()
        intake = _Intake(self._client)
        documents = intake.all_versions(self._listed_cases(intake))
        exposures = {child: intake.exposures(child) for child in {one[-1].subject_id for one in documents.values()}}
        subjects = {child: intake.subject_version(child) for child in exposures}
        aggregates = _aggregates(documents, exposures, subjects)
        told = self._told()
        alerts, filings = self._alerts(), [_filing(one) for one in told if one["method"] == "mail"]
        filed = {one["case_id"] for one in told}
        history = History(acknowledged=list(self.load.acknowledged), aggregates=aggregates, mails=self._mails())
        assessed: dict[str, list[Assessment]] = {}
        if self._has_causality:
            everything = {*documents, *self._assessed_cases()}
            assessed = {case_id: self._assessments(case_id) for case_id in everything}
            history.causality = {case_id: _assessment_fact(found) for case_id, found in assessed.items() if found}
        for case_id, versions in documents.items():
            child = versions[-1].subject_id
            wanted = oracle_of.duties(versions, exposures[child], assessed.get(case_id, ()), aggregates[child])
            history.cases[case_id] = _intake_case(versions, wanted, filed=case_id in filed)
        if self._has_notifier:
            known = {*documents, *(alert.case_id for alert in alerts if alert.case_id)}
            history.notifier = {
                case_id: self._notified(case_id, alerts, history.cases.get(case_id)) for case_id in known
            }
            history.filings = filings
            history.caseless = [one for one in alerts if not one.case_id]
            history.electronic = self._electronic([one for one in told if one["method"] == "gateway"])
        if self._has_board:
            history.board = self._board()
        history.allocations_tried = dict(self.load.allocations_tried)
        history.breaches = self.audit()
        return history

    def _listed_cases(self, intake: _Intake) -> set[str]:
        return intake.case_ids() | {ack.id for ack in self.load.cases}

    def _assessed_cases(self) -> set[str]:
        found = self._client.get("causality", "/api/v1/assessments?limit=500", user=OFFICER)
        return {one["case_id"] for one in found["unsigned"]}

    def _assessments(self, case_id: str) -> list[Assessment]:
        found = self._client.get("causality", f"/api/v1/assessments/{case_id}/versions", user=OFFICER)
        return [Assessment.read(one) for one in found["versions"]] if found else []

    # dsmb ---------------------------------------------------------------------------------------------------------

    def _board(self) -> BoardFact:
        """A cut frozen now, as a member of the board would."""
        answer = self._client.send(
            "dsmb",
            "POST",
            "/api/v1/dsmb/cuts",
            user=MEMBER,
            body={"purpose": "the end of the run"},
            headers={"Idempotency-Key": "the-end"},
            timeout=FREEZING,
        )
        path = f"/api/v1/dsmb/cuts/{answer.raise_for_status().json()['cut_id']}"
        manifest = self._client.get("dsmb", f"{path}/manifest", user=MEMBER)
        again = self._client.get("dsmb", f"{path}/check", user=MEMBER)
        rules = self._client.get("dsmb", "/api/v1/dsmb/rules", user=MEMBER)
        return BoardFact(
            {aggregate: version for aggregate, version, _ in manifest["entries"]},
            (again["closed"], again["open"]),
            len(rules["crossings"]),
        )

    # sae_notifier -------------------------------------------------------------------------------------------------

    def _calls_are_made(self) -> None:
        """The first person of every alert is called within seconds; a crashed attempt comes back after its claim."""
        deadline = time.monotonic() + CALLS_BOUND_S
        while time.monotonic() < deadline:
            now = datetime.now(UTC)
            waiting = [
                call
                for alert in self._raw_alerts()
                if alert["state"] == "open"
                for call in alert["calls"]
                if call["state"] == "waiting" and datetime.fromisoformat(call["call_at"]) <= now
            ]
            if not waiting:
                return
            time.sleep(1.0)

    def _raw_alerts(self) -> list[dict[str, Any]]:
        """All of them: the list shows the newest, the rest is asked for by case."""
        listed = self._client.get("sae_notifier", "/api/v1/alerts", user=OFFICER)["alerts"]
        found = {one["alert_id"]: one for one in listed}
        if len(listed) >= 200:
            cases = {ack.id for ack in self.load.cases}
            for case_id in cases:
                path = f"/api/v1/alerts?case_id={case_id}"
                found |= {
                    one["alert_id"]: one for one in self._client.get("sae_notifier", path, user=OFFICER)["alerts"]
                }
        return list(found.values())

    def _alerts(self) -> list[AlertFact]:
        """Also those that only a mail speaks of."""
        if not self._has_notifier:
            return []
        raw = {one["alert_id"]: one for one in self._raw_alerts()}
        for alert_id in {mail.alert_id for mail in self._mails()} - raw.keys() - {""}:
            one = self._client.get("sae_notifier", f"/api/v1/alerts/{alert_id}", user=OFFICER)
            if one is not None:
                raw[alert_id] = one
        return [
            AlertFact(
                one["alert_id"],
                one["case_id"] or "",
                one["kind"],
                one["state"],
                tuple(call["message_id"] for call in one["calls"]),
            )
            for one in raw.values()
        ]

    def _notified(self, case_id: str, alerts: Sequence[AlertFact], case: IntakeCase | None) -> NotifierCase:
        raw = self._client.get("sae_notifier", f"/api/v1/obligations?case_id={case_id}", user=OFFICER)["obligations"]
        duties = tuple(_duty(one) for one in raw if one["state"] != "ended")
        wanted = {one.obligation_id: one for one in case.duties} if case else {}
        moved = [
            one for one in duties if one.obligation_id in wanted and not _as_wanted(one, wanted[one.obligation_id])
        ]
        before = frozenset(one.obligation_id for one in moved if self._once_stood(wanted[one.obligation_id]))
        return NotifierCase(duties, tuple(one for one in alerts if one.case_id == case_id), before)

    def _once_stood(self, wanted: DutyFact) -> bool:
        path = f"/api/v1/obligations/{wanted.obligation_id}"
        versions = self._client.get("sae_notifier", path, user=OFFICER)["versions"]
        return any(_as_wanted(_duty(one), wanted) for one in versions)

    def _told(self) -> list[dict[str, Any]]:
        """The whole ledger."""
        if not self._has_notifier:
            return []
        return self._client.get("sae_notifier", "/api/v1/filings", user=OFFICER)["filings"]

    def _electronic(self, told: Sequence[dict[str, Any]]) -> Electronic | None:
        """What was filed by computer and every answer kept, and the authorities' own books."""
        authorities = self.cluster.authorities
        if authorities is None:
            return None
        documents: dict[str, str] = {}
        duties: dict[str, str] = {}
        for case_id in {one["case_id"] for one in told}:
            made = self._client.get("sae_notifier", f"/api/v1/documents?case_id={case_id}", user=OFFICER)
            owed = self._client.get("sae_notifier", f"/api/v1/obligations?case_id={case_id}", user=OFFICER)
            documents |= {one["document_id"]: one["sha256"] for one in made["documents"]}
            duties |= {one["obligation_id"]: one["state"] for one in owed["obligations"]}
        kept = [
            KeptAnswer(one["sha256"], one["state"], one["filing_id"] or "")
            for state in ("used", "parked", "closed")
            for one in self._client.get("sae_notifier", f"/api/v1/acknowledgements?state={state}", user=OFFICER)[
                "acknowledgements"
            ]
        ]
        books = authorities.books()
        return Electronic(
            tuple(_transmission(one, documents, duties) for one in told),
            tuple(
                Booked(endpoint, one["number"], one["created"], one["sha256"], one["times"])
                for endpoint, (received, _) in books.items()
                for one in received
            ),
            tuple(
                GivenAnswer(endpoint, one["name"], one["number"], one["code"], one["sha256"])
                for endpoint, (_, given) in books.items()
                for one in given
            ),
            tuple(kept),
        )

    def _mails(self) -> list[MailFact]:
        caught = httpx.get(self.cluster.catcher.url + "/messages", timeout=30, trust_env=False).json()
        return [
            MailFact(one["message_id"], one["recipients"][0], one["headers"].get("X-Tocsin-Alert-Id", ""))
            for one in caught
        ]

    # audit ----------------------------------------------------------------------------------------------------------

    def audit(self) -> dict[str, list[str]]:
        """`tocsin audit verify --json`, of the services that run here."""
        done = subprocess.run(
            [sys.executable, "-m", "services", "audit", "verify", "--json"],
            cwd=ROOT,
            env=self.cluster.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        try:
            results = json.loads(done.stdout)
        except ValueError:
            return {"audit": [f"verify said nothing readable: {(done.stderr or done.stdout)[-800:]}"]}
        return {
            one["service"]: [f"{breach['place']}: {breach['what']}" for breach in one["breaches"]]
            for one in results
            if one["service"] in self.cluster.services
        }


class _Intake:
    """What ae_intake tells about cases and exposures."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def case_ids(self) -> set[str]:
        """All, page by page: `before` is exclusive, so a page begins with the last one's second again."""
        found: dict[str, str] = {}
        before = ""
        while True:
            path = "/api/v1/cases?limit=200" + (f"&before={before}" if before else "")
            page = self._client.get("ae_intake", path, user=OFFICER)["cases"]
            found |= {one["case_id"]: one["recorded_at"] for one in page}
            if len(page) < 200:
                return set(found)
            before = page[-1]["recorded_at"]

    def all_versions(self, case_ids: set[str]) -> dict[str, list[CaseReport]]:
        with ThreadPoolExecutor(THREADS) as pool:
            found = dict(zip(sorted(case_ids), pool.map(self._versions, sorted(case_ids)), strict=True))
        return {case_id: versions for case_id, versions in found.items() if versions}

    def _versions(self, case_id: str) -> list[CaseReport]:
        newest = self._client.get("ae_intake", f"/api/v1/cases/{case_id}", user=OFFICER)
        if newest is None:
            return []
        last = CaseReport.read(newest["case"])
        earlier = [
            self._client.get("ae_intake", f"/api/v1/cases/{case_id}/versions/{number}", user=OFFICER)
            for number in range(1, last.version)
        ]
        return [*(CaseReport.read(one["case"]) for one in earlier), last]

    def exposures(self, child: str) -> list[Exposure]:
        found = self._client.get("ae_intake", f"/api/v1/exposures?subject_id={child}&limit=200", user=OFFICER)
        return [Exposure.read(one) for one in found["exposures"]]

    def subject_version(self, child: str) -> int:
        found = self._client.get("ae_intake", f"/api/v1/subjects/{child}", user=OFFICER)
        return int(found["version"]) if found else 0


def _aggregates(
    documents: dict[str, list[CaseReport]], exposures: dict[str, list[Exposure]], subjects: dict[str, int]
) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for case_id, versions in documents.items():
        found[versions[-1].subject_id][f"case/{case_id}"] = versions[-1].version
    for child, given in exposures.items():
        found[child] |= {f"exposure/{one.exposure_id}": one.version for one in given}
        if subjects[child]:
            found[child][f"subject/{child}"] = subjects[child]
    return dict(found)


def _intake_case(versions: list[CaseReport], duties: tuple[DutyFact, ...], *, filed: bool) -> IntakeCase:
    first, last = versions[0], versions[-1]
    marks = _KEY.findall(" ".join(event.verbatim.text or "" for event in first.events if event.verbatim))
    return IntakeCase(
        case_id=last.case_id,
        case_number=last.case_number,
        subject_id=last.subject_id,
        version=last.version,
        key=marks[0] if marks else "",
        alerts=oracle.alerts(versions),
        duties=duties,
        filed=filed,
    )


def _assessment_fact(found: list[Assessment]) -> AssessmentFact:
    return AssessmentFact(
        tuple(one.case_version for one in found), {one.aggregate: one.version for one in found[-1].judged}
    )


def _filing(raw: dict[str, Any]) -> FilingFact:
    return FilingFact(
        raw["filing_id"],
        raw["case_id"],
        raw["case_version"],
        raw["recipient_id"],
        f"<{raw['message_number']}@tocsin.invalid>",
        raw["state"],
    )


def _transmission(raw: dict[str, Any], documents: Mapping[str, str], duties: Mapping[str, str]) -> Transmission:
    return Transmission(
        raw["filing_id"],
        raw["case_id"],
        raw["case_version"],
        raw["recipient_id"],
        raw["message_number"],
        documents.get(raw["document_id"], ""),
        raw["state"],
        raw["acceptance"] or "",
        raw["obligation_id"],
        duties.get(raw["obligation_id"], ""),
    )


def _duty(raw: dict[str, Any]) -> DutyFact:
    case = f"case/{raw['case_id']}"
    return DutyFact(
        raw["obligation_id"],
        raw["rule_id"],
        raw["recipient_id"],
        _utc(raw["due_at"]),
        _utc(raw["due_strict_at"]),
        max((cause["version"] for cause in raw["causes"] if cause["aggregate"] == case), default=0),
        any(cause["code"] == "kept_unexplained" for cause in raw["causes"]),
    )


def _as_wanted(actual: DutyFact, wanted: DutyFact) -> bool:
    return (actual.rule_id, actual.due_at) == (wanted.rule_id, wanted.due_at)


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()
