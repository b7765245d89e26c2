"""The phone page: six questions, nothing chosen beforehand, "don't know" everywhere; and the receipt."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.ae_intake import handlers, store, views
from services.ae_intake.domain import Question
from services.ae_intake.handlers import CaseOutcome, Who
from services.ae_intake.pages.desk import Desk, Id, Reporter, Words, fresh_key, who_of
from services.ae_intake.pages.posted import Posted
from services.ae_intake.pages.specs import moment
from services.ae_intake.submission import Rejected
from shared.auth.identity import Identity
from shared.bus.idempotency import form_key
from shared.case import CRITERIA, CaseReport
from shared.db import Tx
from shared.errors import Conflict, NotFound, TocsinError, TooLarge
from shared.trial import Trial

ROUTE = "POST /report"
_FIELDS = {
    "/subject_id": "child",
    "/events/0/verbatim": "what",
    "/events/0/onset": "onset",
    "/events/0/seriousness": "bad",
    "/events": "what",
    "/given": "given",
    "/site_aware": "aware",
    "": "what",
}
"""Pointer of the command -> question of the page, longest first where one holds another."""


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/report")
    async def report(request: Request, who: Reporter) -> Response:
        return await _page(desk, request, who, Posted([("key", fresh_key())]))

    @router.post("/report")
    async def send(request: Request, who: Reporter) -> Response:
        posted = await Posted.of(request)
        known = await desk.read(lambda tx: desk.subject_codes(tx, who))
        body = as_command(posted, desk.words(request).lang, who, desk.zone_of_reader(who), desk.intake.trial, known)
        raw = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
        key = form_key(posted.text("key"))
        try:
            answer = await asyncio.to_thread(
                desk.submissions.submit, raw, content_type="application/json", route=ROUTE, who=who_of(who), key=key
            )
        except Rejected as rejected:
            posted.set("key", fresh_key())
            problems = _problems(desk.words(request), rejected)
            notice = ("rejected", {"id": rejected.rejected_id})
            return await _page(desk, request, who, posted, rejected.status, problems, notice)
        except Conflict:  # the form was sent, went back, and was changed: a new report, or news about the first one?
            posted.set("key", fresh_key())
            return await _page(desk, request, who, posted, 409, {}, ("sent_before", {}))
        except TocsinError as error:  # nothing was stored: the text must not be lost with it
            return await _page(desk, request, who, posted, error.status, {}, ("away", {}))
        return RedirectResponse(f"/report/{answer.body['case_id']}/receipt", 303)

    @router.get("/report/{case_id}/receipt")
    async def receipt(request: Request, case_id: Id, who: Reporter) -> Response:
        now = desk.clock.now()

        def unit(tx: Tx) -> Receipt:
            try:
                return Receipt.of(handlers.read_case(desk.intake, tx, case_id, who_of(who), now))
            except NotFound:
                return _own_receipt(tx, case_id, who_of(who))

        found = await desk.read(unit)
        context = {
            "receipt": found,
            "on_call": views.on_call(desk.intake.trial, now),
            "asked": [(question, anchor_of(question.pointer)) for question in found.missing],
            "zone": desk.zone_of_site(found.case.site_id),
            "active": "report",
        }
        return desk.pages.html(request, "receipt.html", context)


@dataclass(frozen=True)
class Receipt:
    """`whole` is False for a report about a child of another site: kept and alerted, but not to be read here."""

    case: CaseReport
    missing: tuple[Question, ...] = ()
    suspected: tuple[handlers.Suspicion, ...] = ()
    whole: bool = True

    @classmethod
    def of(cls, outcome: CaseOutcome) -> Receipt:
        return cls(outcome.case, outcome.missing, outcome.suspected)


def _own_receipt(tx: Tx, case_id: str, who: Who) -> Receipt:
    """Whoever reported gets a receipt, even where the child belongs to a site they cannot read."""
    found = store.version_of(tx, f"case/{case_id}", 1)
    if found is None or found.reported_by != who.user_id:
        raise NotFound("no report of yours by that number")
    return Receipt(found, whole=False)


def as_command(posted: Posted, lang: str, who: Identity, zone: str, trial: Trial, known: list[str]) -> dict[str, Any]:
    """What was typed, as the API takes it; what was left open is left out, and so stays unknown."""
    body: dict[str, Any] = {"source": "phone_page", "reporter_role": _role(who)}
    if code := posted.text("child").strip():
        body["subject_id"] = _code(code, trial, known)
    event: dict[str, Any] = {}
    if posted.has("what"):
        event["verbatim"] = {"text": posted.text("what"), "language": lang}
    if onset := moment(posted.text("onset_date"), posted.text("onset_time"), zone, lang):
        event["onset"] = onset
    if answers := _criteria(posted):
        event["seriousness"] = answers
    if event:
        body["events"] = [event]
    if given := _given(posted, lang):
        body["given"] = given
    if aware := moment(posted.text("aware_date"), posted.text("aware_time"), zone, lang):
        body["site_aware"] = aware
    return body


def _criteria(posted: Posted) -> dict[str, str]:
    """One answer per criterion; "none of these" answers "no" to those that have no answer of their own."""
    rest = "no" if posted.has("bad_none") else ""
    answers = {name: posted.text(f"bad_{name}") or rest for name in CRITERIA}
    return {name: answer for name, answer in answers.items() if answer}


def _given(posted: Posted, lang: str) -> dict[str, Any]:
    answer, kinds = posted.text("given"), [one for one in posted.all("given_kinds") if one]
    told = bool(kinds) or posted.has("given_text")
    if told and answer == "no":
        answer = "unknown"  # "nothing" beside something: kept as typed, and asked back
    given: dict[str, Any] = {"answer": answer or "yes"} if answer or told else {}
    if kinds:
        given["kinds"] = kinds
    if posted.has("given_text"):
        given["text"] = {"text": posted.text("given_text"), "language": lang}
    return given


def _code(typed: str, trial: Trial, known: list[str]) -> str:
    """`vn01-007` is VN01-007 where that is a child, or a code of a site, of this trial."""
    upper = typed.upper()
    return upper if upper in known or trial.site_of(upper) else typed


def _role(who: Identity) -> str:
    return next((role for role in ("investigator", "clinician") if role in who.roles), "other")


def _problems(t: Words, rejected: Rejected) -> dict[str, str]:
    """A sentence per question, in the reader's language."""
    found: dict[str, str] = {}
    for problem in rejected.problems:
        pointer = next((one for one in _FIELDS if one and problem.pointer.startswith(one)), "")
        name = _FIELDS[pointer]
        found.setdefault(name, t("report.empty") if not problem.pointer else t(f"report.wrong.{name}"))
    if rejected.status == TooLarge.status:
        found["what"] = t("report.wrong.what")
    return found


