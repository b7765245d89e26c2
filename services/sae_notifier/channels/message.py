"""What is handed over, and the protocol every channel keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Attachment:
    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """`message_id` is the same on every attempt, so that a repeat can be recognised. No patient data: a code and a link."""

    message_id: str
    to: str
    subject: str
    text: str
    data: Mapping[str, str]
    attachments: tuple[Attachment, ...] = ()
    wants_receipt: bool = False


class HandoverFailed(Exception):
    """The other side did not take it; the text is fit for a log."""


class Channel(Protocol):
    async def hand_over(self, message: Message) -> str:
        """Return what the other side said when it took the message; raises HandoverFailed within 10 s otherwise."""
        ...
