"""Downloads for people: the documents we made and the proofs that were uploaded."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.sae_notifier import store, views
from services.sae_notifier.pages.face import Face, Id
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.errors import NotFound

Reader = Annotated[Identity, Depends(require("see_ledger"))]


def add(router: APIRouter, face: Face) -> None:
    @router.get("/documents/{document_id}")
    async def document(document_id: Id, who: Reader) -> Response:
        row, numbers = await face.read(lambda tx: (store.form(tx, document_id), store.icsr(tx, document_id)))
        if row is None:
            raise NotFound("no document by that id")
        return views.download(row, numbers)

    @router.get("/documents/answers/{ack_id}")
    async def answer(ack_id: Id, who: Reader) -> Response:
        row = await face.read(lambda tx: store.ack(tx, ack_id))
        if row is None:
            raise NotFound("no answer by that id")
        headers = {"Content-Disposition": f'attachment; filename="{row.ack_id}.ack"'}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)

    @router.get("/documents/proofs/{receipt_id}")
    async def proof(receipt_id: Id, who: Reader) -> Response:
        row = await face.read(lambda tx: store.receipt(tx, receipt_id))
        if row is None or row.content is None:
            raise NotFound("no proof by that id")
        # Always a download of plain bytes: an uploaded page must never run as one of ours.
        name = quote(row.proof_name or "proof", safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)
