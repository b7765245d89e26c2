"""The medical monitor's pages: what waits, one assessment, answers to its questions, and signing it with a decision per pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.causality import handlers
from services.causality.domain import QUESTIONS
from services.causality.handlers import Decision
from services.causality.pages.answering import AnswerTyped, typed_answer
from services.causality.pages.face import Face, Id, Viewer
from services.causality.pages.shown import AssessmentShown
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.auth.throttle import TooManyAttempts
from shared.bus import idempotency
from shared.case.assessment import WhoUmc
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, Forbidden, NotFound, PreconditionFailed, Refused

Signer = Annotated[Identity, Depends(require("sign_assessment"))]
CATEGORIES: tuple[str, ...] = get_args(WhoUmc)
_FIELDS = {
    "/answers/0": "pair",
    "/answers/0/exposure_id": "recorded",
    "/answers/0/question": "once",
    "/answers/0/answer": "clash",
}
"""Where the handler found something wrong, as the form's words call it."""
MOST_PAIRS = 500
MOST_TEXT = 5_000


@dataclass(frozen=True)
class Typed:
    """What the monitor put, kept through every refusal (the password never is). Keys are `event/exposure`."""

    version: int
    meaning: str
    accepted: Mapping[str, str]
    reasons: Mapping[str, str]


def typed_in(form: FormData) -> Typed:
    accepted: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for index in range(MOST_PAIRS):
        key = form.get(f"pair.{index}")
        if not isinstance(key, str):
            break
        accepted[key] = _text(form, f"accepted.{index}", 40)
        reasons[key] = _text(form, f"reason.{index}", MOST_TEXT)
    version = _text(form, "version", 8)
    return Typed(int(version) if version.isdecimal() else 0, _text(form, "meaning", 500), accepted, reasons)


def _text(form: FormData, name: str, most: int) -> str:
    value = form.get(name)
    return value.replace("\x00", "").strip()[:most] if isinstance(value, str) else ""


def _password(form: FormData) -> str:
    value = form.get("password")
    return value[:256] if isinstance(value, str) else ""


def decisions(typed: Typed, view: AssessmentShown) -> tuple[list[Decision], list[FieldProblem]]:
    """One decision for each pair where something was put; the problems point to the pair they belong to."""
    made: list[Decision] = []
    problems: list[FieldProblem] = []
    for index, pair in enumerate(view.pairs):
        category, reason = typed.accepted.get(pair.key, ""), typed.reasons.get(pair.key, "")
        if category and category not in CATEGORIES:
            problems.append(FieldProblem(f"/accepted.{index}", "category"))
        elif not (category or pair.proposed):
            problems.append(FieldProblem(f"/accepted.{index}", "undecided"))
        elif category and category != pair.proposed and not reason:
            problems.append(FieldProblem(f"/reason.{index}", "override"))
        elif category or reason:
            made.append(
                Decision(pair.event_id, pair.exposure_id, cast(WhoUmc, category or pair.proposed), reason or None)
            )
    if len(typed.meaning) < 3:
        problems.append(FieldProblem("/meaning", "meaning"))
    return made, problems


