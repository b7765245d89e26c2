"""A private Apache Kafka (KRaft, one node) on loopback ports: `python -m deploy.dev.kafka start --dir D`.

Needs a Java runtime >= 17, and Maven once to fetch the jars of `kafka/pom.xml` into `kafka/lib`. Settings are for tests:
topics are never made by accident, groups form at once, a member is declared dead after as little as a second.
"""

from __future__ import annotations

import argparse
import atexit
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from tempfile import mkdtemp

from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.process import ServerFailed, end, hold

HOME = Path(__file__).parent / "kafka"
LIB = HOME / "lib"
STARTED = "Kafka Server started"
HEAP = ("-Xms96m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
CLUSTER_ID = "dG9jc2luLWRldi1rYWZrYQ"
"""Any 16 bytes in URL-safe base64; fixed, so that a directory can be started again."""

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": 12,
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3_000,  # how long a killed broker's old self keeps its successor out
    "message.max.bytes": 5_000_000,
    "log.cleaner.dedupe.buffer.size": 16_000_000,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.recovery.threads.per.data.dir": 1,
}


class DevKafka:
    """One broker with its own run directory; ports and log survive `stop` and `start`."""

    def __init__(self, directory: Path | None = None, *, port: int = 0) -> None:
        self.directory = (directory or Path(mkdtemp(prefix="tocsin-kafka-"))).resolve()
        broker, controller = free_ports(2)
        self.port, self._controller_port = port or broker, controller
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        return self.directory / "kafka.log"

    def start(self, *, within_s: float = 90.0) -> DevKafka:
        """Fetch the jars and format the log directory if need be, start, and return once requests are answered."""
        if self.pid:
            return self
        fetch_jars()
        self.directory.mkdir(parents=True, exist_ok=True)
        properties = self._write_properties()
        if not (self.directory / "log" / "meta.properties").exists():
            self._run("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
        said_before = self.log.read_bytes().count(STARTED.encode())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java(), "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C reaches the owner, who stops the services before their log
            )
        atexit.register(self.stop, kill=True)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.pid:
            if self.log.read_bytes().count(STARTED.encode()) > said_before:
                return self
            time.sleep(0.1)
        self.stop(kill=True)
        raise ServerFailed(f"Kafka did not start; its log ends: {self.log.read_text(errors='replace')[-3000:]}")

    def stop(self, *, kill: bool = False) -> None:
        """An orderly end, or with `kill` the machine's power cord."""
        if self._process:
            end(self._process, signal.SIGKILL if kill else signal.SIGTERM, within_s=20)
            self._process = None
        atexit.unregister(self.stop)

    def restart(self, *, kill: bool = False, down_s: float = 0.0) -> None:
        """Stop, stay away for `down_s`, and come back at the same address with the same log."""
        self.stop(kill=kill)
        time.sleep(down_s)
        self.start()

    def _write_properties(self) -> Path:
        mine = {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{self._controller_port}",
            "log.dirs": str(self.directory / "log"),
        }
        path = self.directory / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in {**SETTINGS, **mine}.items()))
        return path

    def _java(self) -> list[str]:
        return [
            os.environ.get("JAVA", "java"),
            *HEAP,
            f"-Dlog4j2.configurationFile={HOME / 'log4j2.properties'}",
            "-cp",
            str(LIB / "*"),
        ]

    def _run(self, *arguments: str) -> None:
        with self.log.open("ab") as log:
            done = subprocess.run([*self._java(), *arguments], stdout=log, stderr=log, timeout=60, check=False)
        if done.returncode:
            raise ServerFailed(f"{arguments[0]} failed: {self.log.read_text(errors='replace')[-2000:]}")


def fetch_jars() -> None:
    """Have Maven copy the jars the pom names; does nothing when they are there for this very pom."""
    pom = HOME / "pom.xml"
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    stamp = LIB / ".fetched"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not shutil.which("mvn"):
        raise ServerFailed("Kafka's jars are missing and there is no Maven: install `mvn`, then `make kafka`")
    shutil.rmtree(LIB, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={LIB}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ServerFailed(f"Maven could not fetch Kafka: {done.stdout[-3000:]}")
    stamp.write_text(wanted)


def main() -> None:
    """`fetch` gets the jars; `start` runs until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.kafka", description=__doc__)
    parser.add_argument("action", choices=["fetch", "start"])
    parser.add_argument("--dir", type=Path, default=HOME / "run", help="log and settings; kept between runs")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    asked = parser.parse_args()
    if asked.action == "fetch":
        fetch_jars()
        return
    server = DevKafka(asked.dir, port=asked.port).start()
    hold(server.bootstrap, server.stop)


if __name__ == "__main__":
    main()
