"""Coming back on Apache Kafka and PostgreSQL, with the commands of the runbook, two instances of every service.

A copy of one schema put back, a promoted standby that lacks the last transactions, a topic that was lost. The tests share
one running system and follow each other.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from psycopg import sql

from shared.bus.port import ALLOCATION_TOPIC, PARTITIONS, SAFETY_TOPIC
from tests.chaos.client import Client, Tokens
from tests.chaos.cluster import SERVICES, KafkaCluster
from tests.chaos.drain import drain
from tests.chaos.observe import FREEZING, MEMBER
from tests.chaos.settings import ROOT

pytestmark = pytest.mark.live
OFFICER = "safety-officer-1"
CRITERIA = ("death", "hospitalisation", "disability", "congenital_anomaly", "medically_important")
SERIOUS = dict.fromkeys(CRITERIA, "no") | {"life_threatening": "yes"}


class Desk:
    """The running system as people and the operator's console see it."""

    def __init__(self, cluster: KafkaCluster) -> None:
        self.cluster = cluster
        self.client = Client(cluster, random.Random(1), threading.Event(), Tokens(cluster))
        self._children = 100

    def report(self, said: str = "sốt cao, co giật") -> dict[str, Any]:
        self._children += 1
        body = {
            "subject_id": f"VN01-{self._children}",
            "reporter_role": "clinician",
            "events": [{"verbatim": {"text": said, "language": "vi"}, "seriousness": SERIOUS}],
        }
        headers = {"Idempotency-Key": f"child-{self._children}"}
        answer = self.client.send("ae_intake", "POST", "/api/v1/cases", user="clinician", body=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def tell(self, count: int) -> list[dict[str, Any]]:
        told = [self.report() for _ in range(count)]
        why, _ = drain(self.cluster, within_s=120)
        assert not why
        return told

    def duties(self, case_id: str) -> dict[str, tuple[str, str]]:
        found = self.client.get("sae_notifier", f"/api/v1/obligations?case_id={case_id}", user=OFFICER)
        return {one["obligation_id"]: (one["status"], one["due_strict_at"]) for one in found["obligations"]}

    def freeze(self, key: str) -> str:
        """The id of a cut of the safety board."""
        body, headers = {"purpose": "a rehearsal"}, {"Idempotency-Key": key}
        path = "/api/v1/dsmb/cuts"
        made = self.client.send("dsmb", "POST", path, user=MEMBER, body=body, headers=headers, timeout=FREEZING)
        assert made.status_code == 201, made.text
        return made.json()["cut_id"]

    def checked(self, cut_id: str) -> dict[str, Any] | None:
        """What making its reports once more gave; None when there is no such cut."""
        return self.client.get("dsmb", f"/api/v1/dsmb/cuts/{cut_id}/check", user=MEMBER)

    def run(self, *words: str, typed: str = "") -> str:
        """A command of the console; it must succeed."""
        assert self.cluster.postgres is not None
        environment = self.cluster.environment | {
            "PORT": str(self.cluster.of("ae_intake")[0].port),
            "PATH": f"{self.cluster.postgres.programs}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            [sys.executable, "-m", "services", *words],
            cwd=ROOT,
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-1500:]}{done.stderr[-2500:]}"
        return done.stdout

    def release(self, service: str) -> None:
        why = ("--user", OFFICER, "--reason", "compared with the desk's ledger")
        self.run("release", service, *why, typed=f"tocsin-demo-{OFFICER}\n")

    def held(self) -> set[str]:
        """The services of which every instance says that it is held or not verified."""
        from tests.chaos.probe import fetch

        found = set()
        for service in SERVICES:
            answers = [fetch(one.port, f"/ops/{service}/metrics") for one in self.cluster.of(service)]
            line = f'tocsin_held{{service="{service}"}} 1.0'
            if all(answer is not None and line in answer[1] for answer in answers):
                found.add(service)
        return found

    def audit(self) -> dict[str, Any]:
        return {one["service"]: one for one in json.loads(self.run("audit", "verify", "--json"))}


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    cluster = KafkaCluster()
    try:
        cluster.start()
        made = Desk(cluster)
        yield made
        made.client.close()
    finally:
        cluster.stop()
        shutil.rmtree(cluster.directory, ignore_errors=True)


def until(what: Callable[[], bool], within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.5)
    return False


def stood(desk: Desk, told: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["case_number"]: desk.duties(one["case_id"]) for one in told}


def in_order(desk: Desk, told: list[dict[str, Any]], before: dict[str, Any]) -> None:
    """Nothing is lost, nothing relaxed, no number given twice, and the trail verifies."""
    more = desk.tell(2)
    assert stood(desk, told) == before
    assert not {one["case_number"] for one in more} & set(before)
    audit = desk.audit()
    assert all(one["ok"] for one in audit.values()), audit


