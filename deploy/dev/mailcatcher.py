"""Takes every mail and webhook, sends none on, and shows what it took: `python -m deploy.dev.mailcatcher`.

SMTP on one port; on the other `GET /messages`, `GET /messages/0.eml`, `GET /hooks`, `DELETE /messages`, `POST /hooks/…`
(a webhook target) and `POST /mode` with any of `{"smtp_code": 451, "http_status": 503, "delay_s": 2.5}` to refuse or be slow.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.process import hold


@dataclass(frozen=True)
class Attachment:
    """What was attached, by content: the bytes are in the `.eml`."""

    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class CaughtMail:
    """One delivery; two deliveries of one message have one `message_id`."""

    received_at: str
    sender: str
    recipients: list[str]
    message_id: str
    subject: str
    headers: dict[str, str]
    text: str
    attachments: list[Attachment]
    raw: bytes = field(repr=False)

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return cast(EmailMessage, message_from_bytes(self.raw, policy=policy.default))

    def as_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "raw"}


@dataclass(frozen=True)
class CaughtHook:
    """One webhook call, with the exact body that its signature covers."""

    received_at: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Mode:
    """How to behave; 0 means well."""

    smtp_code: int = 0
    http_status: int = 0
    delay_s: float = 0.0


class MailCatcher:
    """Both servers in threads of their own. Every delivery that was answered 250 is in `messages`, once per delivery."""

    def __init__(self, host: str = LOOPBACK, *, smtp_port: int = 0, http_port: int = 0) -> None:
        free = free_ports(2)
        self.host, self.smtp_port, self.http_port = host, smtp_port or free[0], http_port or free[1]
        self.mode = Mode()
        self.messages: list[CaughtMail] = []
        self.hooks: list[CaughtHook] = []
        self._smtp = Controller(self, hostname=host, port=self.smtp_port, ready_timeout=10)
        self._http = ThreadingHTTPServer((host, self.http_port), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where the listing and the webhook target (`/hooks/…`) are."""
        return f"http://{LOOPBACK}:{self.http_port}"

    def start(self) -> MailCatcher:
        self._smtp.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._smtp.stop()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def clear(self) -> None:
        """Forget everything and behave well again."""
        self.messages.clear()
        self.hooks.clear()
        self.mode = Mode()

    def wait_for(self, count: int, *, within_s: float = 10.0) -> list[CaughtMail]:
        """At least `count` mails, or TimeoutError."""
        deadline = time.monotonic() + within_s
        while len(self.messages) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.messages)} of {count} mails after {within_s} s")
            time.sleep(0.02)
        return list(self.messages)

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mode.smtp_code:
            return f"{self.mode.smtp_code} told to refuse"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.mode.delay_s)
        self.messages.append(_caught(envelope))
        return "250 taken"


def _caught(envelope: Envelope) -> CaughtMail:
    raw = envelope.original_content or b""
    mail = cast(EmailMessage, message_from_bytes(raw, policy=policy.default))
    text = mail.get_body(("plain", "html"))
    attachments = []
    for part in mail.iter_attachments():
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        digest = hashlib.sha256(content).hexdigest()
        attachments.append(Attachment(part.get_filename() or "", part.get_content_type(), len(content), digest))
    return CaughtMail(
        received_at=datetime.now(UTC).isoformat(),
        sender=envelope.mail_from or "",
        recipients=list(envelope.rcpt_tos),
        message_id=str(mail["Message-ID"] or ""),
        subject=str(mail["Subject"] or ""),
        headers={name: str(value) for name, value in mail.items()},
        text=text.get_content() if text else "",
        attachments=attachments,
        raw=raw,
    )


def _handler(catcher: MailCatcher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/livez":
                self._answer({"status": "ok"})
            elif self.path == "/messages":
                self._answer([mail.as_json() for mail in list(catcher.messages)])
            elif self.path == "/hooks":
                self._answer([asdict(hook) for hook in list(catcher.hooks)])
            elif (mail := self._numbered()) is not None:
                self._answer(mail.raw, content_type="message/rfc822")
            else:
                self._answer({"detail": "no such page"}, status=404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/mode":
                try:
                    catcher.mode = Mode(**json.loads(body))
                except (ValueError, TypeError) as why:
                    self._answer({"detail": str(why)}, status=422)
                    return
                self._answer(asdict(catcher.mode))
            elif self.path.startswith("/hooks"):
                time.sleep(catcher.mode.delay_s)
                if not catcher.mode.http_status:
                    now = datetime.now(UTC).isoformat()
                    hook = CaughtHook(now, self.path, dict(self.headers.items()), body.decode("utf-8", "replace"))
                    catcher.hooks.append(hook)
                self._answer({"status": "taken"}, status=catcher.mode.http_status or 200)
            else:
                self._answer({"detail": "no such page"}, status=404)

        def do_DELETE(self) -> None:
            catcher.clear()
            self._answer({"status": "forgotten"})

        def log_message(self, format: str, *args: object) -> None:
            return

        def _numbered(self) -> CaughtMail | None:
            head, _, name = self.path.rpartition("/")
            number = name.removesuffix(".eml")
            if head != "/messages" or not number.isdecimal() or int(number) >= len(catcher.messages):
                return None
            return catcher.messages[int(number)]

        def _answer(self, what: object, *, status: int = 200, content_type: str = "application/json") -> None:
            body = what if isinstance(what, bytes) else json.dumps(what, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    """Run until SIGTERM; prints one JSON line with both addresses."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.mailcatcher", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--smtp-port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--http-port", type=int, default=0, help="0 picks a free one")
    asked = parser.parse_args()
    catcher = MailCatcher(asked.host, smtp_port=asked.smtp_port, http_port=asked.http_port).start()
    hold(json.dumps({"smtp": f"{LOOPBACK}:{catcher.smtp_port}", "http": catcher.url}), catcher.stop)


if __name__ == "__main__":
    main()
