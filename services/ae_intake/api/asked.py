"""What a reporter's page asks while it is filled in, and the arm that somebody records."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from services.ae_intake import answers, records, views
from services.ae_intake.api.parameters import Reporter, who_of
from services.ae_intake.api.units import Units
from services.ae_intake.commands import RecordAllocation
from shared import terms
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.web.problem import problems


def add(router: APIRouter, units: Units) -> None:
    @router.post(
        "/allocations",
        status_code=204,
        tags=["allocations"],
        summary="Record an arm; nothing ever shows it again here",
        responses=problems(400),
    )
    async def allocate(body: RecordAllocation, who: Annotated[Identity, Depends(require("record_allocation"))]) -> None:
        await units.write(lambda tx: records.allocate(units.intake, tx, body, who_of(who), units.clock.now()))

    @router.get(
        "/on-call",
        tags=["cases"],
        summary="Whom an alert would call now, in order",
        response_model=answers.OnCallNow,
        responses=problems(),
    )
    async def on_call(who: Reporter) -> JSONResponse:
        return JSONResponse({"on_call": views.on_call(units.intake.trial, units.clock.now())})

    @router.get(
        "/terms",
        tags=["terms"],
        summary="Search CTCAE terms by Vietnamese or English words",
        response_model=answers.FoundTerms,
        responses=problems(),
    )
    def search(who: Reporter, q: Annotated[str, Query(min_length=1, max_length=100)], lang: str = "vi") -> JSONResponse:
        version = terms.as_version(units.intake.trial.ctcae_version)
        language = "en" if lang == "en" else "vi"
        found = terms.search(q, version, language)
        return JSONResponse(
            {
                "version": version,
                "terms": [
                    {"code": one.term.code, "term": one.term.name, "soc": one.term.soc, "grades": list(one.term.grades)}
                    for one in found[:20]
                ],
            }
        )
