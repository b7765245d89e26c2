"""The bell of last resort: heard, limited, and unable to say anything about a child."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from typer.testing import CliRunner

from services.cli import app
from shared import alarm
from shared.alarm import SENTENCES, Bell
from shared.clock import ManualClock

NOW = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)


class Post:
    """What an SMTP server would have been told."""

    sent: ClassVar[list[EmailMessage]] = []
    broken: ClassVar[bool] = False

    def __init__(self, host: str, port: int, timeout: float) -> None:
        if Post.broken:
            raise OSError("no route")

    def __enter__(self) -> Post:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send_message(self, message: EmailMessage) -> None:
        Post.sent.append(message)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, dict[str, str]]]:
    Post.sent, Post.broken = [], False
    monkeypatch.setattr(alarm.smtplib, "SMTP", Post)
    calls: list[tuple[bytes, dict[str, str]]] = []

    def post(url: str, *, content: bytes, headers: dict[str, str], timeout: float) -> httpx.Response:
        calls.append((content, headers))
        return httpx.Response(200 if url.endswith("/ok") else 500, request=httpx.Request("POST", url))

    monkeypatch.setattr(alarm.httpx, "post", post)
    return calls


def bell(
    tick: Callable[[], float] = lambda: 0.0, hook: str = "https://pager.test/ok", mail: str = "bell@x.test"
) -> Bell:
    return Bell(
        smtp_url="smtp://mail.test:25",
        mail_from="tocsin@x.test",
        mail_to=mail,
        webhook_url=hook,
        webhook_secret=b"s3cret",
        base_url="https://x.test",
        clock=ManualClock(NOW),
        monotonic=tick,
    )


def test_one_mail_and_one_signed_webhook(hooks: list[tuple[bytes, dict[str, str]]]) -> None:
    rung = bell().ring("outbox_stuck", "ae_intake", place="tocsin.safety[3]", count=4)
    assert rung.taken == ("mail", "webhook") and not rung.failed
    text = Post.sent[0].get_content()
    assert "Sự kiện nghiêm trọng" in text and "tocsin.safety[3]" in text and "count: 4" in text
    body, headers = hooks[0]
    assert headers["x-tocsin-signature"] == "sha256=" + hmac.new(b"s3cret", body, sha256).hexdigest()
    assert json.loads(body)["alarm"] == "outbox_stuck"


def test_free_text_is_withheld(hooks: list[tuple[bytes, dict[str, str]]]) -> None:
    bell().ring("event_parked", "causality", place="Nguyễn Văn A has a fever")
    assert "Nguy" not in Post.sent[0].as_string() + hooks[0][0].decode()
    assert "(withheld)" in Post.sent[0].get_content()


def test_one_ring_per_kind_and_service_and_the_rest_is_counted(hooks: list[tuple[bytes, dict[str, str]]]) -> None:
    now = [0.0]
    ours = bell(lambda: now[0])
    ours.ring("version_gap", "dsmb")
    assert ours.ring("version_gap", "dsmb").held and ours.ring("version_gap", "dsmb").held
    assert not ours.ring("version_gap", "causality").held
    assert not ours.ring("event_parked", "dsmb").held
    now[0] = 601.0
    assert ours.ring("version_gap", "dsmb").taken
    assert "held back since the last one: 2" in Post.sent[-1].get_content()


def test_one_broken_channel_does_not_silence_the_other(hooks: list[tuple[bytes, dict[str, str]]]) -> None:
    Post.broken = True
    rung = bell().ring("loop_died", "dsmb")
    assert rung.taken == ("webhook",) and rung.failed == ("mail",)


def test_a_ring_nobody_heard_is_tried_again_soon_and_counted(hooks: list[tuple[bytes, dict[str, str]]]) -> None:
    Post.broken = True
    now = [0.0]
    ours = bell(lambda: now[0], hook="https://pager.test/broken")
    assert ours.ring("loop_died", "dsmb").failed == ("mail", "webhook")
    now[0] = 31.0
    Post.broken = False
    assert ours.ring("loop_died", "dsmb").taken == ("mail",)
    assert "held back since the last one: 1" in Post.sent[-1].get_content()


def test_without_any_channel_it_says_so(hooks: list[tuple[bytes, dict[str, str]]]) -> None:
    rung = bell(hook="", mail="").ring("test", "dsmb")
    assert rung.taken == () and rung.failed == () and not rung.held


def test_kinds_are_a_fixed_list_in_two_languages() -> None:
    with pytest.raises(ValueError, match="kind"):
        bell().ring("fever_of_a_child", "dsmb")  # type: ignore[arg-type]
    assert all(vietnamese and english for vietnamese, english in SENTENCES.values())


def test_the_command_rings_for_a_test_and_fails_where_nobody_hears(
    hooks: list[tuple[bytes, dict[str, str]]], tmp_path: Path
) -> None:
    def run(webhook: str) -> int:
        given = {"TOCSIN_ALARM_WEBHOOK": webhook, "TOCSIN_VAR": str(tmp_path)}
        return CliRunner().invoke(app, ["bell"], env=given).exit_code

    assert run("http://127.0.0.1:1/ok") == 0
    assert json.loads(hooks[0][0])["alarm"] == "test"
    assert run("http://127.0.0.1:1/not") == 1
    assert run("") == 1
