"""What a newcomer does: start it, run the demonstration beside it, stop it. A real process, a real port, a real disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.dev.ports import free_ports
from services.demo.electronic import values_in
from tests.support.e2b import schemas

ROOT = Path(__file__).parents[2]
MULTINATIONAL = "deploy/trials/demo-multinational.yaml"
"""As a user writes it: the commands run where the README is."""
SUMMARY = ["case", "case_number", "alerts", "obligations", "documents", "acknowledgement", "cut"]
READY_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0


class Instance:
    """`tocsin run` in a folder of its own."""

    def __init__(self, var: Path, port: int, **settings: str) -> None:
        self.var, self.url = var, f"http://127.0.0.1:{port}"
        self._signed_in: dict[str, dict[str, str]] = {}
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        self.environ = ours | {"PORT": str(port), "TOCSIN_VAR": str(var), "LANG": "C.UTF-8"} | settings
        self._log = var.with_suffix(".log")
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self.command("run"), cwd=ROOT, env=self.environ, stdout=log, stderr=log)

    def __enter__(self) -> Instance:
        return self.wait_ready()

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @staticmethod
    def command(*words: str) -> list[str]:
        return [sys.executable, "-m", "services", *words]

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_ready(self) -> Instance:
        end = time.monotonic() + READY_WITHIN_S * slow()
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"not ready: {self.said[-3000:]}")

    def demo(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command("demo", *words), cwd=ROOT, env=self.environ | more, capture_output=True, text=True, check=False
        )

    def sign_in(self, user: str) -> dict[str, str]:
        if user in self._signed_in:
            return self._signed_in[user]
        body = {"username": user, "password": f"tocsin-demo-{user}"}
        answer = httpx.post(f"{self.url}/api/v1/sign-in", json=body, trust_env=False, timeout=30)
        self._signed_in[user] = {"Authorization": f"Bearer {answer.raise_for_status().json()['token']}"}
        return self._signed_in[user]

    def get(self, path: str, user: str = "safety-officer-1") -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self.sign_in(user), trust_env=False, timeout=30)

    def interrupt(self) -> float:
        """Ctrl-C; the seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return time.monotonic() - began


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, int]:
    return tmp_path / "var", free_ports(1)[0]


