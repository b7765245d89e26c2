"""The development servers do what chaos relies on: same address after a restart, nothing committed is lost."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest

from deploy.dev.kafka import DevKafka
from deploy.dev.mailcatcher import MailCatcher
from deploy.dev.postgres import DevPostgres

ROOT = Path(__file__).parents[2]


def test_postgres_keeps_what_was_committed_through_a_crash(postgres_server: DevPostgres, postgres_url: str) -> None:
    dsn = postgres_url.replace("+psycopg", "")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    postgres_server.restart(mode="immediate")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
        assert connection.execute("SELECT current_setting('fsync')").fetchone() == ("on",)


def test_postgres_takes_a_hundred_connections(postgres_server: DevPostgres) -> None:
    open_at_once = [psycopg.connect(postgres_server.dsn()) for _ in range(100)]
    assert all(one.execute("SELECT 1").fetchone() == (1,) for one in open_at_once)
    for one in open_at_once:
        one.close()


def test_the_postgres_command_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.dev.postgres", "start", "--dir", str(tmp_path), "--database", "mine"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        dsn = url.replace("+psycopg", "").rsplit("/", 1)[0] + "/mine"
        psycopg.connect(dsn).close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)


def _mail(text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "bell@example.org", "officer@example.org"
    mail["Subject"], mail["Message-ID"] = "Báo động", "<1@example.org>"
    mail.set_content(text)
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="form.pdf")
    return mail


def test_the_catcher_shows_what_it_took(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as smtp:
        smtp.send_message(_mail("Còn 7 ngày"))
    [caught] = catcher.wait_for(1)
    assert (caught.subject, caught.message_id, caught.text.strip()) == ("Báo động", "<1@example.org>", "Còn 7 ngày")
    assert [(a.filename, a.size) for a in caught.attachments] == [("form.pdf", 4)]
    with urlopen(f"{catcher.url}/messages") as answer:
        assert json.load(answer)[0]["recipients"] == ["officer@example.org"]
    with urlopen(f"{catcher.url}/messages/0.eml") as answer:
        assert b"form.pdf" in answer.read()


def test_the_catcher_refuses_when_told_to(catcher: MailCatcher) -> None:
    order = Request(f"{catcher.url}/mode", data=json.dumps({"smtp_code": 451}).encode())
    urlopen(order).close()
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused):
        smtp.send_message(_mail("not taken"))
    assert catcher.messages == []


def test_the_catcher_keeps_the_exact_body_of_a_webhook(catcher: MailCatcher) -> None:
    urlopen(Request(f"{catcher.url}/hooks/sms", data=b'{"b": 1,  "a": 2}', headers={"X-Signature": "s"})).close()
    [hook] = catcher.hooks
    assert (hook.path, hook.body, hook.headers["X-Signature"]) == ("/hooks/sms", '{"b": 1,  "a": 2}', "s")


@pytest.mark.live
async def test_kafka_keeps_its_log_and_address_through_a_kill(kafka_server: DevKafka, kafka_bootstrap: str) -> None:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("kept", b"7")
    await producer.stop()

    if "TOCSIN_TEST_KAFKA" not in os.environ:
        kafka_server.restart(kill=True)

    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False, group_id=None)
    await consumer.start()
    consumer.assign([TopicPartition("kept", 0)])
    await consumer.seek_to_beginning()
    record = await consumer.getone()
    await consumer.stop()
    assert record.value == b"7"
