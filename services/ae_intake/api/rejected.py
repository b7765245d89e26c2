"""Submissions that could not become even a draft: listed, and closed by a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from services.ae_intake import answers, handlers, store, views
from services.ae_intake.api.parameters import Id, who_of
from services.ae_intake.api.units import Units
from services.ae_intake.commands import CloseRejected
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.web.problem import problems

Closer = Annotated[Identity, Depends(require("close_rejected"))]


def add(router: APIRouter, units: Units) -> None:
    @router.get(
        "/rejected",
        tags=["rejected"],
        summary="Submissions that could not become even a draft",
        response_model=answers.RejectedLines,
        responses=problems(),
    )
    async def rejected(who: Closer) -> JSONResponse:
        rows = await units.read(store.open_rejected)
        return JSONResponse({"rejected": [views.rejected_line(row) for row in rows]})

    @router.post(
        "/rejected/{rejected_id}/close",
        tags=["rejected"],
        summary="Close one, saying what was done about it",
        response_model=answers.RejectedLine,
        responses=problems(400, 404, 409),
    )
    async def close(rejected_id: Id, body: CloseRejected, who: Closer) -> JSONResponse:
        row = await units.write(
            lambda tx: handlers.close_rejected(
                units.intake, tx, rejected_id, body.reason, who_of(who), units.clock.now()
            )
        )
        return JSONResponse(views.rejected_line(row))
