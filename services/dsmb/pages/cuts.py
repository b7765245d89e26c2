"""The board's front page and one cut: freezing, what was frozen, which letter is which arm."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.dsmb import handlers, store
from services.dsmb.pages.face import LEAST_WORDS, Board, Face, Freezer, Id, Reader
from shared.auth.identity import Identity
from shared.bus.idempotency import KEY_PATTERN, MAX_KEY
from shared.db import Tx
from shared.errors import Conflict

Words = Annotated[str, Form(max_length=500)]


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


def _key(text: str) -> str | None:
    return text if len(text) <= MAX_KEY and re.fullmatch(KEY_PATTERN, text) else None


def add(router: APIRouter, face: Face) -> None:
    async def front(request: Request, who: Identity, status: int = 200, **more: object) -> Response:
        now, board = face.clock.now(), who.can("see_arms")

        def unit(tx: Tx) -> dict[str, object]:
            return {
                "cuts": store.cuts(tx),
                # Where the rules stand is for the board; everybody else hears of a crossing by its alert.
                "standings": handlers.standings(face.dsmb, tx, now) if board else [],
                "crossings": store.crossings(tx) if board else [],
            }

        context = await face.read(unit)
        context |= {"may_freeze": who.can("freeze_cut"), "may_see_arms": board, "active": "dsmb"}
        context |= {"illustrative": face.dsmb.plan.illustrative, "purpose": "", "problem": "", "trouble": ""} | more
        return face.html.html(request, "cuts.html", context, status=status)

    @router.get("/dsmb")
    async def listing(request: Request, who: Reader) -> Response:
        return await front(request, who)

    @router.post("/dsmb/cuts")
    async def freeze(request: Request, who: Freezer, purpose: Words = "", key: Words = "") -> Response:
        purpose = _clean(purpose)
        if len(purpose) < LEAST_WORDS:
            return await front(request, who, 422, purpose=purpose, problem="freeze.purpose_missing")
        try:
            row = await asyncio.to_thread(
                handlers.freeze, face.db, face.dsmb, face.clock, purpose=purpose, user_id=who.user_id, key=_key(key)
            )
        except Conflict:
            return await front(request, who, 409, purpose=purpose, trouble="freeze.again")
        return RedirectResponse(f"/dsmb/cuts/{row.cut_id}?done=frozen", status_code=303)

    async def cut_page(request: Request, who: Identity, cut_id: str, status: int = 200, **more: object) -> Response:
        row = await face.read(lambda tx: face.known(tx, cut_id))
        context: dict[str, object] = {
            "cut": row,
            "offsets": json.loads(row.offsets),
            "may_see_arms": who.can("see_arms"),
            "done": request.query_params.get("done") == "frozen",
            "coding": {},
            "reason": "",
            "problem": "",
            "active": "dsmb",
        }
        return face.html.html(request, "cut.html", context | more, status=status)

    @router.get("/dsmb/cuts/{cut_id}")
    async def one(request: Request, cut_id: Id, who: Reader) -> Response:
        return await cut_page(request, who, cut_id)

    @router.post("/dsmb/cuts/{cut_id}/coding")
    async def coding(request: Request, cut_id: Id, who: Board, reason: Words = "") -> Response:
        """Shown in the answer to the POST alone: no address leads to it again."""
        reason = _clean(reason)
        if len(reason) < LEAST_WORDS:
            return await cut_page(request, who, cut_id, 422, reason=reason, problem="key.reason_missing")
        found = await face.write(
            lambda tx: handlers.tell_coding(
                face.dsmb, tx, cut_id, user_id=who.user_id, reason=reason, now=face.clock.now()
            )
        )
        return await cut_page(request, who, cut_id, coding=found)
