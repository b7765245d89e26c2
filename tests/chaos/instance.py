"""One process under test, in a process group of its own: started, killed, stopped and continued by its pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.chaos.probe import fetch
from tests.chaos.settings import ROOT


class Instance:
    """`module` is run with `python -m`; a mutant needs the launcher, everything else is the service's real `main`."""

    def __init__(self, name: str, service: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self.name, self.service, self.port = name, service, port
        self._environment, self._log = dict(environment), log
        self._process: subprocess.Popen[bytes] | None = None
        self.paused = False
        self.mutant = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """While it lives."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def returncode(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self, failpoints: str = "") -> None:
        if self.pid:
            raise RuntimeError(f"{self.name} runs already")
        environment = {**self._environment, "PORT": str(self.port)}
        if failpoints:
            environment["TOCSIN_FAILPOINTS"] = failpoints
        if self.mutant:
            environment["TOCSIN_CHAOS_MUTANT"] = self.mutant
        launched = [*(["tests.chaos.launch"] if self.mutant or self.service == "embedded" else [])]
        module = "embedded" if self.service == "embedded" else f"services.{self.service}.main"
        with self._log.open("ab") as log:
            log.write(f"--- start failpoints={failpoints or '-'} mutant={self.mutant or '-'}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-m", *launched, module],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.paused = False

    def ready(self, within_s: float = 60.0) -> bool:
        """Wait until it answers; False when it died first or did not come up."""
        path = "/livez" if self.service == "embedded" else f"/ops/{self.service}/livez"
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.pid:
            answer = fetch(self.port, path)
            if answer is not None and answer[0] == 200:
                return True
            time.sleep(0.1)
        return False

    def died(self, within_s: float) -> bool:
        """Wait for its death by its own hand (a failpoint)."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if not self.pid:
                return True
            time.sleep(0.03)
        return not self.pid

    def kill(self) -> bool:
        """SIGKILL; True when it was alive."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.kill()
        process.wait(10)
        self.paused = False
        return True

    def pause(self) -> None:
        if pid := self.pid:
            os.kill(pid, signal.SIGSTOP)
            self.paused = True

    def resume(self) -> None:
        if pid := self.pid:
            os.kill(pid, signal.SIGCONT)
        self.paused = False

    def ports_to(self, port: int) -> set[int]:
        """Our ends of its connections to a local server."""
        if not self.pid:
            return set()
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(self.pid).net_connections("tcp")
            return {one.laddr.port for one in connections if one.raddr and one.raddr.port == port}
        return set()

    def stop(self) -> bool:
        """An orderly end within bounds, whatever state it is in; False when it had to be killed."""
        process = self._process
        if process is None or process.poll() is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(12)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            return False
        return True

    def last_words(self, lines: int = 12) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:]) if self._log.exists() else ""
