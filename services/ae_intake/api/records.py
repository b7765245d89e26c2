"""Children, exposures, batches, measurements: recorded, listed, read, corrected, voided, all in the same way."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.ae_intake import answers, records, store
from services.ae_intake.api.described import correction
from services.ae_intake.api.parameters import IF_MATCH, Id, IfMatch, Key, Reader, who_of
from services.ae_intake.api.units import Units, versioned
from services.ae_intake.commands import RecordBatch, RecordExposure, RecordMeasurement, RecordSubject, Void
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.roles import Permission
from shared.case import periods
from shared.case.periods import Edge, Period
from shared.db import Tx
from shared.errors import NotFound
from shared.web.parameters import without_nul
from shared.web.problem import problems


def add(router: APIRouter, units: Units) -> None:
    for kind, plural, model in (
        ("subject", "subjects", RecordSubject),
        ("exposure", "exposures", RecordExposure),
        ("batch", "batches", RecordBatch),
        ("measurement", "measurements", RecordMeasurement),
    ):
        _add(router, units, kind, plural, model)


def _add(router: APIRouter, units: Units, kind: str, plural: str, model: type[BaseModel]) -> None:
    one, whole, many = answers.RECORDS[kind]
    permission: Permission = "record_subject" if kind == "subject" else "record_exposure"
    recorder = Annotated[Identity, Depends(require(permission))]

    async def record(body: Any, who: Identity, key: Key = None) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            return records.record(units.intake, tx, kind, body, who_of(who), now).model_dump(mode="json")

        return await units.once_versioned(who, f"POST /api/v1/{plural}", key, body.model_dump(mode="json"), 201, unit)

    record.__annotations__ |= {"body": model, "who": recorder}
    router.post(
        f"/{plural}",
        status_code=201,
        tags=[plural],
        summary=f"Record a {kind}",
        name=f"record_{kind}",
        response_model=one,
        responses={201: {"headers": answers.ETAG | answers.REPLAYED}} | problems(400, 409),
    )(record)

    @router.get(
        f"/{plural}",
        tags=[plural],
        summary=f"Every {kind}, newest versions",
        name=f"list_{plural}",
        response_model=many,
        responses=problems(),
    )
    async def listing(
        who: Reader,
        subject_id: Annotated[str | None, Query(max_length=64)] = None,
        after: Annotated[str, Query(max_length=80)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[Any]:
            if subject_id is not None:
                found = store.of_child(tx, without_nul(subject_id) or "", kind)
            else:
                found = store.newest_of_kind(tx, kind, after=f"{kind}/{without_nul(after) or ''}", limit=limit)
            return [one for one in found if _visible(tx, one, who)]

        found = await units.read(unit)
        return JSONResponse({plural: [one.model_dump(mode="json") for one in found]})

    @router.get(
        f"/{plural}/{{identity}}",
        tags=[plural],
        summary=f"One {kind}",
        name=f"read_{kind}",
        response_model=whole,
        responses={200: {"headers": answers.ETAG}} | problems(404),
    )
    async def read(identity: Id, who: Reader) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            found = store.latest(tx, f"{kind}/{identity}")
            if found is None or not _visible(tx, found, who):
                raise NotFound(f"no {kind} by that id")
            return {"version": found.version, kind: found.model_dump(mode="json")} | _periods(tx, kind, found)

        found = await units.read(unit)
        return versioned(found, found["version"])

    async def correct(identity: Id, body: Any, who: Identity, version: IfMatch, key: Key = None) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            return records.correct(
                units.intake, tx, kind, identity, dict(body.changes), body.reason, version, who_of(who), now
            ).model_dump(mode="json")

        return await units.once_versioned(
            who,
            f"PATCH /api/v1/{plural}/{identity}",
            key,
            [version, body.model_dump(mode="json")],
            200,
            unit,
        )

    correct.__annotations__ |= {"body": correction(kind, model), "who": recorder}
    router.patch(
        f"/{plural}/{{identity}}",
        tags=[plural],
        summary=f"Correct a {kind} (If-Match, a reason)",
        name=f"correct_{kind}",
        response_model=one,
        responses={200: {"headers": answers.ETAG | answers.REPLAYED}} | problems(400, 404, 409, 412, 428),
        openapi_extra=IF_MATCH,
    )(correct)

    async def void(identity: Id, body: Void, who: Identity, version: IfMatch, key: Key = None) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            return records.void(units.intake, tx, kind, identity, body.reason, version, who_of(who), now).model_dump(
                mode="json"
            )

        return await units.once_versioned(
            who,
            f"POST /api/v1/{plural}/{identity}/void",
            key,
            [version, body.model_dump(mode="json")],
            200,
            unit,
        )

    void.__annotations__["who"] = recorder
    router.post(
        f"/{plural}/{{identity}}/void",
        tags=[plural],
        summary=f"Void a {kind} with a reason",
        name=f"void_{kind}",
        response_model=one,
        responses={200: {"headers": answers.ETAG | answers.REPLAYED}} | problems(400, 404, 409, 412, 428),
        openapi_extra=IF_MATCH,
    )(void)


def _visible(tx: Tx, document: Any, who: Identity) -> bool:
    if not who.site_scoped:
        return True
    subject = document if hasattr(document, "provisional") else store.latest(tx, f"subject/{document.subject_id}")
    return who.sees_site(subject.site_id if subject else None)


def _periods(tx: Tx, kind: str, document: Any) -> dict[str, Any]:
    if kind != "subject":
        return {}
    found = periods.periods(document, store.of_child(tx, document.subject_id, "exposure"))
    return {"periods": [_period(one) for one in found]}


def _period(one: Period) -> dict[str, Any]:
    """Start and end as the earliest and latest instant they can mean; null is open."""
    return {"name": one.name, "start": _edge(one.start), "end": _edge(one.end) if one.end else None}


def _edge(edge: Edge) -> dict[str, str | None]:
    return {
        "earliest": edge.earliest.isoformat() if edge.earliest else None,
        "latest": edge.latest.isoformat() if edge.latest else None,
    }
