"""What a newcomer does: start it, run the demonstration beside it, stop it. A real process, a real port, a real disk."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Self

import httpx
import pytest

from deploy.dev.ports import free_ports
from tests.support.e2b import schemas
from tests.support.newcomer import (
    ENDS_WITHIN_S,
    MULTINATIONAL,
    READY_WITHIN_S,
    ROOT,
    SUMMARY,
    Instance,
    check_cut,
    check_multinational,
    check_shipped,
    slow,
    until,
)


class StartedNow(Instance):
    def __enter__(self) -> Self:
        return self


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, int]:
    return tmp_path / "var", free_ports(1)[0]


def test_the_demonstration_is_told_and_ctrl_c_ends_it_with_a_live_page_open(place: tuple[Path, int]) -> None:
    with Instance(*place, TOCSIN_HISTORY="0") as instance:
        told = instance.demo()
        assert told.returncode == 0, told.stderr[-2000:]
        assert "\x1b" not in told.stdout
        summary = json.loads(told.stdout.splitlines()[-1])
        assert list(summary) == SUMMARY
        check_shipped(summary, instance)
        assert "LEFT OUT" in told.stdout and f"TOCSIN_TRIAL={MULTINATIONAL}" in told.stdout
        assert "Nothing is owed." in told.stdout
        assert summary["acknowledgement"] is None
        check_cut(summary["cut"], instance, told.stdout)
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
    with StartedNow(*place, TOCSIN_HISTORY="0", TOCSIN_TRIAL=MULTINATIONAL) as instance:
        # The second terminal in the same moment, and told neither the trial nor anything else.
        told = instance.demo(TOCSIN_TRIAL="")
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
        check_cut(summary["cut"], instance, told.stdout)
        elsewhere = instance.demo(TOCSIN_TRIAL="deploy/trials/vinmec-cp-bmmnc.yaml")
        assert elsewhere.returncode == 1 and "the same TOCSIN_TRIAL" in elsewhere.stderr


@pytest.mark.live
@pytest.mark.schemas
def test_sent_turned_down_corrected_accepted_and_nobody_is_left_behind(place: tuple[Path, int]) -> None:
    more = {"TOCSIN_TRIAL": MULTINATIONAL, "TOCSIN_E2B_SCHEMAS": str(schemas())}
    with Instance(*place, TOCSIN_HISTORY="0", **more) as instance:
        check_multinational(instance.demo(), instance)
        assert _authorities(instance) == []
        wrong = instance.demo(TOCSIN_ENDPOINTS='{"fda": {"address": "elsewhere"}}')
        assert wrong.returncode == 1 and "TOCSIN_ENDPOINTS" in wrong.stderr
        wrong = instance.demo(TOCSIN_VAR=f"{instance.var}-other")
        assert wrong.returncode == 1 and "the same TOCSIN_VAR" in wrong.stderr
        _check_killed(instance)


def _check_killed(instance: Instance) -> None:
    """In the middle of it, with both authorities up: one that is still starting dies by itself."""
    before = _sent_to_fda(instance)
    words, nowhere = Instance.command("demo"), subprocess.DEVNULL
    with subprocess.Popen(words, cwd=ROOT, env=instance.environ, stdout=nowhere, stderr=nowhere) as killed:
        until(lambda: _sent_to_fda(instance) > before, "a report is sent")
        assert len(_authorities(instance)) == 2
        killed.kill()
    until(lambda: not _authorities(instance), "none is left behind")


def _sent_to_fda(instance: Instance) -> int:
    return len(instance.get("/api/v1/filings?recipient_id=fda").json()["filings"])


def _authorities(instance: Instance) -> list[str]:
    """The simulated authorities that watch this instance's directories."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [one for one in listed.splitlines() if "deploy.dev.authority" in one and str(instance.var) in one]


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
    found, end = 0, time.monotonic() + READY_WITHIN_S * slow()
    while time.monotonic() < end:
        found = len(instance.get("/api/v1/subjects?limit=200", "machine").json()["subjects"])
        if found > more_than:
            return found
        time.sleep(0.2)
    raise AssertionError(f"still {found} children: {instance.said[-2000:]}")


def test_without_an_instance_the_demonstration_says_what_to_do(place: tuple[Path, int]) -> None:
    var, port = place
    environ = {**os.environ, "PORT": str(port), "TOCSIN_VAR": str(var), "LANG": "C.UTF-8"}
    words = Instance.command("demo", "--wait", "0")
    told = subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and told.stdout.strip() == ""
    assert "make run" in told.stderr and str(port) in told.stderr
