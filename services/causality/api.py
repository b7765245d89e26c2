"""JSON routes of causality: parse, call the handler, answer."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.causality import handlers, store
from services.causality.answers import AssessmentAnswer, AssessmentVersions, Unsigned
from services.causality.domain import Question
from services.causality.handlers import Causality, Decision, Given, Said
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.bus import heard, idempotency
from shared.bus.idempotency import KEY_PATTERN, MAX_KEY
from shared.case import Assessment, FreeText
from shared.case.assessment import WhoUmc
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.problem import problems

Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Short = Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00]*$")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=MAX_KEY, pattern=KEY_PATTERN)]
Viewer = Annotated[Identity, Depends(require("see_assessment"))]


class DecisionBody(BaseModel):
    """What you put for one event and one exposure; another category than proposed needs a reason."""

    model_config = ConfigDict(extra="forbid")

    event_id: Short
    exposure_id: Short
    accepted: WhoUmc
    reason: Annotated[str, StringConstraints(max_length=5_000, pattern=r"^[^\x00]*$")] | None = None

    def decision(self) -> Decision:
        return Decision(self.event_id, self.exposure_id, self.accepted, self.reason)


class AnswerBody(BaseModel):
    """What you know about one event and one exposure that the records do not; `withdrawn` hands the question back to them."""

    model_config = ConfigDict(extra="forbid")

    event_id: Short
    exposure_id: Short
    question: Question
    answer: Given
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=5_000, pattern=r"^[^\x00]*$")
    ]

    def said(self) -> Said:
        return Said(self.event_id, self.exposure_id, self.question, self.answer, FreeText(text=self.reason))


class AnswerQuestions(BaseModel):
    """Your answers make a new proposal at once, which nobody has signed; they relax nothing by themselves."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "version": 2,
                    "answers": [
                        {
                            "event_id": "…",
                            "exposure_id": "…",
                            "question": "alternative_explains",
                            "answer": "no",
                            "reason": "Blood and cerebrospinal fluid cultures are negative, no contact with illness",
                        }
                    ],
                }
            ]
        },
    )

    version: int = Field(ge=1, le=1_000_000)
    answers: list[AnswerBody] = Field(min_length=1, max_length=100)


class SignAssessment(BaseModel):
    """Your password proves anew that it is you (whoever signs in at a provider signs on the page, which leads there and back);
    pairs without a decision are accepted as proposed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"version": 2, "password": "…", "meaning": "I agree with this assessment", "decisions": []}]
        },
    )

    version: int = Field(ge=1, le=1_000_000)
    password: Annotated[str, StringConstraints(max_length=256)] = ""
    meaning: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500, pattern=r"^[^\x00]*$")
    ]
    decisions: list[DecisionBody] = Field(default=[], max_length=500)


def visible(causality: Causality, tx: Tx, who: Identity, assessment: Assessment) -> bool:
    """By the site of the child's code; where that says none, by the site the case was told from."""
    if not who.site_scoped:
        return True
    versions = heard.case_versions(tx, assessment.case_id)
    site = causality.trial.site_of(assessment.subject_id)
    return who.sees_site(site.id if site else (versions[-1].site_id if versions else None))


def view(assessment: Assessment, stale: tuple[Any, ...]) -> dict[str, Any]:
    """`status`: proposed, signed, or stale (something became known after it was judged)."""
    status = "stale" if stale else ("signed" if assessment.signature else "proposed")
    return {
        "status": status,
        "stale": [{"aggregate": one.aggregate, "why_en": one.why.en, "why_vi": one.why.vi} for one in stale],
        "assessment": assessment.model_dump(mode="json"),
    }


