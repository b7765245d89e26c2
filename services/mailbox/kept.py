"""Mails as they lie in their files, parsed for reading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import cast

from shared.errors import NotFound

_NAME = re.compile(r"^\d{8}T\d{6}Z-\d{4,}$")
_HIDDEN = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding")


@dataclass(frozen=True)
class Attached:
    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Kept:
    """One mail; `headers` are those that are neither shown as fields of their own nor only about the encoding."""

    name: str
    sender: str
    to: str
    subject: str
    sent_at: datetime | None
    message_id: str
    headers: tuple[tuple[str, str], ...]
    text: str
    attachments: tuple[Attached, ...]


def newest(directory: Path, limit: int) -> tuple[list[Kept], int]:
    """The newest mails, newest first, and how many there are in all."""
    paths = sorted(directory.glob("*.eml"), reverse=True)
    return [read(directory, path.stem) for path in paths[:limit]], len(paths)


def raw(directory: Path, name: str) -> bytes:
    """The bytes as they came; raises NotFound."""
    path = directory / f"{name}.eml"
    if not _NAME.match(name) or not path.is_file():
        raise NotFound("no mail by that name")
    return path.read_bytes()


def read(directory: Path, name: str) -> Kept:
    mail = cast(EmailMessage, message_from_bytes(raw(directory, name), policy=policy.default))
    body = mail.get_body(("plain", "html"))
    return Kept(
        name=name,
        sender=str(mail["From"] or ""),
        to=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        sent_at=_date(mail),
        message_id=str(mail["Message-ID"] or ""),
        headers=tuple((key, str(value)) for key, value in mail.items() if key not in _HIDDEN),
        text=body.get_content() if body else "",
        attachments=tuple(_attached(part) for part in mail.iter_attachments()),
    )


def _attached(part: EmailMessage) -> Attached:
    content = part.get_payload(decode=True)
    return Attached(part.get_filename() or "", part.get_content_type(), content if isinstance(content, bytes) else b"")


def _date(mail: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(mail["Date"]))
    except ValueError:
        return None
    return found if found.tzinfo else None
