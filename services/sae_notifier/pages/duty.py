"""The page of one duty: read it, make its form, tell the recipient, record what came back."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Annotated, Any, cast, get_args
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, File, Form, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.sae_notifier import store
from services.sae_notifier.e2b import SchemasMissing
from services.sae_notifier.handlers import filings, receipts, stating
from services.sae_notifier.handlers.filings import SENT_BY_US, Method
from services.sae_notifier.handlers.making import make_form, make_icsr
from services.sae_notifier.handlers.receipts import Proof, ReceiptKind, Verdict
from services.sae_notifier.pages.duty_view import duty_page
from services.sae_notifier.pages.face import Face, Id
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.auth.throttle import TooManyAttempts
from shared.bus.idempotency import form_key
from shared.case import Says
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, Forbidden, NotFound, Refused

Reader = Annotated[Identity, Depends(require("see_ledger"))]
Filer = Annotated[Identity, Depends(require("file_report"))]
Stater = Annotated[Identity, Depends(require("state_duty"))]
Text = Annotated[str, Form(max_length=2_000)]
Word = Annotated[str, Form(max_length=80)]
Key = Annotated[str, Form(max_length=200)]
"""The hidden one of the form: sent twice, it acts once."""
Upload = Annotated[UploadFile | None, File()]
METHODS = ("gateway", "mail", "post", "portal", "hand")
VERDICTS = ("received", "accepted", "rejected")
KINDS = ("answer", "delivery_notice", "proof")
SAYS = get_args(Says)


def add(router: APIRouter, face: Face) -> None:
    async def page(
        request: Request, who: Identity, obligation_id: str, on: str = "", status: int = 200, **more: object
    ) -> Response:
        day = _day(on)
        view = await face.read(lambda tx: duty_page(face.notifier, tx, obligation_id, day, face.clock.now()))
        context: dict[str, object] = {
            "view": view,
            "may_file": who.can("file_report"),
            "may_state": who.can("state_duty"),
            "on": on if day else "",
            "form": "",
            "typed": {},
            "problems": (),
            "wrong": {},
            "conflict": "",
            "trouble": "",
            "wait_s": 0,
            "active": "ledger",
        }
        return face.html.html(request, "duty.html", context | more, status=status)

    async def refused(
        request: Request, who: Identity, obligation_id: str, form: str, typed: dict[str, str], error: Refused | Conflict
    ) -> Response:
        """The page again, with what was typed: a refusal costs nobody their words (an attached file has to be chosen anew)."""
        problems = face.translated(request, error.problems)
        wrong = {one.pointer.removeprefix("/"): one.detail for one in problems}
        return await page(
            request,
            who,
            obligation_id,
            status=error.status,
            form=form,
            typed=typed,
            problems=problems,
            wrong=wrong,
            conflict=face.said(request, error.detail) if isinstance(error, Conflict) else "",
        )

    @router.get("/ledger/{obligation_id}")
    async def one(request: Request, obligation_id: Id, who: Reader, on: str = "") -> Response:
        return await page(request, who, obligation_id, on)

    @router.post("/ledger/{obligation_id}/documents")
    async def make(request: Request, obligation_id: Id, who: Filer, key: Key = "", kind: Word = "") -> Response:
        pressed = form_key(key)
        try:
            await asyncio.to_thread(
                make_form, face.db, face.notifier, face.clock, obligation_id, who.user_id, pressed, kind or None
            )
        except (Refused, Conflict) as error:
            return await refused(request, who, obligation_id, "documents", {"kind": kind}, error)
        return RedirectResponse(f"/ledger/{obligation_id}#documents", status_code=303)

    @router.post("/ledger/{obligation_id}/electronic")
    async def make_electronic(request: Request, obligation_id: Id, who: Filer, key: Key = "") -> Response:
        pressed = form_key(key)
        try:
            await asyncio.to_thread(make_icsr, face.db, face.notifier, face.clock, obligation_id, who.user_id, pressed)
        except (Conflict, Refused) as error:
            return await refused(request, who, obligation_id, "electronic", {}, error)
        except SchemasMissing:
            return await page(request, who, obligation_id, status=503)  # the page says so itself
        return RedirectResponse(f"/ledger/{obligation_id}#electronic", status_code=303)

    @router.post("/ledger/{obligation_id}/statements")
    async def state(
        request: Request,
        obligation_id: Id,
        who: Stater,
        says: Word = "",
        case_version: Word = "",
        reason: Text = "",
        password: Annotated[str, Form(max_length=256)] = "",
    ) -> Response:
        said, typed = _clean(reason), {"reason": reason}
        version = int(case_version) if case_version.isascii() and case_version.isdigit() else 0
        try:
            if says not in SAYS:
                raise Refused("what?", problems=[FieldProblem("/says", "nothing can be stated instead", "send it")])
            if len(said) < stating.LEAST_REASON:
                problem = FieldProblem("/reason", "a reason is needed", "write why nothing more has to be told")
                raise Refused("why?", problems=[problem])
            await prove_again(request, who, password, stating.to_sign(obligation_id, says, version, said))
            await face.write(
                lambda tx: stating.state(
                    face.notifier,
                    tx,
                    obligation_id,
                    says=cast(Says, says),
                    case_version=version,
                    reason=said,
                    user_id=who.user_id,
                    now=face.clock.now(),
                )
            )
        except (Refused, Conflict) as error:
            return await refused(request, who, obligation_id, "state", typed, error)
        except (Forbidden, TooManyAttempts) as error:
            wait_s = error.wait_s if isinstance(error, TooManyAttempts) else 0
            trouble = "wait" if wait_s else "password"
            more = {"form": "state", "typed": typed, "trouble": trouble, "wait_s": wait_s}
            return await page(request, who, obligation_id, status=error.status, **more)
        return RedirectResponse(f"/ledger/{obligation_id}#statements", status_code=303)

    @router.post("/ledger/{obligation_id}/filings")
    async def file(
        request: Request,
        obligation_id: Id,
        who: Filer,
        key: Key = "",
        method: Word = "",
        document_id: Word = "",
        sent_date: Word = "",
        sent_time: Word = "",
        reference: Text = "",
        proof: Upload = None,
    ) -> Response:
        typed = {
            "method": method,
            "document_id": document_id,
            "sent_date": sent_date,
            "sent_time": sent_time,
            "reference": reference,
        }
        form = method if method in SENT_BY_US else "hand"
        try:
            if method not in METHODS:
                raise Refused("how?", problems=[FieldProblem("/method", "how was it handed over?", "choose one")])
            uploaded = await _proof(proof)
            zone = await face.read(lambda tx: _zone(tx, obligation_id))

            def unit(tx: Tx, now: datetime) -> dict[str, Any]:
                row = filings.file(
                    face.notifier,
                    tx,
                    obligation_id=obligation_id,
                    document_id=document_id,
                    method=cast(Method, method),
                    user_id=who.user_id,
                    now=now,
                    sent_at=_instant(sent_date, sent_time, zone) if method not in SENT_BY_US else None,
                    reference=_clean(reference) or None,
                    proof=uploaded,
                )
                return {"filing_id": row.filing_id}

            route = f"POST /ledger/{obligation_id}/filings"
            await face.once(who, route, key, typed | _named(uploaded), unit)
        except (Refused, Conflict) as error:
            return await refused(request, who, obligation_id, form, typed, error)
        return RedirectResponse(f"/ledger/{obligation_id}#filings", status_code=303)

    @router.post("/ledger/{obligation_id}/filings/{filing_id}/receipts")
    async def receipt(
        request: Request,
        obligation_id: Id,
        filing_id: Id,
        who: Filer,
        key: Key = "",
        verdict: Word = "",
        kind: Word = "",
        at_date: Word = "",
        at_time: Word = "",
        reference: Text = "",
        reasons: Text = "",
        proof: Upload = None,
    ) -> Response:
        typed = {
            "verdict": verdict,
            "kind": kind,
            "at_date": at_date,
            "at_time": at_time,
            "reference": reference,
            "reasons": reasons,
        }
        try:
            uploaded = await _proof(proof)
            zone = await face.read(lambda tx: _zone(tx, obligation_id, filing_id))
            at = _instant(at_date, at_time, zone)
            _chosen(verdict, kind, at)

            def unit(tx: Tx, now: datetime) -> dict[str, Any]:
                row = receipts.record(
                    face.notifier,
                    tx,
                    filing_id,
                    verdict=cast(Verdict, verdict),
                    kind=cast(ReceiptKind, kind),
                    at=cast(datetime, at),
                    reference=_clean(reference),
                    reasons=_clean(reasons),
                    proof=uploaded,
                    user_id=who.user_id,
                    now=now,
                )
                return {"receipt_id": row.receipt_id}

            await face.once(who, f"POST /ledger/filings/{filing_id}/receipts", key, typed | _named(uploaded), unit)
        except (Refused, Conflict) as error:
            return await refused(request, who, obligation_id, f"receipt-{filing_id}", typed, error)
        return RedirectResponse(f"/ledger/{obligation_id}#filings", status_code=303)


def _named(proof: Proof | None) -> dict[str, str]:
    """An upload as part of what a form says."""
    return {"proof": f"{proof.name} {sha256(proof.content).hexdigest()}"} if proof else {}


def _zone(tx: Tx, obligation_id: str, filing_id: str | None = None) -> str:
    """The recipient's zone, in which the page asks for times; refuses a filing of another duty."""
    duty = store.obligation(tx, obligation_id)
    filing = store.filing(tx, filing_id) if filing_id else None
    if duty is None or (filing_id and (filing is None or filing.obligation_id != obligation_id)):
        raise NotFound("no duty or filing by that id")
    return duty.recipient_zone


def _chosen(verdict: str, kind: str, at: datetime | None) -> None:
    problems = []
    if verdict not in VERDICTS:
        problems.append(FieldProblem("/verdict", "received or rejected?", "choose one"))
    if kind not in KINDS:
        problems.append(FieldProblem("/kind", "how do you know?", "choose one"))
    if at is None:
        problems.append(FieldProblem("/at", "when did it arrive?", "give the date and the time"))
    if problems:
        raise Refused("the answer cannot be recorded", problems=problems)


def _instant(on: str, at: str, zone: str) -> datetime | None:
    """Aware UTC of a date and a time typed in that zone; None unless both are there and readable."""
    try:
        return datetime.combine(date.fromisoformat(on), time.fromisoformat(at), ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 < found.year < 2200 else None


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


async def _proof(upload: UploadFile | None) -> Proof | None:
    if upload is None or not upload.filename:
        return None
    content = await upload.read()
    name = upload.filename.replace("\x00", "").rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    return Proof(name or "proof", upload.content_type or "application/octet-stream", content)
