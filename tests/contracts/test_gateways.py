"""File drop, HTTP gateway and SMTP, held to one contract over real directories, real HTTP and a real mail server."""

from __future__ import annotations

import asyncio
import json
import mailbox
import shutil
import threading
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from deploy.dev.ports import LOOPBACK, free_ports
from services.sae_notifier.channels import (
    FileDrop,
    HandoverFailed,
    HttpGateway,
    MailChannel,
    SmtpGateway,
    file_drop,
    http_gateway,
    mail,
)
from services.sae_notifier.channels.gateway import MOST_ANSWER_BYTES
from shared.clock import ManualClock
from tests.contracts.gateway import ACK, NUMBER, GatewayContract, Held

CLOCK = ManualClock(datetime(2026, 3, 9, 3, 0, tzinfo=UTC))
TOKEN = "token-of-the-gateway"


class TestFileDrop(GatewayContract):
    def prepare(self) -> None:
        self.out, self.back = self.tmp / "out", self.tmp / "back"
        self.out.mkdir()
        self.back.mkdir()

    def gateway(self) -> FileDrop:
        return FileDrop(str(self.out), str(self.back))

    def to_nobody(self) -> FileDrop:
        return FileDrop(str(self.tmp / "gone"), str(self.tmp / "gone too"))

    def taken(self) -> list[Held]:
        return [Held(one.stem, one.read_bytes()) for one in sorted(self.out.glob("*")) if one.is_file()]

    def put(self, name: str, content: bytes) -> None:
        (self.back / name).write_bytes(content)

    def refuse(self) -> None:
        (self.out / f".{NUMBER}.xml.part").mkdir()  # nobody, not even root, writes a file there

    def be_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(file_drop, "BOUND_S", 0.3)
        put = file_drop._put
        monkeypatch.setattr(file_drop, "_put", lambda *given: (time.sleep(1.0), put(*given)))

    async def test_whoever_watches_never_sees_half_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[list[str]] = []
        monkeypatch.setattr(file_drop.os, "fsync", lambda _: seen.append([one.name for one in self.out.glob("[!.]*")]))
        await self.gateway().hand_over(self.parcel())
        assert seen[0] == [], "written whole before it has its name"
        assert [one.number for one in self.taken()] == [NUMBER]

    async def test_a_file_still_being_written_is_no_answer_yet(self) -> None:
        (self.back / ".half.ack").write_bytes(b"<MCCI")
        assert await self.gateway().answers() == []

    async def test_a_file_without_its_end_waits_until_it_no_longer_grows(self) -> None:
        """Not everybody hides what he is still writing; half an acceptance would be taken for garbage."""
        gateway = self.gateway()
        self.put("slow.ack", ACK[:60])
        assert await gateway.answers() == []
        self.put("slow.ack", b'<MCCI_IN200101UV01><id root="1"/>')
        assert await gateway.answers() == [], "the end of a child is not the end"
        self.put("slow.ack", ACK)
        assert [one.content for one in await gateway.answers()] == [ACK]
        self.put("slow.ack", ACK[:60])
        await gateway.answers()
        assert [one.content for one in await gateway.answers()] == [ACK[:60]], (
            "it stays like this: a person must see it"
        )

    @pytest.mark.parametrize(
        "whole", [b"<a/>", b'<?xml version="1.0"?><!-- x --><h:a xmlns:h="u"><b/></h:a>\n', b"no xml", ACK]
    )
    async def test_a_whole_file_is_taken_at_once(self, whole: bytes) -> None:
        self.put("whole.ack", whole)
        assert [one.content for one in await self.gateway().answers()] == [whole]

    async def test_an_answer_put_under_a_name_just_read_is_not_taken_away_unread(self) -> None:
        gateway = self.gateway()
        self.put("ack.xml", b"<a>one</a>")
        [first] = await gateway.answers()
        self.put("ack.xml", b"<a>the second</a>")
        await gateway.done_with(first.name)
        assert [one.content for one in await gateway.answers()] == [b"<a>the second</a>"]

    async def test_a_link_is_no_answer(self) -> None:
        (self.tmp / "secret").write_bytes(b"secret")
        (self.back / "link.ack").symlink_to(self.tmp / "secret")
        (self.back / "directory.ack").mkdir()
        self.put("one.ack", ACK)
        assert [one.content for one in await self.gateway().answers()] == [ACK]

    async def test_a_file_that_cannot_be_had_keeps_no_other_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.put("1.ack", ACK)
        self.put("2.ack", ACK)
        real = Path.open

        def opened(path: Path, *given: object) -> object:
            if path.name == "1.ack":
                raise PermissionError(path)
            return real(path, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "open", opened)
        assert [one.name for one in await self.gateway().answers()] == ["2.ack"]

    async def test_what_is_kept_stays_beside(self) -> None:
        self.put("one.ack", ACK)
        await self.gateway().done_with("one.ack")
        assert (self.back / "done" / "one.ack").read_bytes() == ACK

    async def test_a_name_cannot_lead_out_of_the_directory(self) -> None:
        (self.tmp / "ours.ack").write_bytes(ACK)
        await self.gateway().done_with("../ours.ack")
        assert (self.tmp / "ours.ack").exists()

    async def test_an_endless_file_is_cut(self) -> None:
        self.put("long.ack", b"x" * (MOST_ANSWER_BYTES + 50))
        [waiting] = await self.gateway().answers()
        assert len(waiting.content) == MOST_ANSWER_BYTES + 1


