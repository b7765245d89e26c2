"""Cases: reported however incomplete, read, amended, nullified."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from services.ae_intake import answers, handlers, store, views
from services.ae_intake.api.described import body_of
from services.ae_intake.api.parameters import (
    IF_MATCH,
    Amender,
    AnyKey,
    Id,
    IfMatch,
    Key,
    Reader,
    Reporter,
    aware,
    who_of,
)
from services.ae_intake.api.units import Units, versioned
from services.ae_intake.commands import AmendCase, NullifyCase, SubmitCase
from services.ae_intake.submission import Answer, Rejected, Submissions
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.db import Tx
from shared.errors import Conflict
from shared.web.parameters import iso_only, without_nul
from shared.web.problem import problem_of, problems


def add(router: APIRouter, units: Units) -> None:
    submissions = Submissions(units.db, units.intake, units.clock)

    @router.post(
        "/cases",
        status_code=201,
        tags=["cases"],
        summary="Report a case, however incomplete",
        openapi_extra=body_of(SubmitCase),
        response_model=answers.CaseReceipt,
        responses={201: {"headers": answers.ETAG | answers.REPLAYED}} | problems(409),
    )
    async def submit(request: Request, who: Reporter, key: AnyKey = None) -> JSONResponse:
        raw = await request.body()
        content_type = request.headers.get("content-type", "")
        try:
            answer: Answer = await asyncio.to_thread(
                submissions.submit, raw, content_type=content_type, route="POST /api/v1/cases", who=who_of(who), key=key
            )
        except Rejected as rejected:
            return problem_of(rejected, rejected_id=rejected.rejected_id)
        except Conflict as conflict:  # a client that uses one key for everything must not lose the second report
            kept = await asyncio.to_thread(
                submissions.keep, conflict, raw, content_type, "POST /api/v1/cases", who_of(who)
            )
            return problem_of(conflict, rejected_id=kept)
        return versioned(answer.body, answer.body["version"], answer.status, repeated=answer.repeated)

    @router.get(
        "/cases",
        tags=["cases"],
        summary="Cases, newest change first",
        response_model=answers.CaseLines,
        responses=problems(),
    )
    async def list_cases(
        who: Reader,
        subject_id: Annotated[str | None, Query(max_length=64)] = None,
        before: Annotated[datetime | None, BeforeValidator(iso_only), Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> JSONResponse:
        sites = who_of(who).sites
        rows = await units.read(
            lambda tx: store.list_cases(
                tx, subject_id=without_nul(subject_id), sites=sites, before=aware(before), limit=limit
            ),
        )
        return JSONResponse({"cases": [views.case_line(row) for row in rows]})

    @router.get(
        "/cases/{case_id}",
        tags=["cases"],
        summary="The newest version of a case",
        response_model=answers.CaseAnswer,
        responses={200: {"headers": answers.ETAG}} | problems(404),
    )
    async def read_case(case_id: Id, who: Reader) -> JSONResponse:
        outcome = await units.read(
            lambda tx: handlers.read_case(units.intake, tx, case_id, who_of(who), units.clock.now())
        )
        return versioned(views.case_document(outcome), outcome.case.version)

    @router.get(
        "/cases/{case_id}/versions/{version}",
        tags=["cases"],
        summary="One version of a case",
        response_model=answers.CaseAnswer,
        responses={200: {"headers": answers.ETAG}} | problems(404),
    )
    async def read_version(case_id: Id, version: Annotated[int, Path(ge=1, le=1_000_000)], who: Reader) -> JSONResponse:
        outcome = await units.read(
            lambda tx: handlers.read_case(units.intake, tx, case_id, who_of(who), units.clock.now(), version)
        )
        return versioned(views.case_document(outcome), outcome.case.version)

    @router.patch(
        "/cases/{case_id}",
        tags=["cases"],
        summary="Add news to a case (If-Match, a reason, when it became known)",
        response_model=answers.CaseReceipt,
        responses={200: {"headers": answers.ETAG | answers.REPLAYED}} | problems(400, 404, 409, 412, 428),
        openapi_extra=IF_MATCH,
    )
    async def amend(case_id: Id, body: AmendCase, who: Amender, version: IfMatch, key: Key = None) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            outcome = handlers.amend_case(units.intake, tx, case_id, body, version, who_of(who), now)
            return views.case_answer(outcome, units.intake.trial, now)

        return await units.once_versioned(
            who,
            f"PATCH /api/v1/cases/{case_id}",
            key,
            [version, body.model_dump(mode="json")],
            200,
            unit,
        )

    @router.post(
        "/cases/{case_id}/nullify",
        tags=["cases"],
        summary="Declare a case void",
        response_model=answers.CaseReceipt,
        responses={200: {"headers": answers.ETAG | answers.REPLAYED}} | problems(400, 404, 409, 412, 428),
        openapi_extra=IF_MATCH,
    )
    async def nullify(
        case_id: Id,
        body: NullifyCase,
        who: Annotated[Identity, Depends(require("nullify_case"))],
        version: IfMatch,
        key: Key = None,
    ) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            outcome = handlers.nullify_case(units.intake, tx, case_id, body, version, who_of(who), now)
            return views.case_answer(outcome, units.intake.trial, now)

        return await units.once_versioned(
            who,
            f"POST /api/v1/cases/{case_id}/nullify",
            key,
            [version, body.model_dump(mode="json")],
            200,
            unit,
        )
