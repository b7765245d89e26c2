"""What was told to whom, with which document, and how we know that it arrived."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response

from services.sae_notifier import answers, store, views
from services.sae_notifier.api.bodies import Filer, Id, RecordReceipt
from services.sae_notifier.handlers import Notifier, receipts, withdrawing
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.off_loop import read, write
from shared.web.parameters import without_nul
from shared.web.problem import problems


def add(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/filings",
        tags=["filings"],
        summary="The ledger: who was told what, when, with which proof",
        response_model=answers.Filings,
        responses=problems(),
    )
    async def listing(
        who: Annotated[Identity, Depends(require("see_ledger"))],
        case_id: Annotated[str | None, Query(max_length=80)] = None,
        recipient_id: Annotated[str | None, Query(max_length=80)] = None,
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[dict[str, Any]]:
            rows = store.filings(
                tx,
                case_id=without_nul(case_id or None),
                recipient_id=without_nul(recipient_id or None),
            )
            receipts = store.receipts_of(tx, [row.filing_id for row in rows])
            return [views.filing(row, receipts) for row in rows]

        return JSONResponse({"filings": await read(db, unit)})

    @router.post(
        "/filings/{filing_id}/receipts",
        status_code=201,
        tags=["filings"],
        summary="Record that it arrived, or was rejected",
        response_model=answers.Receipt,
        responses=problems(400, 404, 409),
    )
    async def receipt(filing_id: Id, body: RecordReceipt, who: Filer) -> JSONResponse:
        proof = body.proof.proof() if body.proof else None
        row = await write(
            db,
            lambda tx: receipts.record(
                notifier,
                tx,
                filing_id,
                verdict=body.verdict,
                kind=body.kind,
                at=body.at,
                reference=body.reference,
                reasons=body.reasons,
                proof=proof,
                user_id=who.user_id,
                now=clock.now(),
            ),
        )
        return JSONResponse(views.receipt(row), 201)

    @router.get(
        "/documents",
        tags=["documents"],
        summary="Documents made for a case",
        response_model=answers.Documents,
        responses=problems(),
    )
    async def documents(
        who: Annotated[Identity, Depends(require("see_ledger"))], case_id: Annotated[str, Query(max_length=80)]
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[dict[str, Any]]:
            numbers = {one.document_id: one for one in store.icsrs_of(tx, without_nul(case_id) or "")}
            rows = store.forms_of(tx, without_nul(case_id) or "")
            later = withdrawing.later(tx, rows[0]["case_id"], rows[0]["subject_id"], rows) if rows else {}
            return [views.form(row, numbers.get(row["document_id"]), later.get(row["document_id"])) for row in rows]

        return JSONResponse({"documents": await read(db, unit)})

    @router.get(
        "/documents/{document_id}",
        tags=["documents"],
        summary="The document's bytes",
        response_class=Response,
        responses=answers.of_bytes("application/pdf", "The document as it was made", "application/xml")
        | problems(404, 409),
    )
    async def content(document_id: Id, who: Annotated[Identity, Depends(require("see_ledger"))]) -> Response:
        row, numbers = await read(db, lambda tx: (store.form(tx, document_id), store.icsr(tx, document_id)))
        if row is None:
            raise NotFound("no document by that id")
        return views.download(row, numbers)

    @router.get(
        "/receipts/{receipt_id}/proof",
        tags=["filings"],
        summary="An uploaded proof",
        response_class=Response,
        responses=answers.of_bytes("application/octet-stream", "The file as it was uploaded") | problems(404),
    )
    async def proof(receipt_id: Id, who: Annotated[Identity, Depends(require("see_ledger"))]) -> Response:
        row = await read(db, lambda tx: store.receipt(tx, receipt_id))
        if row is None or row.content is None:
            raise NotFound("no proof by that id")
        # Always a download: an uploaded page must never run as one of ours.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)
