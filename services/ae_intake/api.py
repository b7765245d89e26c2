"""JSON routes of ae_intake: parse, call the handler, answer. OpenAPI carries examples."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, WithJsonSchema, create_model

from services.ae_intake import answers, handlers, records, redacting, store, views
from services.ae_intake.commands import (
    AmendCase,
    Changes,
    CloseRejected,
    Correct,
    NullifyCase,
    RecordAllocation,
    RecordBatch,
    RecordExposure,
    RecordMeasurement,
    RecordSubject,
    RedactCase,
    SubmitCase,
    Void,
)
from services.ae_intake.handlers import Intake, Who
from services.ae_intake.submission import Answer, Rejected, Submissions
from shared import terms
from shared.audit import Audit
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.auth.roles import Permission
from shared.bus import idempotency, redacted
from shared.bus.idempotency import KEY_PATTERN, MAX_KEY
from shared.case import periods
from shared.case.periods import Edge, Period
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import Conflict, FieldProblem, NotFound, PreconditionNeeded, Refused
from shared.web.parameters import iso_only
from shared.web.problem import problem_of, problems

T = TypeVar("T")
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=MAX_KEY, pattern=KEY_PATTERN)]
AnyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", json_schema_extra={"maxLength": MAX_KEY, "pattern": KEY_PATTERN}),
]
"""Of a report: one with a wrong key is kept as rejected like any other, so the framework may not turn it away."""
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._:-]+$")]
_ETAG = re.compile(r'^(?:W/)?"?([0-9]{1,9})"?$')
Reporter = Annotated[Identity, Depends(require("report_case"))]
Reader = Annotated[Identity, Depends(require("see_cases"))]
Redactor = Annotated[Identity, Depends(require("redact_case"))]
Amender = Annotated[Identity, Depends(require("amend_case"))]


def who_of(identity: Identity) -> Who:
    return Who(identity.user_id, identity.sites if identity.site_scoped else None)


def expected_version(request: Request) -> int:
    """The version in If-Match; raises PreconditionNeeded when missing, Refused when it is not a version."""
    header = request.headers.get("if-match")
    if header is None:
        raise PreconditionNeeded(
            problems=[FieldProblem("", "If-Match is missing", 'send If-Match: "3" with the version you read')]
        )
    match = _ETAG.match(header.strip())
    if match is None:
        raise Refused(
            "If-Match is not a version",
            problems=[FieldProblem("", "If-Match", 'send If-Match: "3" with the version you read')],
        )
    return int(match[1])


IfMatch = Annotated[int, Depends(expected_version)]
IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "The version that you read, as its ETag says it",
            "schema": {"type": "string", "pattern": _ETAG.pattern},
            "example": '"3"',
        }
    ]
}
"""For `openapi_extra=`: without it the answer is 428, which a header that FastAPI requires could not say."""


def versioned(body: dict[str, Any], version: int, status: int = 200, *, repeated: bool = False) -> JSONResponse:
    headers = {"ETag": f'"{version}"'}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(body, status, headers=headers)


def routes(db: Database, intake: Intake, clock: Clock) -> APIRouter:
    """All JSON routes, bound to one database."""
    router = APIRouter(prefix="/api/v1")
    submissions = Submissions(db, intake, clock)
    _cases(router, db, intake, clock, submissions)
    for kind, plural, model in (
        ("subject", "subjects", RecordSubject),
        ("exposure", "exposures", RecordExposure),
        ("batch", "batches", RecordBatch),
        ("measurement", "measurements", RecordMeasurement),
    ):
        _records(router, db, intake, clock, kind, plural, model)
    _others(router, db, intake, clock)
    return router


async def _write(db: Database, unit: Callable[[Tx], T]) -> T:
    return await asyncio.to_thread(db.transact, unit)


async def _read(db: Database, unit: Callable[[Tx], T]) -> T:
    return await asyncio.to_thread(db.read, unit)


def _cases(router: APIRouter, db: Database, intake: Intake, clock: Clock, submissions: Submissions) -> None:
    @router.post(
        "/cases",
        status_code=201,
        tags=["cases"],
        summary="Report a case, however incomplete",
        openapi_extra=_openapi_body(SubmitCase),
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
        rows = await _read(
            db,
            lambda tx: store.list_cases(
                tx, subject_id=_clean(subject_id), sites=sites, before=_aware(before), limit=limit
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
        outcome = await _read(db, lambda tx: handlers.read_case(intake, tx, case_id, who_of(who), clock.now()))
        return versioned(views.case_document(outcome), outcome.case.version)

    @router.get(
        "/cases/{case_id}/versions/{version}",
        tags=["cases"],
        summary="One version of a case",
        response_model=answers.CaseAnswer,
        responses={200: {"headers": answers.ETAG}} | problems(404),
    )
    async def read_version(case_id: Id, version: Annotated[int, Path(ge=1, le=1_000_000)], who: Reader) -> JSONResponse:
        outcome = await _read(db, lambda tx: handlers.read_case(intake, tx, case_id, who_of(who), clock.now(), version))
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
            outcome = handlers.amend_case(intake, tx, case_id, body, version, who_of(who), now)
            return views.case_answer(outcome, intake.trial, now)

        return await _once(
            db,
            intake.audit,
            clock,
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
            outcome = handlers.nullify_case(intake, tx, case_id, body, version, who_of(who), now)
            return views.case_answer(outcome, intake.trial, now)

        return await _once(
            db,
            intake.audit,
            clock,
            who,
            f"POST /api/v1/cases/{case_id}/nullify",
            key,
            [version, body.model_dump(mode="json")],
            200,
            unit,
        )

    @router.get(
        "/cases/{case_id}/redactions",
        tags=["cases"],
        summary="Texts that could be taken back, and what was taken back",
        response_model=answers.Redactions,
        responses=problems(404),
    )
    async def redactions(case_id: Id, who: Redactor) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            case = handlers.read_case(intake, tx, case_id, who_of(who), clock.now()).case
            texts = [redacting.standing_shown(one) for one in redacting.standing(tx, case)]
            done = [redacting.shown(one) for one in redacted.of_case(tx, case.case_id)]
            return {"case_id": case.case_id, "texts": texts, "redactions": done}

        return JSONResponse(await _read(db, unit))

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

        def unit(tx: Tx) -> tuple[dict[str, Any], int, bool]:
            now = clock.now()
            return idempotency.once(
                tx,
                intake.audit,
                lambda: redacting.shown(redacting.redact(intake, tx, case_id, body, who_of(who), proved_at, now)),
                client=who.user_id,
                route=f"POST /api/v1/cases/{case_id}/redactions",
                key=key,
                body=body.model_dump(mode="json"),
                now=now,
                status=201,
            )

        made, status, repeated = await _write(db, unit)
        return JSONResponse(made, status, headers={"Idempotency-Replayed": "true"} if repeated else None)


def _records(
    router: APIRouter, db: Database, intake: Intake, clock: Clock, kind: str, plural: str, model: type[BaseModel]
) -> None:
    one, whole, many = answers.RECORDS[kind]
    permission: Permission = "record_subject" if kind == "subject" else "record_exposure"
    recorder = Annotated[Identity, Depends(require(permission))]

    async def record(body: Any, who: Identity, key: Key = None) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            return records.record(intake, tx, kind, body, who_of(who), now).model_dump(mode="json")

        return await _once(
            db, intake.audit, clock, who, f"POST /api/v1/{plural}", key, body.model_dump(mode="json"), 201, unit
        )

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
                found = store.of_child(tx, _clean(subject_id) or "", kind)
            else:
                found = store.newest_of_kind(tx, kind, after=f"{kind}/{_clean(after) or ''}", limit=limit)
            return [one for one in found if _visible(tx, one, who)]

        found = await _read(db, unit)
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

        found = await _read(db, unit)
        return versioned(found, found["version"])

    async def correct(identity: Id, body: Any, who: Identity, version: IfMatch, key: Key = None) -> JSONResponse:
        def unit(tx: Tx, now: datetime) -> dict[str, Any]:
            return records.correct(
                intake, tx, kind, identity, dict(body.changes), body.reason, version, who_of(who), now
            ).model_dump(mode="json")

        return await _once(
            db,
            intake.audit,
            clock,
            who,
            f"PATCH /api/v1/{plural}/{identity}",
            key,
            [version, body.model_dump(mode="json")],
            200,
            unit,
        )

    correct.__annotations__ |= {"body": _correction(kind, model), "who": recorder}
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
            return records.void(intake, tx, kind, identity, body.reason, version, who_of(who), now).model_dump(
                mode="json"
            )

        return await _once(
            db,
            intake.audit,
            clock,
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


def _others(router: APIRouter, db: Database, intake: Intake, clock: Clock) -> None:
    @router.post(
        "/allocations",
        status_code=204,
        tags=["allocations"],
        summary="Record an arm; nothing ever shows it again here",
        responses=problems(400),
    )
    async def allocate(body: RecordAllocation, who: Annotated[Identity, Depends(require("record_allocation"))]) -> None:
        await _write(db, lambda tx: records.allocate(intake, tx, body, who_of(who), clock.now()))

    @router.get(
        "/rejected",
        tags=["rejected"],
        summary="Submissions that could not become even a draft",
        response_model=answers.RejectedLines,
        responses=problems(),
    )
    async def rejected(who: Annotated[Identity, Depends(require("close_rejected"))]) -> JSONResponse:
        rows = await _read(db, store.open_rejected)
        return JSONResponse({"rejected": [views.rejected_line(row) for row in rows]})

    @router.post(
        "/rejected/{rejected_id}/close",
        tags=["rejected"],
        summary="Close one, saying what was done about it",
        response_model=answers.RejectedLine,
        responses=problems(400, 404, 409),
    )
    async def close(
        rejected_id: Id, body: CloseRejected, who: Annotated[Identity, Depends(require("close_rejected"))]
    ) -> JSONResponse:
        row = await _write(
            db, lambda tx: handlers.close_rejected(intake, tx, rejected_id, body.reason, who_of(who), clock.now())
        )
        return JSONResponse(views.rejected_line(row))

    @router.get(
        "/on-call",
        tags=["cases"],
        summary="Whom an alert would call now, in order",
        response_model=answers.OnCallNow,
        responses=problems(),
    )
    async def on_call(who: Reporter) -> JSONResponse:
        return JSONResponse({"on_call": views.on_call(intake.trial, clock.now())})

    @router.get(
        "/terms",
        tags=["terms"],
        summary="Search CTCAE terms by Vietnamese or English words",
        response_model=answers.FoundTerms,
        responses=problems(),
    )
    def search(who: Reporter, q: Annotated[str, Query(min_length=1, max_length=100)], lang: str = "vi") -> JSONResponse:
        version = terms.as_version(intake.trial.ctcae_version)
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


async def _once(
    db: Database,
    audit: Audit,
    clock: Clock,
    who: Identity,
    route: str,
    key: str | None,
    body: Any,
    status: int,
    unit: Callable[[Tx, datetime], dict[str, Any]],
) -> JSONResponse:
    """Run a command under its Idempotency-Key; the answer's `version` becomes the ETag."""

    def run(tx: Tx) -> tuple[dict[str, Any], int, bool]:
        now, said = clock.now(), {"client": who.user_id, "route": route, "key": key, "body": body}
        return idempotency.once(tx, audit, lambda: unit(tx, now), now=now, status=status, **said)

    answer, code, repeated = await _write(db, run)
    return versioned(answer, answer["version"], code, repeated=repeated)


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


