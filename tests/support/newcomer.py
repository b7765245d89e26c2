"""An instance as a newcomer starts it, the demonstration beside it, and what its last line must be true of."""

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
from typing import Any, Self

import httpx
import psutil

from services.demo.electronic import values_in

ROOT = Path(__file__).parents[2]
MULTINATIONAL = "deploy/trials/demo-multinational.yaml"
"""As a user writes it: the commands run where the README is."""
SUMMARY = ["case", "case_number", "alerts", "obligations", "documents", "acknowledgement", "cut"]
SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")
READY_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0


def slow() -> float:
    """1 on a machine with a free core; more, in proportion, where others keep every core busy."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Instance:
    """`tocsin run` in a folder of its own."""

    START: tuple[str, ...] = ("services", "run")
    PROBES: tuple[str, ...] = ("/readyz",)

    def __init__(self, var: Path, port: int, **settings: str) -> None:
        self.var, self.url = var, f"http://127.0.0.1:{port}"
        self._signed_in: dict[str, dict[str, str]] = {}
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        self.environ = ours | {"PORT": str(port), "TOCSIN_VAR": str(var), "LANG": "C.UTF-8"} | settings
        self._log = var.with_suffix(".log")
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", *self.START]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log)

    def __enter__(self) -> Self:
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

    def wait_ready(self) -> Self:
        end = time.monotonic() + READY_WITHIN_S * slow()
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if all(httpx.get(f"{self.url}{one}", trust_env=False).status_code == 200 for one in self.PROBES):
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


class Rehearsal(Instance):
    """`make rehearsal`: each service a process of its own, on Apache Kafka and PostgreSQL, behind one address."""

    START = ("deploy.dev.rehearsal",)
    PROBES = tuple(f"/ops/{service}/readyz" for service in SERVICES)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:  # what it started must end with it
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                super().__exit__()

    def processes(self) -> dict[int, str]:
        """What it has started and is alive: process id -> command line."""
        alive = psutil.Process(self.process.pid).children(recursive=True)
        return {one.pid: " ".join(one.cmdline()) for one in alive}


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + READY_WITHIN_S * slow()
    while not true():
        assert time.monotonic() < end, f"not yet: {what}"
        time.sleep(0.1)


def check_cut(cut: dict[str, str], instance: Instance, told: str) -> None:
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


def check_shipped(summary: dict[str, Any], instance: Instance) -> None:
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


def check_multinational(told: subprocess.CompletedProcess[str], instance: Instance) -> dict[str, Any]:
    """The last line, once everything in it was held against the instance."""
    assert told.returncode == 0, told.stderr[-2000:]
    summary = json.loads(told.stdout.splitlines()[-1])
    assert list(summary) == SUMMARY
    assert {one["status"] for one in summary["obligations"]} == {"received"}
    rules = {one["rule_id"] for one in summary["obligations"]}
    assert rules >= {"US-IND-7", "US-IND-7-FULL", "US-IND-15", "EU-SUSAR-7", "EU-SUSAR-8"}
    assert "Nothing is owed." in told.stdout and "LEFT OUT" not in told.stdout
    assert summary["acknowledgement"] == "accepted"
    check_cut(summary["cut"], instance, told.stdout)
    assert [one["state"] for one in summary["alerts"]] == ["confirmed"] * 2
    check_correction(instance, summary)
    return summary


def check_correction(instance: Instance, summary: dict[str, Any]) -> None:
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