class Other:
    """The other side of an HTTP gateway."""

    def __init__(self) -> None:
        self.held: list[tuple[Held, dict[str, str]]] = []
        self.outbox: dict[str, bytes] = {}
        self.status, self.delay_s, self.listing = 202, 0.0, b""
        self.broken: set[str] = set()
        other = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(other.delay_s)
                if other.status < 300:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    other.held.append((Held(headers["idempotency-key"], body), headers))
                self._answer(other.status, b"{}", {"Receipt-Number": "R-1", "Location": "/elsewhere"})

            def do_GET(self) -> None:
                name = unquote(self.path.removeprefix("/out").removeprefix("/"))
                if name in other.broken:
                    self._answer(500, b"", {})
                elif not name:
                    listed = json.dumps({"answers": sorted(other.outbox)}).encode()
                    self._answer(200, other.listing or listed, {})
                else:
                    self._answer(200 if name in other.outbox else 404, other.outbox.get(name, b""), {})

            def do_DELETE(self) -> None:
                known = other.outbox.pop(unquote(self.path.removeprefix("/out/")), None)
                self._answer(204 if known is not None else 404, b"", {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class TestHttpGateway(GatewayContract):
    secrets = (TOKEN, "127.0.0.1")

    @pytest.fixture(autouse=True)
    def _other(self, _place: None) -> object:
        self.other = Other()
        yield
        self.other.stop()

    def gateway(self) -> HttpGateway:
        return HttpGateway(f"{self.other.url}/in", f"{self.other.url}/out", TOKEN)

    def to_nobody(self) -> HttpGateway:
        url = f"http://{LOOPBACK}:{free_ports(1)[0]}"
        return HttpGateway(f"{url}/in", f"{url}/out", TOKEN)

    def taken(self) -> list[Held]:
        return [held for held, _ in self.other.held]

    def put(self, name: str, content: bytes) -> None:
        self.other.outbox[name] = content

    def refuse(self) -> None:
        self.other.status = 503

    def be_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_gateway, "BOUND_S", 0.3)
        self.other.delay_s = 1.0

    @pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 413, 429, 500, 502])
    async def test_everything_but_2xx_is_a_failure(self, status: int) -> None:
        self.other.status = status
        with pytest.raises(HandoverFailed, match=str(status)):
            await self.gateway().hand_over(self.parcel())
        assert self.taken() == []

    async def test_it_says_who_we_are_what_it_is_and_keeps_the_receipt(self) -> None:
        parcel = self.parcel()
        handed = await self.gateway().hand_over(parcel)
        [(_, headers)] = self.other.held
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["content-type"] == "application/xml"
        assert headers["content-digest"] == f"sha-256={parcel.sha256}"
        assert handed.receipt == "R-1"

    @pytest.mark.parametrize(
        "listing",
        [
            b"<html>",
            b"[]",
            b'{"answers": [1]}',
            b'{"answers": "a"}',
            b"\xff",
            b'{"answers": ["\\ud800"]}',
            b'{"answers": [".."]}',
        ],
    )
    async def test_a_list_that_cannot_be_read_is_a_failure(self, listing: bytes) -> None:
        self.other.listing = listing
        with pytest.raises(HandoverFailed):
            await self.gateway().answers()

    async def test_an_answer_that_cannot_be_had_keeps_no_other_waiting(self) -> None:
        self.put("1.ack", b"one")
        self.put("2.ack", b"two")
        self.other.broken = {"1.ack"}
        assert [one.name for one in await self.gateway().answers()] == ["2.ack"]
        self.other.broken = {"1.ack", "2.ack"}
        with pytest.raises(HandoverFailed, match="500"):
            await self.gateway().answers()

    async def test_an_address_that_is_none_is_a_failure(self) -> None:
        with pytest.raises(HandoverFailed):
            await HttpGateway("no address", "").hand_over(self.parcel())