def slow() -> float:
    """1 on a machine with a free core; more, in proportion, where others keep every core busy."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_the_demonstration_is_told_and_ctrl_c_ends_it_with_a_live_page_open(place: tuple[Path, int]) -> None:
    with Instance(*place, TOCSIN_HISTORY="0") as instance:
        told = instance.demo()
        assert told.returncode == 0, told.stderr[-2000:]
        assert "\x1b" not in told.stdout
        summary = json.loads(told.stdout.splitlines()[-1])
        assert list(summary) == SUMMARY
        _check(summary, instance)
        assert "LEFT OUT" in told.stdout and f"TOCSIN_TRIAL={MULTINATIONAL}" in told.stdout
        assert "Nothing is owed." in told.stdout
        assert summary["acknowledgement"] is None
        _check_cut(summary["cut"], instance, told.stdout)
        again = instance.demo("--lang", "vi")
        assert again.returncode == 0, again.stderr[-2000:]
        assert "bảy ngày làm việc" in again.stdout
        assert json.loads(again.stdout.splitlines()[-1])["case"] != summary["case"]
        _check_mailbox(instance, summary["case_number"])
        headers = instance.sign_in("safety-officer-1")
        with httpx.stream("GET", f"{instance.url}/desk/live", headers=headers, trust_env=False, timeout=30) as live:
            assert live.status_code == 200
            next(live.iter_raw())
            seconds = instance.interrupt()
        assert instance.process.returncode == 0, instance.said[-2000:]
        assert seconds < ENDS_WITHIN_S


def test_the_multinational_trial_without_schemas_says_so_and_goes_on(place: tuple[Path, int]) -> None:
    with Instance(*place, TOCSIN_HISTORY="0", TOCSIN_TRIAL=MULTINATIONAL) as instance:
        told = instance.demo()
        assert told.returncode == 0, told.stderr[-2000:]
        assert "LEFT OUT" in told.stdout and "tocsin e2b fetch-schemas" in told.stdout
        assert f"{instance.var}/e2b-schemas" in told.stdout
        summary = json.loads(told.stdout.splitlines()[-1])
        owed = [one for one in summary["obligations"] if one["status"] != "received"]
        assert {(one["rule_id"], one["recipient"]) for one in owed} == {
            ("US-IND-7", "fda"),
            ("EU-SUSAR-7", "eudravigilance"),
        }
        assert "EU-SUSAR-7 eudravigilance, US-IND-7 fda. Nothing else is owed." in told.stdout
        assert summary["acknowledgement"] is None
        _check_cut(summary["cut"], instance, told.stdout)
        elsewhere = instance.demo(TOCSIN_TRIAL="deploy/trials/vinmec-cp-bmmnc.yaml")
        assert elsewhere.returncode == 1 and "the same TOCSIN_TRIAL" in elsewhere.stderr


@pytest.mark.live
@pytest.mark.schemas
def test_sent_turned_down_corrected_accepted_and_nobody_is_left_behind(place: tuple[Path, int]) -> None:
    more = {"TOCSIN_TRIAL": MULTINATIONAL, "TOCSIN_E2B_SCHEMAS": str(schemas())}
    with Instance(*place, TOCSIN_HISTORY="0", **more) as instance:
        told = instance.demo()
        assert told.returncode == 0, told.stderr[-2000:]
        summary = json.loads(told.stdout.splitlines()[-1])
        assert list(summary) == SUMMARY
        assert {one["status"] for one in summary["obligations"]} == {"received"}
        rules = {one["rule_id"] for one in summary["obligations"]}
        assert rules >= {"US-IND-7", "US-IND-7-FULL", "US-IND-15", "EU-SUSAR-7", "EU-SUSAR-8"}
        assert "Nothing is owed." in told.stdout and "LEFT OUT" not in told.stdout
        assert summary["acknowledgement"] == "accepted"
        _check_cut(summary["cut"], instance, told.stdout)
        assert [one["state"] for one in summary["alerts"]] == ["confirmed"] * 2
        _check_correction(instance, summary)
        assert _authorities(instance) == []
        wrong = instance.demo(TOCSIN_ENDPOINTS='{"fda": {"address": "elsewhere"}}')
        assert wrong.returncode == 1 and "TOCSIN_ENDPOINTS" in wrong.stderr
        wrong = instance.demo(TOCSIN_VAR=f"{instance.var}-other")
        assert wrong.returncode == 1 and "the same TOCSIN_VAR" in wrong.stderr
        _check_killed(instance)


def _check_correction(instance: Instance, summary: dict[str, Any]) -> None:
    """Two files of one duty: other number, same case number, and the element that was objected to."""
    filings = instance.get(f"/api/v1/filings?case_id={summary['case']}&recipient_id=fda").json()["filings"]
    first, second, *_ = sorted(filings, key=lambda one: one["filed_at"])
    assert (first["state"], second["state"], second["acceptance"]) == ("rejected", "received", "accepted")
    assert first["obligation_id"] == second["obligation_id"]
    assert "D.3" in first["receipts"][-1]["reasons"]
    files = {one["sha256"]: (ROOT / one["path"]).read_bytes() for one in summary["documents"]}
    assert all(hashlib.sha256(content).hexdigest() == digest for digest, content in files.items())
    listed = instance.get(f"/api/v1/documents?case_id={summary['case']}").json()["documents"]
    digest = {one["document_id"]: one["sha256"] for one in listed}
    before, after = (values_in(files[digest[one["document_id"]]]) for one in (first, second))
    assert "D.3" not in before and after["D.3"] == ("13.6",)
    assert before["C.1.1"] == after["C.1.1"] and before["N.1.2"] != after["N.1.2"]
    page = instance.get(f"/ledger/{first['obligation_id']}?lang=en").text
    child = instance.get(f"/api/v1/cases/{summary['case']}").json()["case"]["subject_id"]
    assert f'href="/subjects/{child}#h-measurements"' in page, "where a weight is put right"


def _check_killed(instance: Instance) -> None:
    """In the middle of it, with both authorities up: one that is still starting dies by itself."""
    before = _sent_to_fda(instance)
    words, nowhere = Instance.command("demo"), subprocess.DEVNULL
    with subprocess.Popen(words, cwd=ROOT, env=instance.environ, stdout=nowhere, stderr=nowhere) as killed:
        _until(lambda: _sent_to_fda(instance) > before, "a report is sent")
        assert len(_authorities(instance)) == 2
        killed.kill()
    _until(lambda: not _authorities(instance), "none is left behind")


def _sent_to_fda(instance: Instance) -> int:
    return len(instance.get("/api/v1/filings?recipient_id=fda").json()["filings"])


def _authorities(instance: Instance) -> list[str]:
    """The simulated authorities that watch this instance's directories."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [one for one in listed.splitlines() if "deploy.dev.authority" in one and str(instance.var) in one]


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + READY_WITHIN_S * slow()
    while not true():
        assert time.monotonic() < end, f"not yet: {what}"
        time.sleep(0.1)


