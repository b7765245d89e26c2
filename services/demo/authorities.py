"""The authorities' computers, played: one simulated authority per recipient, in a process that ends with this one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from services.demo.people import NotAsTold
from shared.endpoints import Endpoint
from shared.settings import ROOT
from shared.trial import Recipient

ENDS_WITHIN_S = 5.0


class Authorities:
    """A context: every process is up inside it, and none after it, however it is left.

    Each holds the other end of a pipe from this process, so that not even a kill leaves one behind.
    """

    def __init__(self, schemas: Path, boxes: Mapping[str, Endpoint], recipients: Sequence[Recipient]) -> None:
        self._schemas, self._boxes, self._recipients = schemas, boxes, recipients
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            for one in self._recipients:  # all of them begin before the first is waited for
                self._processes[one.id] = self._started(one)
            for name, process in self._processes.items():
                assert process.stdout is not None
                told = process.stdout.readline()
                if not told:
                    raise NotAsTold(f"the simulated authority for {name} did not start (its reasons stand above)")
                self._urls[name] = json.loads(told)["url"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def mode(self, recipient_id: str, name: str, reasons: Sequence[str] = ()) -> None:
        """How this one answers what comes from now on."""
        body = {"mode": name} | ({"reasons": list(reasons)} if reasons else {})
        try:
            answer = httpx.post(f"{self._urls[recipient_id]}/mode", json=body, timeout=10, trust_env=False)
        except httpx.TransportError as error:
            raise NotAsTold(f"the simulated authority for {recipient_id} went away ({type(error).__name__})") from None
        if not answer.is_success:
            raise NotAsTold(f"the simulated authority for {recipient_id} does not know the mood {name}")

    def _started(self, recipient: Recipient) -> subprocess.Popen[bytes]:
        assert recipient.e2b is not None and recipient.transport is not None
        box = self._boxes[recipient.transport.endpoint]
        command = [sys.executable, "-m", "deploy.dev.authority", "--with-parent"]
        command += ["--schemas", str(self._schemas.absolute()), "--profile", recipient.e2b.profile]
        command += ["--drop", box.address, box.answers]
        # A session of its own: Ctrl-C is for the story, which then ends it.
        return subprocess.Popen(  # noqa: S603  our own module, our own settings
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def _end(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._processes.clear()
