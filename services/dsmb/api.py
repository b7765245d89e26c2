"""JSON routes of dsmb: parse, call the handler, answer. What is by arm, or leads to an arm, needs `see_arms`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from services.dsmb import answers, handlers, store, views
from services.dsmb.handlers import Dsmb
from services.dsmb.print import LANGUAGES
from services.dsmb.store import CutRow
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus.idempotency import KEY_PATTERN, MAX_KEY
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.off_loop import read
from shared.web.problem import problems

T = TypeVar("T")
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500, pattern=r"^[^\x00]*$")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=MAX_KEY, pattern=KEY_PATTERN)]
Language = Annotated[Literal["vi", "en"], Query(description="The language of the paper.")]
Reader = Annotated[Identity, Depends(require("see_open_report"))]
Board = Annotated[Identity, Depends(require("see_arms"))]
Freezer = Annotated[Identity, Depends(require("freeze_cut"))]
assert LANGUAGES == ("vi", "en")


class FreezeCut(BaseModel):
    """What the cut is for; kept in the trail."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"purpose": "Regular review, March 2026"}]}
    )

    purpose: Said


class AskCoding(BaseModel):
    """Why you need to know which letter is which arm; kept in the trail."""

    model_config = ConfigDict(extra="forbid")

    reason: Said


def routes(db: Database, dsmb: Dsmb, clock: Clock) -> APIRouter:
    """All JSON routes, bound to one database."""
    router = APIRouter(prefix="/api/v1/dsmb", tags=["dsmb"])
    _cuts(router, db, dsmb, clock)
    _reports(router, db)
    _board(router, db, dsmb, clock)
    return router


def known(tx: Tx, cut_id: str) -> CutRow:
    row = store.cut(tx, cut_id)
    if row is None:
        raise NotFound("no cut by that id")
    return row


def _cuts(router: APIRouter, db: Database, dsmb: Dsmb, clock: Clock) -> None:
    @router.post(
        "/cuts",
        status_code=201,
        summary="Freeze a cut and make both reports of it",
        response_model=answers.Cut,
        responses=problems(409),
    )
    async def freeze(body: FreezeCut, who: Freezer, key: Key = None) -> JSONResponse:
        row = await asyncio.to_thread(
            handlers.freeze, db, dsmb, clock, purpose=body.purpose, user_id=who.user_id, key=key
        )
        made = await read(db, lambda tx: views.cut(tx, known(tx, row.cut_id), board=True))
        return JSONResponse(made, 201, headers={"Location": f"/api/v1/dsmb/cuts/{row.cut_id}"})

    @router.get("/cuts", summary="Cuts, newest first", response_model=answers.Cuts, responses=problems())
    async def listing(who: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> JSONResponse:
        board = who.can("see_arms")
        found = await read(db, lambda tx: [views.cut(tx, row, board=board) for row in store.cuts(tx, limit)])
        return JSONResponse({"cuts": found})

    @router.get("/cuts/{cut_id}", summary="One cut", response_model=answers.Cut, responses=problems(404))
    async def one(cut_id: Id, who: Reader) -> JSONResponse:
        return JSONResponse(await read(db, lambda tx: views.cut(tx, known(tx, cut_id), board=who.can("see_arms"))))

    @router.get(
        "/cuts/{cut_id}/check",
        summary="Make both reports once more from the documents of the manifest, and compare",
        response_model=answers.Check,
        responses=problems(404, 409),
    )
    async def check(cut_id: Id, who: Reader) -> JSONResponse:
        found = await read(db, lambda tx: handlers.check_cut(tx, cut_id))
        body = {"documents": found.documents, "missing": found.missing, "closed": found.closed, "open": found.open}
        return JSONResponse(body)


def _reports(router: APIRouter, db: Database) -> None:
    async def report(cut_id: str, kind: str) -> Response:
        """The stored bytes, never made anew."""

        def unit(tx: Tx) -> store.ReportRow:
            found = store.report(tx, cut_id, kind)
            if found is None:
                raise NotFound("no cut by that id")
            return found

        row = await read(db, unit)
        return Response(row.body.encode(), media_type="application/json", headers={"ETag": f'"{row.sha256}"'})

    async def paper(cut_id: str, kind: str, language: str) -> Response:
        row = await read(db, lambda tx: printed(tx, cut_id, kind, language))
        headers = {
            "ETag": f'"{row.sha256}"',
            "Content-Disposition": f'inline; filename="dsmb-{kind}-{cut_id}-{language}.pdf"',
        }
        return Response(bytes(row.content), media_type="application/pdf", headers=headers)

    pdf: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "PDF/A-2b",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        }
    }

    @router.get(
        "/cuts/{cut_id}/closed",
        summary="The closed report: every table by coded arm",
        response_model=answers.Report,
        responses=problems(404),
    )
    async def closed(cut_id: Id, who: Board) -> Response:
        return await report(cut_id, "closed")

    @router.get(
        "/cuts/{cut_id}/open",
        summary="The open report: all children together",
        response_model=answers.Report,
        responses=problems(404),
    )
    async def opened(cut_id: Id, who: Reader) -> Response:
        return await report(cut_id, "open")

    @router.get(
        "/cuts/{cut_id}/closed/pdf",
        summary="The closed report on paper",
        response_class=Response,
        responses=pdf | problems(404),
    )
    async def closed_pdf(cut_id: Id, who: Board, lang: Language = "vi") -> Response:
        return await paper(cut_id, "closed", lang)

    @router.get(
        "/cuts/{cut_id}/open/pdf",
        summary="The open report on paper",
        response_class=Response,
        responses=pdf | problems(404),
    )
    async def open_pdf(cut_id: Id, who: Reader, lang: Language = "vi") -> Response:
        return await paper(cut_id, "open", lang)


def printed(tx: Tx, cut_id: str, kind: str, language: str) -> store.PrintRow:
    found = store.printed(tx, cut_id, kind, language)
    if found is None:
        raise NotFound("no cut by that id")
    return found


def _board(router: APIRouter, db: Database, dsmb: Dsmb, clock: Clock) -> None:
    @router.get(
        "/cuts/{cut_id}/manifest",
        summary="What the cut's hash is of",
        response_model=answers.ManifestAnswer,
        responses=problems(404),
    )
    async def manifest(cut_id: Id, who: Board) -> Response:
        """For the board alone: the hash of an allocation, known document by known document, gives away its arm."""
        row = await read(db, lambda tx: known(tx, cut_id))
        return Response(
            row.manifest.encode(), media_type="application/json", headers={"ETag": f'"{row.manifest_sha256}"'}
        )

    @router.post(
        "/cuts/{cut_id}/coding",
        summary="Which letter is which arm; who asked and why is kept",
        response_model=answers.Coding,
        responses=problems(404, 409),
    )
    async def coding(cut_id: Id, body: AskCoding, who: Board) -> JSONResponse:
        found = await asyncio.to_thread(
            db.transact,
            lambda tx: handlers.tell_coding(dsmb, tx, cut_id, user_id=who.user_id, reason=body.reason, now=clock.now()),
        )
        return JSONResponse({"coding": found})

    @router.get("/rules", summary="Where the stopping rules stand", response_model=answers.Rules, responses=problems())
    async def rules(who: Board) -> JSONResponse:
        now = clock.now()
        standings, crossings = await read(db, lambda tx: (handlers.standings(dsmb, tx, now), store.crossings(tx)))
        return JSONResponse(
            {
                "standings": [views.standing(one) for one in standings],
                "crossings": [views.crossing(one) for one in crossings],
            }
        )
