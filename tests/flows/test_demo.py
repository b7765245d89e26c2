"""What a newcomer does: start it, run the demonstration beside it, stop it. A real process, a real port, a real disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from deploy.dev.ports import free_ports

ROOT = Path(__file__).parents[2]
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

    def demo(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command("demo", *words), cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
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
        assert list(summary) == ["case", "case_number", "alerts", "obligations", "documents"]
        _check(summary, instance)
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


def _check(summary: dict[str, list[dict[str, str]]], instance: Instance) -> None:
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
