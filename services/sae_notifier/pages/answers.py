"""Files that came back and fit nothing: on the ledger until a person has closed them; and the way to bring one in by hand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.sae_notifier.handlers import acks
from services.sae_notifier.handlers.acks import Arrived
from services.sae_notifier.pages.face import Face, Id
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.canonical import sha256
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, Refused

Filer = Annotated[Identity, Depends(require("file_report"))]
Key = Annotated[str, Form(max_length=200)]


def add(router: APIRouter, face: Face) -> None:
    @router.post("/ledger/answers")
    async def bring(
        request: Request, who: Filer, key: Key = "", file: Annotated[UploadFile | None, File()] = None
    ) -> Response:
        if file is None or not file.filename:
            problem = FieldProblem("/file", "which file?", "choose the answer that came")
            raise Refused("no file was chosen", problems=[problem])
        content = await file.read()
        name = file.filename.replace("\x00", "").rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
        arrived = Arrived(content, acks.UPLOAD, name or "answer", who.user_id)

        def unit(tx: Tx, now: Any) -> dict[str, Any]:
            return {"ack_id": acks.take(face.notifier, tx, arrived, now).ack_id}

        await face.once(who, "POST /ledger/answers", key, {"sha256": sha256(content)}, unit)
        return RedirectResponse("/ledger#answers", status_code=303)

    @router.post("/ledger/answers/{ack_id}/close")
    async def close(
        request: Request, ack_id: Id, who: Filer, reason: Annotated[str, Form(max_length=2_000)] = ""
    ) -> Response:
        said = reason.replace("\x00", "").strip()
        try:
            await face.write(
                lambda tx: acks.close(face.notifier, tx, ack_id, reason=said, user_id=who.user_id, now=face.clock.now())
            )
        except Conflict:
            return RedirectResponse("/ledger#answers", status_code=303)  # somebody was quicker: the list shows it
        return RedirectResponse("/ledger#answers", status_code=303)