def _check_cut(cut: dict[str, str], instance: Instance, told: str) -> None:
    assert set(cut) == {"id", "sha256"}
    frozen = instance.get(f"/api/v1/dsmb/cuts/{cut['id']}", "dsmb-member").json()
    assert frozen["sha256"] == cut["sha256"] and frozen["documents"] > 20
    folder = instance.var / "demo" / "cuts" / cut["id"]
    assert {one.name for one in folder.iterdir()} == {"open.json", "open.pdf", "closed.json", "closed.pdf"}
    for one in frozen["reports"]:
        assert hashlib.sha256((folder / f"{one['kind']}.json").read_bytes()).hexdigest() == one["sha256"]
        assert (folder / f"{one['kind']}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{one['kind']}.pdf").stat().st_mode & 0o077 == 0
    # Letters of arms and their columns: for the board alone.
    assert not any(word in told for word in ("Arm X", "Arm Y", "'X'", '"X"', "arm_a", "arm_b"))
    assert "asks for the closed one: refused (403)" in told


def _check(summary: dict[str, Any], instance: Instance) -> None:
    owed = {(one["rule_id"], one["recipient"]): one["status"] for one in summary["obligations"]}
    assert set(owed) == {
        *(("VN-SAE-7WD", recipient) for recipient in ("necbr", "astt", "di_adr", "iec")),
        *(("VN-URGENT", recipient) for recipient in ("necbr", "astt", "iec")),
        ("SP-INV-24H", "sponsor"),
    }
    assert set(owed.values()) == {"received"}
    assert all(set(one) == {"rule_id", "recipient", "due_at", "status"} for one in summary["obligations"])
    assert {one["state"] for one in summary["alerts"]} == {"confirmed"}
    assert [one["kind"] for one in summary["alerts"]].count("sae") == 1
    assert len(summary["documents"]) == len(owed)
    for one in summary["documents"]:
        assert set(one) == {"kind", "sha256", "path"}
        content = (ROOT / one["path"]).read_bytes()
        assert content.startswith(b"%PDF") and hashlib.sha256(content).hexdigest() == one["sha256"]
    case = instance.get(f"/api/v1/cases/{summary['case']}").json()["case"]
    assert (case["case_number"], case["version"]) == (summary["case_number"], 4)


def _check_mailbox(instance: Instance, case_number: str) -> None:
    page = instance.get("/mailbox?lang=en").text
    assert "Demonstration only" in page and f"{case_number}-v4-necbr.pdf" in page
    link = page.split(f">{case_number}-v4-necbr.pdf</a>")[0].rsplit('href="', 1)[1].split('"')[0]
    assert instance.get(link).content.startswith(b"%PDF")
    assert instance.get("/mailbox", "clinician").status_code == 403
    assert len(list((instance.var / "mail").glob("*.eml"))) >= 8


def test_ctrl_c_while_the_history_loads_and_the_next_start_goes_on(place: tuple[Path, int]) -> None:
    with Instance(*place) as first:
        children = _children(first, more_than=0)
        assert children < 40
        seconds = first.interrupt()
        assert first.process.returncode == 0, first.said[-2000:]
        assert seconds < ENDS_WITHIN_S
        assert "Traceback" not in first.said and "not loaded" not in first.said
    assert json.loads((place[0] / "history.json").read_text())["state"] == "begun"
    with Instance(*place) as second:
        _children(second, more_than=children)
        assert second.get("/api/v1/alerts").json() == {"alerts": []}
        assert second.get("/api/v1/obligations?state=all").json()["obligations"] == []


def _children(instance: Instance, *, more_than: int) -> int:
    end = time.monotonic() + READY_WITHIN_S * slow()
    while time.monotonic() < end:
        found = len(instance.get("/api/v1/subjects?limit=200", "machine").json()["subjects"])
        if found > more_than:
            return found
        time.sleep(0.2)
    raise AssertionError(f"still {found} children: {instance.said[-2000:]}")


def test_without_an_instance_the_demonstration_says_what_to_do(place: tuple[Path, int]) -> None:
    var, port = place
    environ = {**os.environ, "PORT": str(port), "TOCSIN_VAR": str(var), "LANG": "C.UTF-8"}
    told = subprocess.run(Instance.command("demo"), cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and told.stdout.strip() == ""
    assert "make run" in told.stderr and str(port) in told.stderr
