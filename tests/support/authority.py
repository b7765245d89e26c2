"""The simulated authority as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from deploy.dev.process import end
from tests.support.e2b import schemas

ROOT = Path(__file__).parents[2]


class Authority:
    """The authority, started; `mode(…)` changes how it behaves."""

    def __init__(self, *more: str, profile: str = "ich") -> None:
        command = [
            sys.executable,
            "-m",
            "deploy.dev.authority",
            "--schemas",
            str(schemas()),
            "--profile",
            profile,
            *more,
        ]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]

    def mode(self, name: str, **more: Any) -> None:
        httpx.post(f"{self.url}/mode", json={"mode": name, **more}).raise_for_status()

    def received(self) -> list[dict[str, Any]]:
        return httpx.get(f"{self.url}/received").json()

    def given(self) -> list[dict[str, Any]]:
        """Every answer it has put into its outbox, oldest first."""
        return httpx.get(f"{self.url}/given").json()

    def waiting(self) -> list[str]:
        return httpx.get(f"{self.url}/out").json()["answers"]

    def stop(self) -> None:
        end(self.process, signal.SIGTERM, within_s=5)
        assert self.process.stdout is not None
        self.process.stdout.close()