def test_a_service_from_an_older_copy(desk: Desk, tmp_path: Path) -> None:
    cluster, copies = desk.cluster, tmp_path / "copies"
    told = desk.tell(2)
    kept = desk.freeze("before-the-copy")
    desk.run("backup", str(copies))
    told += desk.tell(3)
    since = desk.freeze("after-the-copy")
    assert not drain(cluster, within_s=120)[0], "what is not on the log yet is lost with the database"
    before = stood(desk, told)
    assert all(before.values())
    for service in ("sae_notifier", "dsmb", "ae_intake"):
        for one in cluster.of(service):
            one.kill()
        said = desk.run("restore", service, "--from", str(copies))
        assert "restored; held" in said
        for one in cluster.of(service):
            one.start()
            assert one.ready(60)
        assert until(lambda name=service: name in desk.held())
        desk.release(service)
        assert until(lambda: not desk.held())
    in_order(desk, told, before)
    for cut_id in (kept, since, desk.freeze("after-the-restore")):
        found = desk.checked(cut_id)
        assert found is not None and (found["closed"], found["open"], found["missing"]) == ("identical",) * 2 + (0,)


def test_a_promoted_standby_that_lacks_the_last_transactions(desk: Desk, tmp_path: Path) -> None:
    """The server's files as they were a minute ago come back at the same address, under running services."""
    cluster = desk.cluster
    assert cluster.postgres is not None
    told = desk.tell(1)
    data, standby = cluster.postgres.directory / "data", cluster.postgres.directory / "standby"
    cluster.postgres.stop()
    subprocess.run(["cp", "-a", str(data), str(standby)], check=True)
    cluster.postgres.start()
    told += desk.tell(3)
    before = stood(desk, told)
    cluster.postgres.stop(mode="immediate")
    data.rename(cluster.postgres.directory / "lost")
    standby.rename(data)
    cluster.postgres.start()
    assert until(lambda: desk.held() == set(SERVICES)), desk.held()
    for service in SERVICES:
        desk.run("restore", service)
        desk.release(service)
    assert until(lambda: not desk.held())
    in_order(desk, told, before)


NAME = "QZXNAMEQZX"


def take_back(desk: Desk, case: dict[str, Any]) -> None:
    """What the event was called, everywhere; every service has heard of it when this ends."""
    body = {
        "texts": [{"version": 1, "pointer": "/events/0/verbatim"}],
        "reason": "names a child",
        "password": f"tocsin-demo-{OFFICER}",
    }
    path = f"/api/v1/cases/{case['case_id']}/redactions"
    made = desk.client.send("ae_intake", "POST", path, user=OFFICER, body=body)
    assert made.status_code == 201, made.text
    why, _ = drain(desk.cluster, within_s=60)
    assert not why


def holders(desk: Desk, words: str) -> list[str]:
    """Tables of any service with a row in which the words stand."""
    found = []
    with psycopg.connect(desk.cluster.dsn, connect_timeout=5) as reader:
        listed = (
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in reader.execute(listed).fetchall():
            statement = sql.SQL("SELECT count(*) FROM {} AS one WHERE CAST(one AS text) LIKE %s")
            name = sql.Identifier(schema, table)
            if reader.execute(statement.format(name), (f"%{words}%",)).fetchone() != (0,):
                found.append(f"{schema}.{table}")
    return found


async def records(desk: Desk, topic: str = SAFETY_TOPIC) -> list[bytes]:
    """Everything that stands on a topic of the log."""
    assert desk.cluster.kafka is not None
    consumer = AIOKafkaConsumer(bootstrap_servers=desk.cluster.kafka.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, one) for one in range(PARTITIONS)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends, found = await consumer.end_offsets(parts), []
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=500)
            found += [one.value or b"" for batch in batches.values() for one in batch]
        return found
    finally:
        await consumer.stop()


async def test_a_lost_topic_comes_back_without_words_that_were_taken_back(desk: Desk) -> None:
    cluster = desk.cluster
    assert cluster.kafka is not None
    told = desk.tell(1)
    named = desk.report(f"mẹ là {NAME}, sốt cao")
    why, _ = drain(cluster, within_s=120)
    assert not why
    told.append(named)
    before = stood(desk, told)
    assert any(NAME.encode() in one for one in await records(desk)) and holders(desk, NAME)
    take_back(desk, named)
    assert stood(desk, told) == before
    assert holders(desk, NAME) == []
    assert any(NAME.encode() in one for one in await records(desk)), "the old log keeps them"
    for service in SERVICES:
        for one in cluster.of(service):
            one.kill()
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.kafka.bootstrap)
    await admin.start()
    await admin.delete_topics([SAFETY_TOPIC])
    await admin.close()
    beside = await records(desk, ALLOCATION_TOPIC)
    said = desk.run("republish")
    assert f"{len(beside):,} records stood on the log" in said, (
        "cuts of the tests before, and nothing of the lost topic"
    )
    for service in SERVICES:
        for one in cluster.of(service):
            one.start()
            assert one.ready(60)
    assert until(lambda: not desk.held())
    in_order(desk, told, before)
    assert not any(NAME.encode() in one for one in await records(desk))
    assert holders(desk, NAME) == []
