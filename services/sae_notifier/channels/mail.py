"""Mail by SMTP (RFC 5321): 250 means handed over, nothing more."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.sae_notifier.channels.message import HandoverFailed, Message
from shared.clock import Clock

BOUND_S = 10.0


class MailChannel:
    """`url` is `smtp://host:port` or `smtp+starttls://user:password@host:port`."""

    def __init__(self, url: str, sender: str, clock: Clock) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtp+starttls"):
            raise ValueError("TOCSIN_SMTP_URL must begin with smtp:// or smtp+starttls://")
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 25
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._starttls = parts.scheme == "smtp+starttls"
        self._sender, self._clock = sender, clock

    async def hand_over(self, message: Message) -> str:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, message.subject
        mail["Message-ID"] = message.message_id
        mail["Date"] = format_datetime(self._clock.now())
        mail["Auto-Submitted"] = "auto-generated"
        for name, value in message.data.items():
            mail[f"X-Tocsin-{name.replace('_', '-').title()}"] = value
        if message.wants_receipt:
            mail["Disposition-Notification-To"] = self._sender
        mail.set_content(message.text)
        for one in message.attachments:
            kind, _, sub = one.type.partition("/")
            mail.add_attachment(one.content, maintype=kind, subtype=sub, filename=one.name)
        try:
            refused, answer = await aiosmtplib.send(
                mail,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                start_tls=self._starttls,
                timeout=BOUND_S,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise HandoverFailed(f"mail: {type(error).__name__}") from error
        if refused:
            raise HandoverFailed("mail: the server refused the address")
        return answer[:200]
