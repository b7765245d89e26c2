"""The law that judges, and what another would move."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from services.sae_notifier import answers, views
from services.sae_notifier.api.bodies import ActivateRules
from services.sae_notifier.handlers import Notifier, activation
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.clock import Clock
from shared.db import Database, Tx
from shared.web.off_loop import read
from shared.web.problem import problems


def add(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/rules",
        tags=["rules"],
        summary="The files that judge duties, those that wait, and what they would move",
        response_model=answers.Rules,
        responses=problems(),
    )
    async def rules(who: Annotated[Identity, Depends(require("see_desk"))]) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            found = activation.waiting(notifier, tx, clock.now())
            return views.rules(tx, notifier.laws.active(tx), found)

        return JSONResponse(await read(db, unit, snapshot=True))

    @router.post(
        "/rules/activate",
        tags=["rules"],
        summary="Make a previewed set of files the law; every case is then judged by it",
        response_model=answers.Activation,
        responses=problems(400, 409, 412),
    )
    async def activate(
        request: Request, body: ActivateRules, who: Annotated[Identity, Depends(require("activate_files"))]
    ) -> JSONResponse:
        what = activation.to_sign(body.sha256, body.preview_sha256, body.reason)
        await prove_again(request, who, body.password, what)
        row = await asyncio.to_thread(
            activation.decide,
            db,
            notifier,
            clock,
            law_sha256=body.sha256,
            reason=body.reason,
            user_id=who.user_id,
            seen=body.preview_sha256,
        )
        return JSONResponse(views.activation(row, reviewed=False))