def routes(db: Database, causality: Causality, clock: Clock) -> APIRouter:
    """All JSON routes, bound to one database."""
    router = APIRouter(prefix="/api/v1", tags=["assessments"])

    @router.get(
        "/assessments",
        summary="Cases whose newest assessment nobody has signed",
        response_model=Unsigned,
        responses=problems(),
    )
    async def unsigned(who: Viewer, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> JSONResponse:
        def unit(tx: Tx) -> list[Assessment]:
            return [one for one in store.unsigned(tx, limit) if visible(causality, tx, who, one)]

        rows = await asyncio.to_thread(db.read, unit)
        shown = [
            {
                "case_id": one.case_id,
                "case_number": one.case_number,
                "version": one.version,
                "case_version": one.case_version,
            }
            for one in rows
        ]
        return JSONResponse({"unsigned": shown})

    @router.get(
        "/assessments/{case_id}",
        summary="The newest assessment of a case, with why it is stale if it is",
        response_model=AssessmentAnswer,
        responses=problems(404),
    )
    async def read(case_id: Id, who: Viewer) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            found = store.latest(tx, case_id)
            if found is None or not visible(causality, tx, who, found):
                raise NotFound("no assessment for that case yet")
            return view(found, handlers.stale_reasons(tx, found))

        body = await asyncio.to_thread(db.read, unit)
        return JSONResponse(body, headers={"ETag": f'"{body["assessment"]["version"]}"'})

    @router.get(
        "/assessments/{case_id}/versions",
        summary="Every version, oldest first",
        response_model=AssessmentVersions,
        responses=problems(404),
    )
    async def versions(case_id: Id, who: Viewer) -> JSONResponse:
        def unit(tx: Tx) -> list[Assessment]:
            found = store.versions(tx, case_id)
            if not found or not visible(causality, tx, who, found[-1]):
                raise NotFound("no assessment for that case yet")
            return found

        found = await asyncio.to_thread(db.read, unit)
        return JSONResponse({"versions": [one.model_dump(mode="json") for one in found]})

    @router.post(
        "/assessments/{case_id}/answers",
        summary="Answer what the records cannot; the proposal is made anew and waits for a signature",
        response_model=AssessmentAnswer,
        responses=problems(400, 404, 409, 412),
    )
    async def answer(
        case_id: Id,
        body: AnswerQuestions,
        who: Annotated[Identity, Depends(require("answer_question"))],
        key: Key = None,
    ) -> JSONResponse:
        def unit(tx: Tx) -> tuple[dict[str, Any], int, bool]:
            now = clock.now()

            def run() -> dict[str, Any]:
                made = handlers.answer(
                    causality,
                    tx,
                    case_id,
                    expected_version=body.version,
                    answers=[one.said() for one in body.answers],
                    user_id=who.user_id,
                    now=now,
                )
                return view(made, ())

            return idempotency.once(
                tx,
                causality.audit,
                run,
                client=who.user_id,
                route=f"POST /api/v1/assessments/{case_id}/answers",
                key=key,
                body=body.model_dump(mode="json"),
                now=now,
            )

        made, status, repeated = await asyncio.to_thread(db.transact, unit)
        headers = {"ETag": f'"{made["assessment"]["version"]}"'}
        if repeated:
            headers["Idempotency-Replayed"] = "true"
        return JSONResponse(made, status, headers=headers)

    @router.post(
        "/assessments/{case_id}/sign",
        summary="Accept or override the proposals and sign",
        response_model=AssessmentAnswer,
        responses=problems(400, 404, 409, 412),
    )
    async def sign(
        request: Request,
        case_id: Id,
        body: SignAssessment,
        who: Annotated[Identity, Depends(require("sign_assessment"))],
    ) -> JSONResponse:
        decisions = [one.decision() for one in body.decisions]
        what = handlers.to_sign(case_id, body.version, decisions, body.meaning)
        proved_at = await prove_again(request, who, body.password, what)
        signed = await asyncio.to_thread(
            db.transact,
            lambda tx: handlers.sign(
                causality,
                tx,
                case_id,
                expected_version=body.version,
                decisions=decisions,
                meaning=body.meaning,
                user_id=who.user_id,
                proved_at=proved_at,
                now=clock.now(),
            ),
        )
        return JSONResponse(view(signed, ()))

    return router
