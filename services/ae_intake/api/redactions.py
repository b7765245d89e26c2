"""Words typed by mistake: which could be taken back, and taking them back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from services.ae_intake import answers, handlers, redacting
from services.ae_intake.api.parameters import Id, Key, who_of
from services.ae_intake.api.units import Units
from services.ae_intake.commands import RedactCase
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.bus import redacted
from shared.db import Tx
from shared.web.problem import problems

Redactor = Annotated[Identity, Depends(require("redact_case"))]


def add(router: APIRouter, units: Units) -> None:
    @router.get(
        "/cases/{case_id}/redactions",
        tags=["cases"],
        summary="Texts that could be taken back, and what was taken back",
        response_model=answers.Redactions,
        responses=problems(404),
    )
    async def redactions(case_id: Id, who: Redactor) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            case = handlers.read_case(units.intake, tx, case_id, who_of(who), units.clock.now()).case
            texts = [redacting.standing_shown(one) for one in redacting.standing(tx, case)]
            done = [redacting.shown(one) for one in redacted.of_case(tx, case.case_id)]
            return {"case_id": case.case_id, "texts": texts, "redactions": done}

        return JSONResponse(await units.read(unit))

    @router.post(
        "/cases/{case_id}/redactions",
        status_code=201,
        tags=["cases"],
        summary="Take words back, signed by your password: the case keeps its version, its duties and their dates",
        response_model=answers.Redaction,
        responses={201: {"headers": answers.REPLAYED}} | problems(400, 404, 409),
    )
    async def redact(request: Request, case_id: Id, body: RedactCase, who: Redactor, key: Key = None) -> JSONResponse:
        proved_at = await prove_again(request, who, body.password, redacting.to_sign(case_id, body))

        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            return redacting.shown(redacting.redact(units.intake, tx, case_id, body, who_of(who), proved_at, now))

        said, route = body.model_dump(mode="json"), f"POST /api/v1/cases/{case_id}/redactions"
        made, status, repeated = await units.once(who, route, key, said, 201, unit)
        return JSONResponse(made, status, headers={"Idempotency-Replayed": "true"} if repeated else None)
