"""The shape of production on one machine, without containers: `make rehearsal` (`python -m deploy.dev.rehearsal`), until Ctrl-C.

Apache Kafka, PostgreSQL, a mail catcher, each service in a process of its own, and one address in front. Data stays in
`TOCSIN_VAR/rehearsal`. A server that the environment names (TOCSIN_KAFKA, TOCSIN_DATABASE_URL, TOCSIN_SMTP_URL) is used
instead of one of its own. Demonstration users are on: the address is this machine's.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import uvicorn
from filelock import FileLock, Timeout

from deploy.dev.kafka import DevKafka
from deploy.dev.mailcatcher import MailCatcher
from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.postgres import DevPostgres
from deploy.dev.process import ServerFailed, end
from deploy.dev.proxy import Proxy
from services import SERVICES, drop_boxes, running
from services.progress import is_free
from shared import own_secrets, runtime
from shared.auth.demo import DEMO_USERS
from shared.private import own_file, own_folder
from shared.settings import ROOT, SECRETS, Settings, UnsafeSettings
from shared.trial import TrialInvalid

READY_WITHIN_S = 120.0
STOPS_WITHIN_S = 15.0
LOOK_EVERY_S = 0.2


class Rehearsal:
    """A context: everything is up inside it, and ended after it, in the reverse order."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name: value for name, value in given.items() if value}
        self.var = Path(self._given.get("TOCSIN_VAR", "var")).absolute()
        self.port = int(self._given.get("PORT", "8000"))
        self.folder = self.var / "rehearsal"
        self.ports: dict[str, int] = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.mails = ""
        self._stack = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Rehearsal:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ended(self) -> str:
        """The first service whose process has ended; empty while all run."""
        return next((name for name, one in self._processes.items() if one.poll() is not None), "")

    def log(self, service: str) -> Path:
        return self.folder / f"{service}.log"

    def _start(self) -> None:
        own_folder(own_folder(self.var) / "rehearsal")
        lock = FileLock(self.var / "tocsin.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ServerFailed(
                f"TOCSIN_VAR: {self.var} is in use by another process; stop it or choose another folder"
            ) from None
        self._stack.callback(lock.release)
        made = self._made() | {name: value for name, value in self._given.items() if name.startswith("TOCSIN_")}
        if "TOCSIN_ENDPOINTS" not in self._given:
            trial = runtime.load_trial(Settings.load(made))
            made |= {"TOCSIN_ENDPOINTS": drop_boxes.make(self.var, trial)}
        self.settings = Settings.load(made)
        running.note(self.settings)
        self._write(made)
        for service in SERVICES:
            self._processes[service] = self._service(service, made)
        self._wait()

    def _write(self, made: Mapping[str, str]) -> None:
        """For an operator's commands beside it; secrets stand in it."""
        file = own_file(self.folder / "environment")
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in {**made, "PORT": str(self.port)}.items())
        file.write_text("".join(lines), encoding="utf-8")

    def _made(self) -> dict[str, str]:
        """What the environment need not say; starts the servers that it does not name."""
        secrets = own_secrets.keep(self.var, SECRETS)
        return {
            "TOCSIN_MODE": "production",
            "TOCSIN_VAR": str(self.var),
            "TOCSIN_BASE_URL": f"http://{LOOPBACK}:{self.port}",
            "TOCSIN_DATABASE_URL": self._given.get("TOCSIN_DATABASE_URL") or self._postgres(),
            "TOCSIN_KAFKA": self._given.get("TOCSIN_KAFKA") or self._kafka(),
            "TOCSIN_SMTP_URL": self._given.get("TOCSIN_SMTP_URL") or self._mail(),
            "TOCSIN_ALARM_MAIL": "bell@example.org",
            "TOCSIN_DEMO": "1",
            "TOCSIN_ALLOW_ILLUSTRATIVE": "1",
            **{f"TOCSIN_{name.upper()}": secrets[name] for name in SECRETS},
        }

    def _postgres(self) -> str:
        tell("PostgreSQL …")
        server = DevPostgres(self.folder / "postgres").start()
        self._stack.callback(server.stop)
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            there = admin.execute("SELECT 1 FROM pg_database WHERE datname = 'tocsin'").fetchone()
        return server.url("tocsin") if there else server.create_database("tocsin")

    def _kafka(self) -> str:
        tell("Apache Kafka …")
        if not shutil.which("java"):
            raise ServerFailed(
                "Apache Kafka needs a Java runtime >= 17, and Maven once: install both, or name brokers in TOCSIN_KAFKA"
            )
        server = DevKafka(self.folder / "kafka").start()
        self._stack.callback(server.stop)
        return server.bootstrap

    def _mail(self) -> str:
        catcher = MailCatcher().start()
        self._stack.callback(catcher.stop)
        self.mails = f"{catcher.url}/messages"
        return f"smtp://{LOOPBACK}:{catcher.smtp_port}"

    def _service(self, service: str, made: Mapping[str, str]) -> subprocess.Popen[bytes]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        # A session of its own: Ctrl-C is for us, who stop the services before their log and their database.
        with self.log(service).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}.main"],
                cwd=ROOT,
                env={**ours, **made, "PORT": str(self.ports[service])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._stack.callback(end, process, signal.SIGTERM, within_s=STOPS_WITHIN_S)
        return process

    def _wait(self) -> None:
        tell(f"{', '.join(SERVICES)} …")
        until = time.monotonic() + READY_WITHIN_S
        for service, port in self.ports.items():
            while not _ready(f"http://{LOOPBACK}:{port}/ops/{service}/readyz"):
                if self.ended() or time.monotonic() > until:
                    said = self.log(self.ended() or service).read_text(encoding="utf-8", errors="replace")
                    raise ServerFailed(f"{self.ended() or service} did not start; its log ends:\n{said[-3000:]}")
                time.sleep(LOOK_EVERY_S)


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def tell(words: str) -> None:
    print(words, flush=True)


def _watch(rehearsal: Rehearsal, server: uvicorn.Server) -> None:
    """Production has somebody who starts a dead service again; here nobody would, so the rehearsal ends and says which."""
    while not server.should_exit:
        if dead := rehearsal.ended():
            tell(f"{dead} has ended: {rehearsal.log(dead)}")
            server.should_exit = True
        time.sleep(LOOK_EVERY_S)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    try:
        rehearsal = Rehearsal(os.environ)
        if not is_free(LOOPBACK, rehearsal.port):
            raise ServerFailed(f"PORT: {rehearsal.port} is in use; stop what runs there or choose another port")
        with rehearsal:
            told = rehearsal.settings
            tell(
                f"\nTocsin  {told.base_url}   Kafka {told.kafka}, PostgreSQL, {len(SERVICES)} processes; logs: {rehearsal.folder}/"
            )
            for user in DEMO_USERS if told.is_demo else ():
                tell(f"  {user.user_id:<20} {user.password:<34} {user.role}")
            if rehearsal.mails:
                tell(f"Outgoing mail: {rehearsal.mails}  (kept here, sent to nobody)")
            tell("\nCtrl-C stops.   Another terminal, with the same PORT and TOCSIN_VAR: make demo\n")
            server = uvicorn.Server(
                uvicorn.Config(
                    Proxy(rehearsal.ports),
                    host=LOOPBACK,
                    port=rehearsal.port,
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    date_header=False,
                    proxy_headers=False,
                    timeout_graceful_shutdown=2,
                )
            )
            threading.Thread(target=_watch, args=(rehearsal, server), daemon=True).start()
            server.run()
            if rehearsal.ended():
                sys.exit(1)
    except (ServerFailed, UnsafeSettings, TrialInvalid) as why:
        sys.exit(str(why))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
