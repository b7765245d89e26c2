"""The whole system in separate processes: two instances of every service on Kafka and PostgreSQL, or one embedded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from deploy.dev.kafka import DevKafka
from deploy.dev.ports import free_ports
from deploy.dev.postgres import DevPostgres
from tests.chaos.authorities import Authorities, missing
from tests.chaos.instance import Instance
from tests.chaos.settings import ROOT, bare_environment, common, production

SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")
PER_SERVICE = 2


class Catcher:
    """The mail catcher, in a process of its own so that it sees what crashed processes sent."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.dev.mailcatcher"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.smtp_port, self.url = int(said["smtp"].rsplit(":", 1)[1]), str(said["http"])

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        if self._process.stdout:
            self._process.stdout.close()


class Cluster:
    """What load, faults and observer need of either backend."""

    services: tuple[str, ...] = ()
    kafka: DevKafka | None = None
    postgres: DevPostgres | None = None
    environment: dict[str, str]
    """Of every instance, and for a command such as `audit verify` beside the running system."""

    def __init__(self, mutant: str = "", mutated: str = "") -> None:
        self.directory = Path(mkdtemp(prefix="tocsin-chaos-"))
        self.catcher = Catcher()
        self.authorities = None if missing() else Authorities()
        self.instances: dict[str, list[Instance]] = {}
        self._added: list[Instance] = []
        self.environment: dict[str, str] = {}
        self.mutant, self.mutated = mutant, mutated

    def of(self, service: str) -> list[Instance]:
        """The instances that answer for a service."""
        return self.instances[service] if service in self.instances else self.instances["embedded"]

    def _instance(self, name: str, service: str, port: int) -> Instance:
        one = Instance(name, service, port, self.environment, self.directory / f"{name}.log")
        one.mutant = self.mutant if service == self.mutated else ""
        return one

    def one_more(self, service: str) -> Instance:
        """Another instance, not started yet; nobody sends to it, it only shares the work."""
        added = self._instance(f"{service}-added-{len(self._added) + 1}", service, free_ports(1)[0])
        self._added.append(added)
        return added

    def _start_all(self) -> None:
        every = [one for several in self.instances.values() for one in several]
        for one in every:
            one.start()
        for one in every:
            if not one.ready(90):
                raise RuntimeError(f"{one.name} did not start; its log ends:\n{one.last_words(40)}")

    def _stop_all(self) -> None:
        every = [one for several in self.instances.values() for one in several]
        for one in (*every, *self._added):
            one.kill()
        self.catcher.stop()
        if self.authorities is not None:
            self.authorities.stop()

    def start(self) -> None:
        """Everything up and answering."""
        raise NotImplementedError

    def stop(self) -> None:
        """Everything ended, by pid, whatever state it is in."""
        raise NotImplementedError


class KafkaCluster(Cluster):
    """Production mode. Servers may be handed over, to be used by several runs one after the other."""

    def __init__(
        self,
        services: Sequence[str] = SERVICES,
        *,
        mutant: str = "",
        mutated: str = "",
        postgres: DevPostgres | None = None,
    ) -> None:
        super().__init__(mutant, mutated)
        self.services = tuple(services)
        self._own_postgres = postgres is None
        self.postgres = postgres or DevPostgres(self.directory / "postgres")
        self.kafka = DevKafka(self.directory / "kafka")
        self._database = f"chaos_{self.directory.name.rsplit('-', 1)[-1].lower()}"

    @property
    def dsn(self) -> str:
        assert self.postgres is not None
        return self.postgres.dsn(self._database)

    def start(self) -> None:
        assert self.postgres is not None and self.kafka is not None
        self.kafka.start()
        self.postgres.start()
        url = self.postgres.create_database(self._database)
        ports = iter(free_ports(PER_SERVICE * len(self.services) + 1))
        self.environment = {
            **bare_environment(),
            **common(self.directory, self.catcher.smtp_port),
            **(self.authorities.environment if self.authorities else {}),
            **production(url, self.kafka.bootstrap, f"http://127.0.0.1:{next(ports)}"),
        }
        for service in self.services:
            self.instances[service] = [
                self._instance(f"{service}-{number}", service, next(ports)) for number in range(1, PER_SERVICE + 1)
            ]
        self._start_all()

    def stop(self) -> None:
        self._stop_all()
        assert self.kafka is not None and self.postgres is not None
        self.kafka.stop(kill=True)
        if self._own_postgres:
            self.postgres.stop(mode="immediate")
        else:
            self.postgres.drop_database(self._database)


class LocalCluster(Cluster):
    """The embedded mode: every service in one process on SQLite files and the local log."""

    services = SERVICES

    def start(self) -> None:
        port = free_ports(1)[0]
        self.environment = {
            **bare_environment(),
            **common(self.directory, self.catcher.smtp_port),
            **(self.authorities.environment if self.authorities else {}),
            "TOCSIN_MODE": "embedded",
            "TOCSIN_VAR": str(self.directory / "var"),
            "TOCSIN_BASE_URL": f"http://127.0.0.1:{port}",
        }
        self.instances["embedded"] = [self._instance("embedded", "embedded", port)]
        self._start_all()

    def stop(self) -> None:
        self._stop_all()


def discard(cluster: Cluster, *, keep: bool) -> None:
    """Remove the run directory; a failed run keeps its logs."""
    if not keep:
        shutil.rmtree(cluster.directory, ignore_errors=True)
    else:
        for heavy in ("postgres", "kafka"):
            shutil.rmtree(cluster.directory / heavy, ignore_errors=True)
        sys.stdout.write(f"logs kept in {cluster.directory}\n")