async def _page(
    desk: Desk,
    request: Request,
    who: Identity,
    posted: Posted,
    status: int = 200,
    problems: dict[str, str] | None = None,
    notice: tuple[str, dict[str, str]] | None = None,
) -> Response:
    codes = await desk.read(lambda tx: desk.subject_codes(tx, who))
    zone = desk.zone_of_reader(who)
    lang = desk.words(request).lang
    kinds = [(one.kind, one.label.text(lang)) for one in desk.intake.trial.exposures if one.role != "NONE"]
    context = {
        "form": posted,
        "codes": codes,
        "criteria": CRITERIA,
        "kinds": kinds,
        "problems": problems or {},
        "notice": notice,
        "zone": zone,
        "zone_offset": _offset(desk.clock.now(), zone),
        "active": "report",
    }
    return desk.pages.html(request, "report.html", context, status=status)


def _offset(now: datetime, zone: str) -> str:
    from shared.web.times import zone_text

    return zone_text(now, zone)


def anchor_of(pointer: str) -> str:
    """Where on the amendment page a question is answered; empty: not there."""
    parts = pointer.strip("/").split("/")
    if parts[0] == "events":
        if len(parts) == 1:
            return "new-event"
        event, field = f"e{parts[1]}_", parts[2]
        if field == "seriousness":
            return f"f-{event}{parts[3]}"
        return f"f-{event}" + {"term_code": "term", "grades": "grade", "opinions": "opinions"}.get(field, field)
    return {"given": "f-given_answer", "site_aware": "f-site_aware", "news_known": "f-news"}.get(parts[0], "")
