"""Answers of recipients' computers, also one that a person brings."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from services.sae_notifier import answers, store, views
from services.sae_notifier.api.bodies import BroughtFile, CloseAcknowledgement, Filer, Id
from services.sae_notifier.handlers import Notifier, acks
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.clock import Clock
from shared.db import Database
from shared.errors import NotFound
from shared.web.off_loop import read, write
from shared.web.problem import problems


def add(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/acknowledgements",
        tags=["acknowledgements"],
        summary="Files that came back from recipients, newest first",
        response_model=answers.Acknowledgements,
        responses=problems(),
    )
    async def listing(
        who: Annotated[Identity, Depends(require("see_ledger"))],
        state: Literal["used", "parked", "closed"] | None = None,
    ) -> JSONResponse:
        rows = await read(db, lambda tx: store.acks(tx, state=state))
        return JSONResponse({"acknowledgements": [views.ack(row) for row in rows]})

    @router.post(
        "/acknowledgements",
        status_code=201,
        tags=["acknowledgements"],
        summary="Bring in a file that a recipient answered with; whatever it is, it is kept",
        response_model=answers.Acknowledgement,
        responses=problems(400),
    )
    async def bring(who: Filer, body: BroughtFile) -> JSONResponse:
        proof = body.file.proof()
        arrived = acks.Arrived(proof.content, acks.UPLOAD, proof.name, who.user_id)
        row = await write(db, lambda tx: acks.take(notifier, tx, arrived, clock.now()))
        return JSONResponse(views.ack(row), 201)

    @router.post(
        "/acknowledgements/{ack_id}/close",
        tags=["acknowledgements"],
        summary="Close an answer that fitted nothing, with what was done about it",
        response_model=answers.Acknowledgement,
        responses=problems(400, 404, 409),
    )
    async def close(ack_id: Id, body: CloseAcknowledgement, who: Filer) -> JSONResponse:
        row = await write(
            db,
            lambda tx: acks.close(notifier, tx, ack_id, reason=body.reason, user_id=who.user_id, now=clock.now()),
        )
        return JSONResponse(views.ack(row))

    @router.get(
        "/acknowledgements/{ack_id}/content",
        tags=["acknowledgements"],
        summary="The file as it came",
        response_class=Response,
        responses=answers.of_bytes("application/octet-stream", "The file as it came") | problems(404),
    )
    async def content(ack_id: Id, who: Annotated[Identity, Depends(require("see_ledger"))]) -> Response:
        row = await read(db, lambda tx: store.ack(tx, ack_id))
        if row is None:
            raise NotFound("no answer by that id")
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)
