"""Real servers as fixtures; an address given by the environment is used instead of starting one."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import psycopg
import pytest

from deploy.dev.kafka import LIB, DevKafka, fetch_jars
from deploy.dev.mailcatcher import MailCatcher
from deploy.dev.postgres import DevPostgres
from deploy.dev.process import ServerFailed

POSTGRES_ENV = "TOCSIN_TEST_POSTGRES"
"""An existing server: `postgresql://user@host:port/postgres`, allowed to create databases."""
KAFKA_ENV = "TOCSIN_TEST_KAFKA"
"""An existing broker: `host:port`. Its topics are deleted between tests."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DevPostgres]:
    """One PostgreSQL for the session, for tests that stop or restart it."""
    directory = Path(mkdtemp(prefix="tocsin-pg-"))
    server = DevPostgres(directory).start()
    yield server
    server.stop(mode="immediate")
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The SQLAlchemy URL of a database that nobody has used."""
    name = f"t_{uuid4().hex}"
    given = os.environ.get(POSTGRES_ENV)
    if given:
        with psycopg.connect(given, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
            yield given.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        return
    server: DevPostgres = request.getfixturevalue("postgres_server")
    yield server.create_database(name)
    server.start()  # a test may have left it stopped
    server.drop_database(name)


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[DevKafka]:
    """One broker for the session, for tests that stop or restart it."""
    if not shutil.which("java"):
        pytest.skip("Apache Kafka needs a Java runtime >= 17: install one")
    try:
        fetch_jars()
    except ServerFailed as why:
        pytest.skip(f"{why} (looked in {LIB})")
    directory = Path(mkdtemp(prefix="tocsin-kafka-"))
    server = DevKafka(directory).start()
    yield server
    server.stop(kill=True)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def kafka_bootstrap(request: pytest.FixtureRequest) -> str:
    """The address of a broker that holds no topic of an earlier test."""
    given = os.environ.get(KAFKA_ENV)
    if given:
        bootstrap = given
    else:
        server: DevKafka = request.getfixturevalue("kafka_server")
        bootstrap = server.start().bootstrap
    asyncio.run(delete_topics(bootstrap))
    return bootstrap


async def delete_topics(bootstrap: str) -> None:
    """Remove every topic that is not Kafka's own, and wait until the broker has forgotten them."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(20):
            while ours := [name for name in await admin.list_topics() if not name.startswith("__")]:
                await admin.delete_topics(ours)
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def _mail_catcher() -> Iterator[MailCatcher]:
    server = MailCatcher().start()
    yield server
    server.stop()


@pytest.fixture
def catcher(_mail_catcher: MailCatcher) -> MailCatcher:
    """An empty SMTP catcher (`smtp_port`, `messages`) and webhook target (`url`, `hooks`) that behaves well."""
    _mail_catcher.clear()
    return _mail_catcher
