"""The demonstration where it counts: four processes on Apache Kafka and PostgreSQL behind one address, as `make rehearsal` starts them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.dev.kafka import fetch_jars
from deploy.dev.ports import free_ports
from deploy.dev.process import ServerFailed
from tests.support.e2b import schemas
from tests.support.newcomer import (
    MULTINATIONAL,
    ROOT,
    SERVICES,
    Rehearsal,
    check_multinational,
)

pytestmark = pytest.mark.live
STOPS_WITHIN_S = 30.0


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, int]:
    if not shutil.which("java"):
        pytest.skip("Apache Kafka needs a Java runtime >= 17: install one")
    try:
        fetch_jars()
    except ServerFailed as why:
        pytest.skip(str(why))
    return tmp_path / "var", free_ports(1)[0]


@pytest.mark.schemas
def test_told_to_its_end_by_four_processes_on_kafka_and_postgresql(place: tuple[Path, int]) -> None:
    more = {"TOCSIN_TRIAL": MULTINATIONAL, "TOCSIN_E2B_SCHEMAS": str(schemas())}
    with Rehearsal(*place, **more) as rehearsal:
        started = rehearsal.processes()
        for one in (*(f"services.{service}.main" for service in SERVICES), "kafka.Kafka", "bin/postgres -D"):
            assert sum(one in line for line in started.values()) == 1, one
        # In the second terminal nobody says the trial and the schemas again.
        told = rehearsal.demo(TOCSIN_TRIAL="", TOCSIN_E2B_SCHEMAS="")
        summary = check_multinational(told, rehearsal)
        mails = httpx.get(_mails(rehearsal), trust_env=False).json()
        assert any(summary["case_number"] in one["subject"] for one in mails)
        verified = _operator(rehearsal, "audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert verified.stdout.count("agrees") == len(SERVICES) + 1, "the services and the users"
        second = _operator(rehearsal, "run", TOCSIN_MODE="embedded", TOCSIN_KAFKA="", PORT=str(free_ports(1)[0]))
        assert second.returncode == 2 and "in use by another process" in " ".join(second.stderr.split())
        headers = rehearsal.sign_in("safety-officer-1")
        with httpx.stream("GET", f"{rehearsal.url}/desk/live", headers=headers, trust_env=False, timeout=30) as live:
            assert b"open" in next(live.iter_raw())
            seconds = rehearsal.interrupt()
        assert rehearsal.process.returncode == 0, rehearsal.said[-2000:]
        assert seconds < STOPS_WITHIN_S
        assert not [line for pid, line in started.items() if psutil.pid_exists(pid)]


def _mails(rehearsal: Rehearsal) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/messages", rehearsal.said)
    assert found, rehearsal.said
    return found[0]


def _operator(rehearsal: Rehearsal, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command with the settings that the services have, as docs/operations.md gives it."""
    given = "".join(f"export {name}={value}; " for name, value in more.items())
    command = f". {rehearsal.var}/rehearsal/environment; {given}exec {sys.executable} -m services {' '.join(words)}"
    # A terminal of the operator: what this test run was started with (TOCSIN_REQUIRE_ALL, say) is no setting there.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return subprocess.run(["sh", "-c", command], cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
