"""Both reports as pages and as paper."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.dsmb import store
from services.dsmb.pages.face import Board, Face, Id, Reader
from services.dsmb.print import LANGUAGES, shown
from shared.db import Tx
from shared.errors import NotFound
from shared.web.i18n import language_of


def add(router: APIRouter, face: Face) -> None:
    async def page(request: Request, cut_id: str, kind: str) -> Response:
        def unit(tx: Tx) -> store.ReportRow:
            found = store.report(tx, cut_id, kind)
            if found is None:
                raise NotFound("no cut by that id")
            return found

        row = await face.read(unit)
        context = {"report": shown(json.loads(row.body), language_of(request)), "active": "dsmb"}
        return face.html.html(request, "report.html", context)

    async def paper(cut_id: str, kind: str, language: str) -> Response:
        def unit(tx: Tx) -> store.PrintRow:
            found = store.printed(tx, cut_id, kind, language) if language in LANGUAGES else None
            if found is None:
                raise NotFound("no such paper of that cut")
            return found

        row = await face.read(unit)
        name = f"dsmb-{kind}-{cut_id}-{language}.pdf"
        headers = {"Content-Disposition": f'inline; filename="{name}"', "ETag": f'"{row.sha256}"'}
        return Response(bytes(row.content), media_type="application/pdf", headers=headers)

    @router.get("/dsmb/cuts/{cut_id}/closed")
    async def closed(request: Request, cut_id: Id, who: Board) -> Response:
        return await page(request, cut_id, "closed")

    @router.get("/dsmb/cuts/{cut_id}/open")
    async def opened(request: Request, cut_id: Id, who: Reader) -> Response:
        return await page(request, cut_id, "open")

    @router.get("/dsmb/cuts/{cut_id}/closed/{language}.pdf")
    async def closed_pdf(cut_id: Id, language: Id, who: Board) -> Response:
        return await paper(cut_id, "closed", language)

    @router.get("/dsmb/cuts/{cut_id}/open/{language}.pdf")
    async def open_pdf(cut_id: Id, language: Id, who: Reader) -> Response:
        return await paper(cut_id, "open", language)
