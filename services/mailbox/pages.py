"""`/mailbox`: what went out, for whoever may see the ledger anyway. Labelled as a demonstration on every page."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from services.mailbox import kept
from services.mailbox.catcher import Mailbox
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.errors import NotFound
from shared.web.pages import templates

Name = Annotated[str, Path(max_length=40, pattern=r"^[0-9TZ-]+$")]
Reader = Annotated[Identity, Depends(require("see_ledger"))]
MOST = 100


def routes(mailbox: Mailbox) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    pages = templates("mailbox")

    @router.get("/mailbox")
    async def listing(request: Request, who: Reader) -> Response:
        mails, count = await asyncio.to_thread(kept.newest, mailbox.directory, MOST)
        return pages.html(request, "mailbox.html", {"mails": mails, "count": count, "most": MOST})

    @router.get("/mailbox/{name}")
    async def original(name: Name, who: Reader) -> Response:
        content = await asyncio.to_thread(kept.raw, mailbox.directory, name)
        return _download(content, "message/rfc822", f"{name}.eml")

    @router.get("/mailbox/{name}/{number}")
    async def attachment(name: Name, number: Annotated[int, Path(ge=0, le=99)], who: Reader) -> Response:
        mail = await asyncio.to_thread(kept.read, mailbox.directory, name)
        if number >= len(mail.attachments):
            raise NotFound("no such attachment")
        one = mail.attachments[number]
        return _download(one.content, "application/octet-stream", one.name or f"{name}-{number}")

    return router


def _download(content: bytes, media_type: str, name: str) -> Response:
    """Always a download: what a mail carries must never run as one of our pages."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:120]
    headers = {"Content-Disposition": f'attachment; filename="{safe}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)
