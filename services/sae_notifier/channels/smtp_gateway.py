"""Reports as attachments of mails; answers from the Maildir that the mail server delivers into. 250 is no receipt."""

from __future__ import annotations

import asyncio
import mailbox
import os
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import cast

from services.sae_notifier.channels import message as messages
from services.sae_notifier.channels.gateway import MOST_ANSWER_BYTES, MOST_ANSWERS, Handed, Parcel, Waiting
from services.sae_notifier.channels.message import Channel, HandoverFailed


class SmtpGateway:
    """`mail` is the house's own mail channel; `maildir` is where the recipient's answers arrive."""

    def __init__(self, mail: Channel, to: str, maildir: str = "") -> None:
        self._mail, self._to, self._maildir = mail, to, Path(maildir) if maildir else None

    async def hand_over(self, parcel: Parcel) -> Handed:
        letter = messages.Message(
            message_id=f"<{parcel.number}@tocsin.invalid>",
            to=self._to,
            subject=f"[ICSR] {parcel.number}",
            text=f"E2B(R3)\n\n{parcel.number}\nSHA-256: {parcel.sha256}\n",
            data={"message_number": parcel.number, "sha256": parcel.sha256},
            attachments=(messages.Attachment(f"{parcel.number}.xml", "application/xml", parcel.content),),
            wants_receipt=True,
        )
        return Handed(await self._mail.hand_over(letter))

    async def answers(self) -> list[Waiting]:
        if self._maildir is None:
            return []
        try:
            return await asyncio.to_thread(_read, self._maildir)
        except OSError as error:
            raise HandoverFailed(f"smtp: {type(error).__name__}") from error

    async def done_with(self, name: str) -> None:
        if self._maildir is None:
            return
        try:
            await asyncio.to_thread(_seen, self._maildir, name)
        except OSError as error:
            raise HandoverFailed(f"smtp: {type(error).__name__}") from error


def _open(directory: Path) -> mailbox.Maildir:
    if not (directory / "new").is_dir():
        raise FileNotFoundError(directory)
    return mailbox.Maildir(directory, create=False)


def _read(directory: Path) -> list[Waiting]:
    """Every mail that is not marked seen, oldest first (a Maildir name begins with its time). Its flags stand in its name:
    years of mails that were read are not opened again every two seconds."""
    box = _open(directory)
    names = (one.name for part in ("new", "cur") for one in os.scandir(directory / part) if one.name[0] != ".")
    keys = sorted(name.partition(":")[0] for name in names if "S" not in name.partition(":2,")[2])
    found = []
    for key in keys:
        if len(found) == MOST_ANSWERS:
            break
        try:
            found.append(Waiting(key, _answer(box.get_bytes(key))))
        except (KeyError, OSError):
            continue  # another instance was quicker
    return found


def _answer(raw: bytes) -> bytes:
    """The first attachment that is XML by its type or name; without one the mail itself, for a person to look at."""
    try:
        content = _attached(cast(EmailMessage, BytesParser(policy=default).parsebytes(raw)))
    except Exception:  # the parser of headers has bugs that whoever writes to us can reach
        content = None
    return (raw if content is None else content)[: MOST_ANSWER_BYTES + 1]


def _attached(mail: Message) -> bytes | None:
    """Not from a mail inside the mail: a bounce brings our own report back, and the reason beside it is what counts."""
    if mail.get_content_type() in ("multipart/report", "message/rfc822"):
        return None
    if mail.is_multipart():
        inside = (_attached(part) for part in cast(list[Message], mail.get_payload()))
        return next((one for one in inside if one is not None), None)
    content = mail.get_payload(decode=True) if _is_xml(mail) else None
    return content if isinstance(content, bytes) else None


def _is_xml(part: Message) -> bool:
    return part.get_content_subtype() in ("xml", "hl7v3+xml") or (part.get_filename() or "").lower().endswith(
        (".xml", ".ack")
    )


def _seen(directory: Path, name: str) -> None:
    box = _open(directory)
    try:
        mail = box[name]
    except KeyError:
        return  # another instance was quicker, or somebody tidied up
    mail.set_subdir("cur")
    mail.add_flag("S")
    box[name] = mail
