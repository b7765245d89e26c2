"""Mail by real SMTP and webhooks by real HTTP, held to one contract; and what an alert may say."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from services.sae_notifier.channels import Attachment, Channel, MailChannel, WebhookChannel, mail, webhook
from services.sae_notifier.dispatch.words import alert_words
from services.sae_notifier.store import AlertRow
from shared.clock import ManualClock
from tests.contracts.channel import NUMBER, Arrival, ChannelContract
from tests.support import deeds
from tests.support.world import START, World

CLOCK = ManualClock(datetime(2026, 3, 9, 3, 0, tzinfo=UTC))
KEY = b"a key that the gateway knows too"


class TestMail(ChannelContract):
    refusals = (421, 451, 550, 552)

    def channel(self) -> Channel:
        return MailChannel(f"smtp://127.0.0.1:{self.catcher.smtp_port}", "tocsin@example.org", CLOCK)

    def channel_to_nobody(self, port: int) -> tuple[Channel, str]:
        return MailChannel(f"smtp://127.0.0.1:{port}", "tocsin@example.org", CLOCK), "safety-1@example.org"

    def address(self) -> str:
        return "safety-1@example.org"

    def arrivals(self) -> list[Arrival]:
        named = "X-Tocsin-"
        return [
            Arrival(
                one.message_id,
                one.text,
                {
                    k.removeprefix(named).lower().replace("-", "_"): v
                    for k, v in one.headers.items()
                    if k.startswith(named)
                },
            )
            for one in self.catcher.messages
        ]

    def refuse(self, code: int) -> None:
        self.catcher.mode.smtp_code = code

    def shorten(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        monkeypatch.setattr(mail, "BOUND_S", seconds)

    async def test_a_report_arrives_with_its_bytes_and_asks_for_a_receipt(self) -> None:
        pdf = b"%PDF-1.7\n" + bytes(range(256)) * 40
        message = replace(
            self.message(), attachments=(Attachment("report.pdf", "application/pdf", pdf),), wants_receipt=True
        )
        await self.channel().hand_over(message)
        [caught] = self.catcher.messages
        assert [(one.filename, one.content_type, one.sha256) for one in caught.attachments] == [
            ("report.pdf", "application/pdf", sha256(pdf).hexdigest())
        ]
        assert caught.headers["Disposition-Notification-To"] == "tocsin@example.org"
        assert caught.message_id == NUMBER
        assert caught.subject == message.subject
        assert caught.recipients == ["safety-1@example.org"]

    async def test_an_alert_asks_for_no_receipt_and_says_that_a_machine_wrote_it(self) -> None:
        await self.channel().hand_over(self.message())
        [caught] = self.catcher.messages
        assert "Disposition-Notification-To" not in caught.headers
        assert caught.headers["Auto-Submitted"] == "auto-generated"
        assert caught.headers["Date"] == "Mon, 09 Mar 2026 03:00:00 +0000"

    def test_an_address_that_is_no_mail_server_is_refused_at_start(self) -> None:
        with pytest.raises(ValueError, match="TOCSIN_SMTP_URL"):
            MailChannel("http://127.0.0.1", "tocsin@example.org", CLOCK)


class TestWebhook(ChannelContract):
    refusals = (302, 400, 401, 404, 429, 500, 503)

    def channel(self) -> Channel:
        return WebhookChannel(KEY, CLOCK)

    def channel_to_nobody(self, port: int) -> tuple[Channel, str]:
        return WebhookChannel(KEY, CLOCK), f"http://127.0.0.1:{port}/hooks/safety-1"

    def address(self) -> str:
        return f"{self.catcher.url}/hooks/safety-1"

    def arrivals(self) -> list[Arrival]:
        bodies = [json.loads(one.body) for one in self.catcher.hooks]
        return [Arrival(one.pop("message_id"), one.pop("text"), one) for one in bodies]

    def refuse(self, code: int) -> None:
        self.catcher.mode.http_status = code

    def shorten(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        monkeypatch.setattr(webhook, "BOUND_S", seconds)

    async def test_its_signature_covers_the_time_and_the_exact_body(self) -> None:
        await self.channel().hand_over(self.message())
        [hook] = self.catcher.hooks
        headers = {name.lower(): value for name, value in hook.headers.items()}
        stamp, mac = (part.split("=", 1)[1] for part in headers["tocsin-signature"].split(","))
        assert int(stamp) == int(CLOCK.now().timestamp())
        good = hmac.new(KEY, f"{stamp}.{hook.body}".encode(), sha256).hexdigest()
        assert hmac.compare_digest(mac, good)
        for other in (f"{stamp}.{hook.body} ", f"{int(stamp) + 1}.{hook.body}", hook.body):
            assert hmac.new(KEY, other.encode(), sha256).hexdigest() != mac
        assert headers["idempotency-key"] == NUMBER.strip("<>")
        assert headers["content-type"] == "application/json"


# What an alert may say ------------------------------------------------------------------------------------------------

NAME = "Nguyễn Văn An"


def test_nothing_about_the_child_leaves_in_an_alert() -> None:
    """A name typed into the report, the child's code, what happened: none of it is in any message of any channel."""
    secrets = [NAME, "VN01-007", "co giật", "viêm màng não", "10027199", "Meningitis"]
    with World() as world:
        body = deeds.report(
            "VN01-007",
            aware=START - timedelta(hours=1),
            term_code="10027199",
            description={"text": f"{NAME}, co giật, viêm màng não", "language": "vi"},
            seriousness=deeds.seriousness(life_threatening="yes"),
        )
        deeds.submit(world, body)
        deeds.culture(world, "VN01-007", "B-1", "positive")
        world["sae_notifier"].failing.add("tocsin.case.amended.v1")
        world.drain()
        case = deeds.alerts_of(world)[0].case_id or deeds.alerts_of(world)[1].case_id
        assert case is not None
        deeds.amend(world, case, 1, news=START, reason=f"{NAME} again")
        world.drain()
        world.tick(hours=100)
        world.hand_over()
        kinds = {row.kind for row in deeds.alerts_of(world)}
        assert {"sae", "sterility", "parked", "alarm"} <= kinds
        sent = [*world.mail.taken, *world.hooks.taken]
        assert len(sent) >= len(kinds)
        for message in sent:
            whole = json.dumps(
                [message.subject, message.text, dict(message.data), message.message_id], ensure_ascii=False
            )
            assert not [secret for secret in secrets if secret.casefold() in whole.casefold()], whole
            assert set(message.data) <= {"alert_id", "kind", "case_number", "threshold", "link", "person"}


@pytest.mark.parametrize("kind", ["sae", "sae_upgraded", "sterility", "parked", "rejected", "filing_failed", "alarm"])
def test_every_kind_of_alert_has_words_in_both_languages_and_a_link(kind: str) -> None:
    row = AlertRow(
        alert_id="a-1",
        cause="c",
        kind=kind,
        subject_id="VN01-007",
        case_number="VN-VINMEC-2026-000001",
        opened_at=START,
    )
    subject, text = alert_words(row, "https://tocsin.example.org")
    vietnamese, english = text.splitlines()[:2]
    assert vietnamese and english and vietnamese != english
    assert vietnamese in subject and english in subject
    assert "https://tocsin.example.org/alerts/a-1" in text
    assert "VN01-007" not in subject + text
