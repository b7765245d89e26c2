"""What stands on the stage: PostgreSQL, Kafka, a mail catcher, and the processes that are measured."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

import httpx
import psutil
import psycopg

from bench.load import Order, Outcome
from deploy.dev.kafka import DevKafka
from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.postgres import DevPostgres

ROOT = Path(__file__).resolve().parents[1]


class Process:
    """One measured process: `python -m module` with its port in PORT."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path, probe: str) -> None:
        self.module, self.port, self._log = module, free_ports(1)[0], log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env={**environment, "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._wait(probe)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def rss_mb(self) -> float:
        return psutil.Process(self._process.pid).memory_info().rss / 1e6

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def _wait(self, probe: str, within_s: float = 60.0) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(self.url + probe, timeout=2.0, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        self._process.kill()
        raise RuntimeError(
            f"{self.module} did not start; its log ends:\n{self._log.read_text(errors='replace')[-3000:]}"
        )


class Stage:
    """Servers for one run, in a directory that is removed afterwards."""

    def __init__(self) -> None:
        self.directory = Path(mkdtemp(prefix="tocsin-bench-"))
        self.postgres = DevPostgres(self.directory / "postgres")
        self.kafka = DevKafka(self.directory / "kafka")
        self._processes: list[Process] = []
        self._count = 0

    def __enter__(self) -> Stage:
        self.postgres.start()
        self.kafka.start()
        self._catcher = subprocess.Popen(
            [sys.executable, "-m", "deploy.dev.mailcatcher"], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._catcher.stdout is not None
        said = json.loads(self._catcher.stdout.readline())
        self.smtp, self.catcher_url = str(said["smtp"]), str(said["http"])
        self.database_url = self.postgres.create_database("bench")
        base = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_") and name != "PORT"}
        self._common = base | {
            "TOCSIN_DEMO": "1",
            "TOCSIN_ALLOW_ILLUSTRATIVE": "1",
            "TOCSIN_SECRET_KEY": secrets.token_urlsafe(48),
            "TOCSIN_AUDIT_KEY": secrets.token_urlsafe(48),
            "TOCSIN_WEBHOOK_SECRET": secrets.token_urlsafe(48),
            "TOCSIN_SMTP_URL": f"smtp://{self.smtp}",
            "TOCSIN_ALARM_MAIL": "bell@example.org",
            "TOCSIN_BASE_URL": f"http://{LOOPBACK}:8000",
        }
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            process.stop()
        self._catcher.terminate()
        self._catcher.wait(10)
        self.kafka.stop(kill=True)
        self.postgres.stop(mode="immediate")
        if error is None:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"logs kept in {self.directory}", file=sys.stderr)

    @property
    def dsn(self) -> str:
        return self.postgres.dsn("bench")

    def service(self, name: str) -> Process:
        """The real `main.py` in production mode; migrates its own schema."""
        return self._start(
            f"services.{name}.main",
            self._common
            | {
                "TOCSIN_MODE": "production",
                "TOCSIN_DATABASE_URL": self.database_url,
                "TOCSIN_KAFKA": self.kafka.bootstrap,
            },
            f"/ops/{name}/readyz",
        )

    def on_sqlite(self) -> Process:
        """ae_intake alone with the adapters of embedded mode."""
        own = {"TOCSIN_MODE": "embedded", "TOCSIN_VAR": str(self.directory / "var")}
        return self._start("services.ae_intake.main", self._common | own, "/ops/ae_intake/readyz")

    def naive(self) -> Process:
        own = {"NAIVE_DATABASE_URL": self.database_url, "NAIVE_KAFKA": self.kafka.bootstrap}
        return self._start("bench.naive", self._common | own, "/livez")

    def _start(self, module: str, environment: Mapping[str, str], probe: str) -> Process:
        self._count += 1
        process = Process(module, environment, self.directory / f"{self._count}-{module}.log", probe)
        self._processes.append(process)
        return process

    def stop(self, process: Process) -> None:
        process.stop()
        self._processes.remove(process)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()


def sign_in(url: str, user: str = "clinician") -> str:
    """A bearer token of a demonstration user."""
    answer = httpx.post(
        f"{url}/api/v1/sign-in", json={"username": user, "password": f"tocsin-demo-{user}"}, trust_env=False
    )
    answer.raise_for_status()
    return str(answer.json()["token"])


def send(order: Order) -> Outcome:
    """Run the load generator in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        cwd=ROOT,
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=900,
    )
    return Outcome(**json.loads(done.stdout))