class TestSmtp(GatewayContract):
    secrets = ("icsr@example.org",)

    def prepare(self) -> None:
        self.maildir = self.tmp / "answers"
        self.box = mailbox.Maildir(self.maildir)
        self.counted = 0

    def gateway(self) -> SmtpGateway:
        channel = MailChannel(f"smtp://127.0.0.1:{self.catcher.smtp_port}", "tocsin@example.org", CLOCK)
        return SmtpGateway(channel, "icsr@example.org", str(self.maildir))

    def to_nobody(self) -> SmtpGateway:
        channel = MailChannel(f"smtp://127.0.0.1:{free_ports(1)[0]}", "tocsin@example.org", CLOCK)
        return SmtpGateway(channel, "icsr@example.org", str(self.tmp / "gone"))

    def taken(self) -> list[Held]:
        found = []
        for caught in self.catcher.messages:
            [part] = list(caught.message.iter_attachments())
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found.append(Held(caught.message_id.removeprefix("<").removesuffix("@tocsin.invalid>"), content))
        return found

    def put(self, name: str, content: bytes) -> None:
        answer = EmailMessage(policy=SMTP)
        answer["From"], answer["To"], answer["Subject"] = "icsr@example.org", "tocsin@example.org", "ACK"
        answer.set_content("see the attachment")
        answer.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        self._deliver(answer.as_bytes())

    def _deliver(self, raw: bytes) -> str:
        """As a mail server does: the name begins with the time of delivery."""
        self.counted += 1
        name = f"17000000{self.counted:02}.M{self.counted}P1.mx"
        (self.maildir / "new" / name).write_bytes(raw)
        return name

    def refuse(self) -> None:
        self.catcher.mode.smtp_code = 550

    def be_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "BOUND_S", 0.3)
        self.catcher.mode.delay_s = 2.0

    async def test_250_is_no_receipt_and_a_notice_is_asked_for(self) -> None:
        handed = await self.gateway().hand_over(self.parcel())
        assert handed.receipt == ""
        [caught] = self.catcher.messages
        assert caught.headers["Disposition-Notification-To"] == "tocsin@example.org"

    async def test_mails_that_were_read_are_not_opened_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The mailbox grows for years, and is looked into every two seconds."""
        for number in range(3):
            self.put(f"{number}.ack", b"%d" % number)
        for one in (await self.gateway().answers())[:2]:
            await self.gateway().done_with(one.name)
        opened: list[str] = []
        real = mailbox.Maildir.get_bytes
        monkeypatch.setattr(mailbox.Maildir, "get_bytes", lambda box, key: opened.append(key) or real(box, key))
        monkeypatch.setattr(mailbox.Maildir, "get_message", lambda box, key: opened.append(key))
        [last] = await self.gateway().answers()
        assert (last.content, opened) == (b"2", [last.name])

    async def test_a_mail_without_a_file_comes_as_it_is(self) -> None:
        """A bounce or an automatic reply: a person has to see it."""
        raw = b"From: mailer-daemon@example.org\r\nSubject: undelivered\r\n\r\nno such user\r\n"
        self._deliver(raw)
        [waiting] = await self.gateway().answers()
        assert b"no such user" in waiting.content

    async def test_a_bounce_comes_with_its_reason_and_not_as_our_own_report(self) -> None:
        own = EmailMessage(policy=SMTP)
        own["Subject"] = "[ICSR]"
        own.add_attachment(b"<MCCI_IN200100UV01/>", maintype="application", subtype="xml", filename="report.xml")
        bounce = EmailMessage(policy=SMTP)
        bounce["From"], bounce["Subject"] = "mailer-daemon@example.org", "undelivered"
        bounce.set_content("mailbox full")
        bounce.add_attachment(own)
        for kind in ("multipart/mixed", "multipart/report"):
            bounce.replace_header("Content-Type", f'{kind}; boundary="{bounce.get_boundary() or "b"}"')
            self._deliver(bounce.as_bytes())
        found = await self.gateway().answers()
        assert len(found) == 2
        assert all(b"mailbox full" in one.content for one in found)

    async def test_a_mail_that_breaks_the_parser_comes_as_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(EmailMessage, "get_content_type", lambda _: 1 / 0)
        self._deliver(b"Subject: odd\r\n\r\nodd\r\n")
        [waiting] = await self.gateway().answers()
        assert b"odd" in waiting.content

    async def test_a_name_in_capitals_is_an_answer(self) -> None:
        self.put("ANSWER.XML", ACK)
        [waiting] = await self.gateway().answers()
        assert waiting.content == ACK


def test_a_file_drop_that_nobody_reads_from_has_no_answers(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    assert asyncio.run(FileDrop(str(tmp_path)).answers()) == []
