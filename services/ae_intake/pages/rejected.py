"""Submissions that could not become even a draft: they stand here until a named person says what was done about each."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.ae_intake import handlers, store
from services.ae_intake.commands import CloseRejected
from services.ae_intake.pages.desk import Closer, Desk, Id, Words, who_of
from services.ae_intake.pages.posted import Posted
from services.ae_intake.pages.report import ROUTE as PHONE_PAGE
from services.ae_intake.store import RejectedRow
from shared.bus.idempotency import form_key
from shared.db import Tx
from shared.errors import Conflict

_MOMENTS = {"onset", "end", "since", "site_aware", "desk_aware", "determined_reportable", "news_known"}

MOST_ON_DESK = 5


@dataclass(frozen=True)
class Kept:
    """`text` is what was sent, as text; `fields` the same by field, where it was JSON."""

    rejected_id: str
    client: str
    way: str
    at: datetime
    problems: list[Reason]
    text: str

    @classmethod
    def of(cls, row: RejectedRow, t: Words) -> Kept:
        text = base64.b64decode(row.body).decode(errors="replace")
        reasons = [Reason.of(problem, t) for problem in json.loads(row.problems)]
        way = t("source.phone_page" if row.route == PHONE_PAGE else "source.api")
        return cls(row.rejected_id, row.client, way, row.at, reasons, _spread(text))


@dataclass(frozen=True)
class Reason:
    """`said` in the reader's language, where we have words for it; `detail` as the check put it."""

    said: str
    detail: str
    pointer: str

    @classmethod
    def of(cls, problem: dict[str, str], t: Words) -> Reason:
        pointer = problem.get("pointer", "")
        detail = " – ".join(part for part in (problem.get("detail"), problem.get("remedy")) if part)
        if not pointer:
            empty = problem.get("detail") == "the report is empty"
            return cls(t("report.empty") if empty else "", detail, "")
        names = [part for part in pointer.split("/") if part and not part.isdecimal()]
        field = next((name for name in reversed(names) if t.has(f"field.{name}")), "")
        kind = "code" if names[-1].endswith("_id") else "moment" if field in _MOMENTS else "value"
        return cls(f"{t(f'field.{field}')}: {t(f'wrong.{kind}')}" if field else "", detail, pointer)


def _spread(text: str) -> str:
    """JSON over several lines; anything else as it came."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return text


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/rejected")
    async def listing(request: Request, who: Closer, done: bool = False) -> Response:
        return await _page(desk, request, done=done)

    @router.get("/fragments/intake/rejected")
    async def on_the_desk(request: Request, who: Closer) -> Response:
        """For the desk: how many wait, and of the oldest who sent it, when, and why it was refused; never what it said."""
        rows = await desk.read(store.open_rejected)
        context = {"kept": [Kept.of(row, desk.words(request)) for row in rows[:MOST_ON_DESK]], "count": len(rows)}
        return desk.pages.html(request, "rejected_list.html", context | {"active": "rejected"})

    @router.post("/rejected/{rejected_id}/close")
    async def close(request: Request, rejected_id: Id, who: Closer) -> Response:
        posted = await Posted.of(request)
        t = desk.words(request)
        try:
            reason = CloseRejected(reason=posted.text("reason")).reason
        except ValidationError:
            return await _page(
                desk, request, status=422, wrong={rejected_id: (posted.text("reason"), t("wrong.reason"))}
            )

        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            handlers.close_rejected(desk.intake, tx, rejected_id, reason, who_of(who), now)
            return {"rejected_id": rejected_id}

        try:
            await desk.once(who, f"POST /rejected/{rejected_id}/close", form_key(posted.text("key")), reason, unit)
        except Conflict:
            return await _page(desk, request, status=409, closed_before=True)
        return RedirectResponse("/rejected?done=1", 303)


async def _page(desk: Desk, request: Request, status: int = 200, **context: Any) -> Response:
    rows = await desk.read(store.open_rejected)
    context = {"done": False, "wrong": {}, "closed_before": False} | context
    context |= {"kept": [Kept.of(row, desk.words(request)) for row in rows], "active": "rejected"}
    return desk.pages.html(request, "rejected.html", context, status=status)