def add(router: APIRouter, face: Face) -> None:
    @router.get("/assessments")
    async def listing(request: Request, who: Viewer) -> Response:
        context = {"waiting": await face.read(lambda tx: face.waiting(tx, who)), "active": "assessments"}
        return face.html.html(request, "assessments.html", context)

    async def page(
        request: Request, who: Identity, case_id: str, version: int | None = None, status: int = 200, **more: object
    ) -> Response:
        view = await face.read(lambda tx: face.find(tx, who, case_id, version))
        if view is None:
            raise NotFound("no assessment for that case yet")
        context: dict[str, object] = {
            "view": view,
            "may_sign": who.can("sign_assessment") and view.status == "proposed",
            "may_answer": who.can("answer_question") and view.status != "superseded",
            "questions": QUESTIONS,
            "about": AnswerTyped(0, "", "", "", "", None),
            "answer_wrong": frozenset(),
            "answer_trouble": "",
            "may_see_assessment": True,
            "categories": CATEGORIES,
            "typed": None,
            "problems": (),
            "wrong": {},
            "trouble": "",
            "wait_s": 0,
            "active": "assessments",
        }
        return face.html.html(request, "assessment.html", context | more, status=status)

    @router.get("/assessments/{case_id}")
    async def one(
        request: Request,
        case_id: Id,
        who: Viewer,
        version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
        about: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        return await page(request, who, case_id, version, about=AnswerTyped(0, about, "", "", "", None))

    @router.post("/assessments/{case_id}/answers")
    async def answer(
        request: Request, case_id: Id, who: Annotated[Identity, Depends(require("answer_question"))]
    ) -> Response:
        typed = typed_answer(await request.form())

        async def again(status: int, trouble: str, problems: Sequence[FieldProblem] = ()) -> Response:
            wrong = {_FIELDS.get(one.pointer, one.pointer[1:]) for one in problems}
            context = {"about": typed, "answer_trouble": trouble, "answer_wrong": wrong}
            return await page(request, who, case_id, None, status, **context)

        said, problems = typed.said()
        if said is None:
            return await again(422, "fields", problems)

        def unit(tx: Tx) -> object:
            now = face.clock.now()

            def run() -> dict[str, int]:
                made = handlers.answer(
                    face.causality,
                    tx,
                    case_id,
                    expected_version=typed.version,
                    answers=[said],
                    user_id=who.user_id,
                    now=now,
                )
                return {"version": made.version}

            body = [typed.version, typed.pair, typed.question, typed.answer, typed.reason]
            route = f"POST /assessments/{case_id}/answers"
            return idempotency.once(
                tx, face.causality.audit, run, client=who.user_id, route=route, key=typed.key, body=body, now=now
            )

        try:
            await face.write(unit)
        except (PreconditionFailed, Conflict) as error:
            return await again(error.status, "newer")
        except Refused as refused:
            return await again(422, "fields", refused.problems)
        return RedirectResponse(f"/assessments/{case_id}#answers", status_code=303)

    @router.post("/assessments/{case_id}/sign")
    async def sign(request: Request, case_id: Id, who: Signer) -> Response:
        form = await request.form()
        typed = typed_in(form)

        async def again(status: int, trouble: str, wait_s: int = 0) -> Response:
            return await page(request, who, case_id, status=status, typed=typed, trouble=trouble, wait_s=wait_s)

        done = RedirectResponse(f"/assessments/{case_id}#signature", status_code=303)
        said: Mapping[str, Any] = {
            "client": who.user_id,
            "route": f"POST /assessments/{case_id}/sign",
            "key": idempotency.form_key(_text(form, "key", 200)),
            "body": asdict(typed),
        }

        async def newer(status: int) -> Response:
            """Somebody else's news; or this very form, pressed twice, has signed."""
            if await face.read(lambda tx: idempotency.sent_before(tx, **said)):
                return done
            return await again(status, "newer")

        view = await face.read(lambda tx: face.find(tx, who, case_id))
        if view is None:
            raise NotFound("no assessment for that case yet")
        if view.version != typed.version:
            return await newer(412)
        made, problems = decisions(typed, view)
        if problems:
            wrong = {one.pointer.removeprefix("/"): one.detail for one in problems}
            return await page(request, who, case_id, status=422, typed=typed, problems=problems, wrong=wrong)
        what = handlers.to_sign(case_id, typed.version, made, typed.meaning)
        try:
            proved_at = await prove_again(request, who, _password(form), what)
        except Forbidden:
            return await again(403, "password")
        except TooManyAttempts as error:
            return await again(429, "wait", error.wait_s)

        def unit(tx: Tx) -> object:
            now = face.clock.now()

            def run() -> dict[str, int]:
                signed = handlers.sign(
                    face.causality,
                    tx,
                    case_id,
                    expected_version=typed.version,
                    decisions=made,
                    meaning=typed.meaning,
                    user_id=who.user_id,
                    proved_at=proved_at,
                    now=now,
                )
                return {"version": signed.version}

            return idempotency.once(tx, face.causality.audit, run, now=now, **said)

        try:
            await face.write(unit)
        except (PreconditionFailed, Conflict) as error:
            return await newer(error.status)
        except Refused:
            return await again(422, "refused")
        return done
