"""Downloads for people: the documents we made and the proofs that were uploaded."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.sae_notifier import store
from services.sae_notifier.pages.face import Face, Id
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.errors import Conflict, NotFound

Reader = Annotated[Identity, Depends(require("see_ledger"))]


def add(router: APIRouter, face: Face) -> None:
    @router.get("/documents/{document_id}")
    async def document(document_id: Id, who: Reader) -> Response:
        row = await face.read(lambda tx: store.form(tx, document_id))
        if row is None:
            raise NotFound("no document by that id")
        if row.withdrawn_at is not None:
            raise Conflict("words were taken back from it before it was sent; make the form again")
        name = f"{row.case_number}-v{row.case_version}-{row.recipient_id or 'all'}.pdf"
        headers = {"Content-Disposition": f'inline; filename="{name}"', "ETag": f'"{row.sha256}"'}
        return Response(bytes(row.content), media_type="application/pdf", headers=headers)

    @router.get("/documents/proofs/{receipt_id}")
    async def proof(receipt_id: Id, who: Reader) -> Response:
        row = await face.read(lambda tx: store.receipt(tx, receipt_id))
        if row is None or row.content is None:
            raise NotFound("no proof by that id")
        # Always a download of plain bytes: an uploaded page must never run as one of ours.
        name = quote(row.proof_name or "proof", safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)