def _clean(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "")


def _aware(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise Refused(
            "the time has no zone", problems=[FieldProblem("", "before has no zone", "write 2026-03-09T02:10:00Z")]
        )
    if at is not None and not 1900 <= at.year <= 2200:
        raise Refused(
            "the time is out of range", problems=[FieldProblem("", "before", "give a year between 1900 and 2200")]
        )
    return at


def _correction(kind: str, model: type[BaseModel]) -> type[Correct]:
    """`Correct` for one kind, described field by field; the handler names what does not fit."""
    schema = _inlined(model.model_json_schema(), model.model_json_schema().get("$defs", {}))
    fields = {name: one for name, one in schema["properties"].items() if records.may_correct(kind, name)}
    described = {"type": "object", "properties": fields, "additionalProperties": False}
    return create_model(
        f"Correct{kind.title()}",
        __base__=Correct,
        changes=(Annotated[Changes, WithJsonSchema(described)], ...),
    )


def _openapi_body(model: type[Any]) -> dict[str, Any]:
    """The request body's schema inline, for a route that reads its bytes itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, definitions)}}},
    }


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            name = str(node["$ref"]).rsplit("/", 1)[-1]
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return _inlined(definitions[name], definitions) | rest
        return {key: _inlined(value, definitions) for key, value in node.items()}
    if isinstance(node, list):
        return [_inlined(one, definitions) for one in node]
    return node
