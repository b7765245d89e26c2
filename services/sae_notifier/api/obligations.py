"""Duties: listed, read, a document made for one, a report filed."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from services.sae_notifier import answers, store, views
from services.sae_notifier.api.bodies import Filer, FileReport, Id, Viewer
from services.sae_notifier.forms.form import Kind
from services.sae_notifier.handlers import Notifier, filings, making
from services.sae_notifier.sight import Sight
from shared.case import Obligation
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.off_loop import read, write
from shared.web.parameters import without_nul
from shared.web.problem import problems


def add(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/obligations",
        tags=["obligations"],
        summary="Duties, the soonest strict date first",
        response_model=answers.Duties,
        responses=problems(),
    )
    async def listing(
        who: Viewer,
        case_id: Annotated[str | None, Query(max_length=80)] = None,
        state: Literal["owed", "all"] = "owed",
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[Obligation]:
            if case_id is not None:
                rows = store.obligations_of(tx, [without_nul(case_id) or ""])
            else:
                met = ("received", "ended") if state == "all" else ()
                rows = store.open_obligations(tx, states=("open", "filed", "rejected", *met))
            sight = Sight(tx, notifier.trial, who)
            return [one for one in rows if sight.sees(one.subject_id, one.case_id)]

        found = await read(db, unit)
        now = clock.now()
        shown = [views.obligation(one, now) for one in found]
        return JSONResponse({"obligations": shown, "now": now.isoformat()})

    @router.get(
        "/obligations/{obligation_id}",
        tags=["obligations"],
        summary="One duty with every version",
        response_model=answers.DutyVersions,
        responses=problems(404),
    )
    async def one(obligation_id: Id, who: Viewer) -> JSONResponse:
        def unit(tx: Tx) -> list[Obligation]:
            found = store.obligation_history(tx, obligation_id)
            if not found or not Sight(tx, notifier.trial, who).sees(found[-1].subject_id, found[-1].case_id):
                raise NotFound("no duty by that id")
            return found

        versions = await read(db, unit)
        now = clock.now()
        return JSONResponse(
            {
                "obligation": views.obligation(versions[-1], now),
                "versions": [v.model_dump(mode="json") for v in versions],
            }
        )

    @router.post(
        "/obligations/{obligation_id}/documents",
        status_code=201,
        tags=["documents"],
        summary="Make the form for this duty (the one the recipient wants, or the kind asked for), or its electronic report",
        response_model=answers.Document,
        responses=problems(400, 404, 409, 503),
    )
    async def make(obligation_id: Id, who: Filer, kind: Kind | Literal["e2b_r3"] | None = None) -> JSONResponse:
        row = await asyncio.to_thread(making.make, db, notifier, clock, obligation_id, who.user_id, kind)
        return JSONResponse(views.form(row, await read(db, lambda tx: store.icsr(tx, row.document_id))), 201)

    @router.post(
        "/obligations/{obligation_id}/filings",
        status_code=201,
        tags=["filings"],
        summary="File the report with this recipient",
        response_model=answers.Filing,
        responses=problems(400, 404, 409, 503),
    )
    async def file(obligation_id: Id, body: FileReport, who: Filer) -> JSONResponse:
        proof = body.proof.proof() if body.proof else None
        document_id = body.document_id
        if document_id is None:
            form = making.make_icsr if body.method == "gateway" else making.make_form
            document_id = (await asyncio.to_thread(form, db, notifier, clock, obligation_id, who.user_id)).document_id
        row = await write(
            db,
            lambda tx: filings.file(
                notifier,
                tx,
                obligation_id=obligation_id,
                document_id=document_id,
                method=body.method,
                user_id=who.user_id,
                now=clock.now(),
                sent_at=body.sent_at,
                reference=body.reference,
                proof=proof,
            ),
        )
        return JSONResponse(views.filing(row, await read(db, lambda tx: store.receipts_of(tx, [row.filing_id]))), 201)
