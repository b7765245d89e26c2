"""JSON routes of sae_notifier: parse, call the handler, answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.sae_notifier import answers, store, views
from services.sae_notifier.forms.form import Kind
from services.sae_notifier.handlers import (
    Notifier,
    acks,
    activation,
    alerts,
    filings,
    making,
    receipts,
    stating,
    withdrawing,
)
from services.sae_notifier.handlers.receipts import Proof
from services.sae_notifier.sight import Sight
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.case import Obligation, Says
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import FieldProblem, NotFound, Refused
from shared.web.parameters import iso_only
from shared.web.problem import problems

T = TypeVar("T")
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Text = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]


def _of_our_time(at: datetime) -> datetime:
    """What no calendar of ours reaches cannot be stored either."""
    if not 1900 <= at.year <= 2200:
        raise ValueError("the year must lie between 1900 and 2200")
    return at


Instant = Annotated[AwareDatetime, BeforeValidator(iso_only), AfterValidator(_of_our_time)]
Viewer = Annotated[Identity, Depends(require("see_desk", "see_cases"))]
Filer = Annotated[Identity, Depends(require("file_report"))]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConfirmAlert(Body):
    """Confirming says: I have seen it and I take it on."""

    note: Text | None = None


_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


class ProofBody(Body):
    """A file as base64."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00/\\]+$")]
    type: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$")] = (
        "application/octet-stream"
    )
    base64: str = Field(max_length=11_000_000, json_schema_extra={"contentEncoding": "base64", "pattern": _BASE64})

    def proof(self) -> Proof:
        try:
            content = base64.b64decode(self.base64, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(
                "the proof is not base64", problems=[FieldProblem("/proof/base64", "not base64", "encode the file")]
            ) from None
        return Proof(self.name, self.type, content)


class FileReport(Body):
    """`gateway` (the recipient's computer) and `mail` send it; `post`, `portal` and `hand` record what a person did: when,
    and the reference number."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"method": "mail"}]})

    method: Literal["gateway", "mail", "post", "portal", "hand"]
    document_id: Annotated[str, StringConstraints(max_length=80)] | None = None
    """A document made before; without it the newest case version is made now: the electronic report, else the form."""
    sent_at: Instant | None = None
    reference: Text | None = None
    proof: ProofBody | None = None


class StateDuty(Body):
    """Signed: your password proves anew that it is you (whoever signs in at a provider signs on the page). `case_version` is the
    newest version of the case that you have read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "says": "complete",
                    "case_version": 2,
                    "password": "…",
                    "reason": "Autopsy and cultures were in the report",
                }
            ]
        },
    )

    says: Says
    case_version: Annotated[int, Field(ge=1, le=1_000_000)]
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000, pattern=r"^[^\x00]*$")
    ]
    password: Annotated[str, StringConstraints(max_length=256)] = ""


class RecordReceipt(Body):
    """A delivery notice, an answer, or a proof that a named person uploads; `accepted` is what a computer answered."""

    verdict: Literal["received", "accepted", "rejected"]
    kind: Literal["delivery_notice", "answer", "proof"]
    at: Instant
    reference: Said
    reasons: Text = ""
    proof: ProofBody | None = None


class BroughtFile(Body):
    file: ProofBody


class CloseAcknowledgement(Body):
    reason: Said


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ActivateRules(Body):
    """Your password proves anew that it is you (whoever signs in at a provider signs on the page, which leads there and back).
    `preview_sha256` makes sure that what you read is what will happen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"sha256": "0" * 64, "password": "…", "reason": "Circular 55/2024 is in force from 1 January"}]
        },
    )

    sha256: Sha256
    password: Annotated[str, StringConstraints(max_length=256)] = ""
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000, pattern=r"^[^\x00]*$")
    ]
    preview_sha256: Sha256 | None = None


def routes(db: Database, notifier: Notifier, clock: Clock) -> APIRouter:
    """All JSON routes, bound to one database."""
    router = APIRouter(prefix="/api/v1")
    _obligations(router, db, notifier, clock)
    _statements(router, db, notifier, clock)
    _alerts(router, db, notifier, clock)
    _filings(router, db, notifier, clock)
    _acknowledgements(router, db, notifier, clock)
    _rules(router, db, notifier, clock)
    return router


async def _read(db: Database, unit: Callable[[Tx], T]) -> T:
    return await asyncio.to_thread(db.read, unit)


async def _write(db: Database, unit: Callable[[Tx], T]) -> T:
    return await asyncio.to_thread(db.transact, unit)


def _obligations(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/obligations",
        tags=["obligations"],
        summary="Duties, the soonest strict date first",
        response_model=answers.Duties,
        responses=problems(),
    )
    async def listing(
        who: Viewer,
        case_id: Annotated[str | None, Query(max_length=80)] = None,
        state: Literal["owed", "all"] = "owed",
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[Obligation]:
            if case_id is not None:
                rows = store.obligations_of(tx, [case_id.replace("\x00", "")])
            else:
                met = ("received", "ended") if state == "all" else ()
                rows = store.open_obligations(tx, states=("open", "filed", "rejected", *met))
            sight = Sight(tx, notifier.trial, who)
            return [one for one in rows if sight.sees(one.subject_id, one.case_id)]

        found = await _read(db, unit)
        now = clock.now()
        shown = [views.obligation(one, now) for one in found]
        return JSONResponse({"obligations": shown, "now": now.isoformat()})

    @router.get(
        "/obligations/{obligation_id}",
        tags=["obligations"],
        summary="One duty with every version",
        response_model=answers.DutyVersions,
        responses=problems(404),
    )
    async def one(obligation_id: Id, who: Viewer) -> JSONResponse:
        def unit(tx: Tx) -> list[Obligation]:
            found = store.obligation_history(tx, obligation_id)
            if not found or not Sight(tx, notifier.trial, who).sees(found[-1].subject_id, found[-1].case_id):
                raise NotFound("no duty by that id")
            return found

        versions = await _read(db, unit)
        now = clock.now()
        return JSONResponse(
            {
                "obligation": views.obligation(versions[-1], now),
                "versions": [v.model_dump(mode="json") for v in versions],
            }
        )

    @router.post(
        "/obligations/{obligation_id}/documents",
        status_code=201,
        tags=["documents"],
        summary="Make the form for this duty (the one the recipient wants, or the kind asked for), or its electronic report",
        response_model=answers.Document,
        responses=problems(400, 404, 409, 503),
    )
    async def make(obligation_id: Id, who: Filer, kind: Kind | Literal["e2b_r3"] | None = None) -> JSONResponse:
        row = await asyncio.to_thread(making.make, db, notifier, clock, obligation_id, who.user_id, kind)
        return JSONResponse(views.form(row, await _read(db, lambda tx: store.icsr(tx, row.document_id))), 201)

    @router.post(
        "/obligations/{obligation_id}/filings",
        status_code=201,
        tags=["filings"],
        summary="File the report with this recipient",
        response_model=answers.Filing,
        responses=problems(400, 404, 409, 503),
    )
    async def file(obligation_id: Id, body: FileReport, who: Filer) -> JSONResponse:
        proof = body.proof.proof() if body.proof else None
        document_id = body.document_id
        if document_id is None:
            form = making.make_icsr if body.method == "gateway" else making.make_form
            document_id = (await asyncio.to_thread(form, db, notifier, clock, obligation_id, who.user_id)).document_id
        row = await _write(
            db,
            lambda tx: filings.file(
                notifier,
                tx,
                obligation_id=obligation_id,
                document_id=document_id,
                method=body.method,
                user_id=who.user_id,
                now=clock.now(),
                sent_at=body.sent_at,
                reference=body.reference,
                proof=proof,
            ),
        )
        return JSONResponse(views.filing(row, await _read(db, lambda tx: store.receipts_of(tx, [row.filing_id]))), 201)


def _statements(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.post(
        "/obligations/{obligation_id}/statements",
        status_code=201,
        tags=["obligations"],
        summary="Sign that the report was complete, or that the news is not significant: the duty closes without another report",
        response_model=answers.Duty,
        responses=problems(400, 404, 409),
    )
    async def state(
        request: Request,
        obligation_id: Id,
        body: StateDuty,
        who: Annotated[Identity, Depends(require("state_duty"))],
    ) -> JSONResponse:
        what = stating.to_sign(obligation_id, body.says, body.case_version, body.reason)
        await prove_again(request, who, body.password, what)
        duty = await _write(
            db,
            lambda tx: stating.state(
                notifier,
                tx,
                obligation_id,
                says=body.says,
                case_version=body.case_version,
                reason=body.reason,
                user_id=who.user_id,
                now=clock.now(),
            ),
        )
        return JSONResponse(views.obligation(duty, clock.now()), 201)


def _alerts(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/alerts",
        tags=["alerts"],
        summary="Alerts with every call made, newest first",
        response_model=answers.Alerts,
        responses=problems(),
    )
    async def listing(
        who: Viewer,
        case_id: Annotated[str | None, Query(max_length=80)] = None,
        state: Literal["open", "confirmed"] | None = None,
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[dict[str, Any]]:
            rows = store.alerts(tx, state=state, case_id=case_id.replace("\x00", "") if case_id else None)
            calls = store.calls_of(tx, [row.alert_id for row in rows])
            sight = Sight(tx, notifier.trial, who)
            return [views.alert(row, calls) for row in rows if sight.sees(row.subject_id, row.case_id)]

        return JSONResponse({"alerts": await _read(db, unit)})

    @router.get(
        "/alerts/{alert_id}",
        tags=["alerts"],
        summary="One alert",
        response_model=answers.Alert,
        responses=problems(404),
    )
    async def one(alert_id: Id, who: Viewer) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            row = store.alert(tx, alert_id)
            if row is None or not Sight(tx, notifier.trial, who).sees(row.subject_id, row.case_id):
                raise NotFound("no alert by that id")
            return views.alert(row, store.calls_of(tx, [alert_id]))

        return JSONResponse(await _read(db, unit))

    @router.post(
        "/alerts/{alert_id}/confirm",
        tags=["alerts"],
        summary="Confirm an alert by name; calls not yet made are dropped",
        response_model=answers.Alert,
        responses=problems(400, 404, 409),
    )
    async def confirm(
        alert_id: Id, body: ConfirmAlert, who: Annotated[Identity, Depends(require("confirm_alert"))]
    ) -> JSONResponse:
        row = await _write(
            db, lambda tx: alerts.confirm(notifier, tx, alert_id, user_id=who.user_id, note=body.note, now=clock.now())
        )
        return JSONResponse(views.alert(row, await _read(db, lambda tx: store.calls_of(tx, [alert_id]))))


def _filings(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/filings",
        tags=["filings"],
        summary="The ledger: who was told what, when, with which proof",
        response_model=answers.Filings,
        responses=problems(),
    )
    async def listing(
        who: Annotated[Identity, Depends(require("see_ledger"))],
        case_id: Annotated[str | None, Query(max_length=80)] = None,
        recipient_id: Annotated[str | None, Query(max_length=80)] = None,
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[dict[str, Any]]:
            rows = store.filings(tx, case_id=_clean(case_id), recipient_id=_clean(recipient_id))
            receipts = store.receipts_of(tx, [row.filing_id for row in rows])
            return [views.filing(row, receipts) for row in rows]

        return JSONResponse({"filings": await _read(db, unit)})

    @router.post(
        "/filings/{filing_id}/receipts",
        status_code=201,
        tags=["filings"],
        summary="Record that it arrived, or was rejected",
        response_model=answers.Receipt,
        responses=problems(400, 404, 409),
    )
    async def receipt(filing_id: Id, body: RecordReceipt, who: Filer) -> JSONResponse:
        proof = body.proof.proof() if body.proof else None
        row = await _write(
            db,
            lambda tx: receipts.record(
                notifier,
                tx,
                filing_id,
                verdict=body.verdict,
                kind=body.kind,
                at=body.at,
                reference=body.reference,
                reasons=body.reasons,
                proof=proof,
                user_id=who.user_id,
                now=clock.now(),
            ),
        )
        return JSONResponse(views.receipt(row), 201)

    @router.get(
        "/documents",
        tags=["documents"],
        summary="Documents made for a case",
        response_model=answers.Documents,
        responses=problems(),
    )
    async def documents(
        who: Annotated[Identity, Depends(require("see_ledger"))], case_id: Annotated[str, Query(max_length=80)]
    ) -> JSONResponse:
        def unit(tx: Tx) -> list[dict[str, Any]]:
            numbers = {one.document_id: one for one in store.icsrs_of(tx, _clean(case_id) or "")}
            rows = store.forms_of(tx, _clean(case_id) or "")
            later = withdrawing.later(tx, rows[0]["case_id"], rows[0]["subject_id"], rows) if rows else {}
            return [views.form(row, numbers.get(row["document_id"]), later.get(row["document_id"])) for row in rows]

        return JSONResponse({"documents": await _read(db, unit)})

    @router.get(
        "/documents/{document_id}",
        tags=["documents"],
        summary="The document's bytes",
        response_class=Response,
        responses=answers.of_bytes("application/pdf", "The document as it was made", "application/xml")
        | problems(404, 409),
    )
    async def content(document_id: Id, who: Annotated[Identity, Depends(require("see_ledger"))]) -> Response:
        row, numbers = await _read(db, lambda tx: (store.form(tx, document_id), store.icsr(tx, document_id)))
        if row is None:
            raise NotFound("no document by that id")
        return views.download(row, numbers)

    @router.get(
        "/receipts/{receipt_id}/proof",
        tags=["filings"],
        summary="An uploaded proof",
        response_class=Response,
        responses=answers.of_bytes("application/octet-stream", "The file as it was uploaded") | problems(404),
    )
    async def proof(receipt_id: Id, who: Annotated[Identity, Depends(require("see_ledger"))]) -> Response:
        row = await _read(db, lambda tx: store.receipt(tx, receipt_id))
        if row is None or row.content is None:
            raise NotFound("no proof by that id")
        # Always a download: an uploaded page must never run as one of ours.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)


def _acknowledgements(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/acknowledgements",
        tags=["acknowledgements"],
        summary="Files that came back from recipients, newest first",
        response_model=answers.Acknowledgements,
        responses=problems(),
    )
    async def listing(
        who: Annotated[Identity, Depends(require("see_ledger"))],
        state: Literal["used", "parked", "closed"] | None = None,
    ) -> JSONResponse:
        rows = await _read(db, lambda tx: store.acks(tx, state=state))
        return JSONResponse({"acknowledgements": [views.ack(row) for row in rows]})

    @router.post(
        "/acknowledgements",
        status_code=201,
        tags=["acknowledgements"],
        summary="Bring in a file that a recipient answered with; whatever it is, it is kept",
        response_model=answers.Acknowledgement,
        responses=problems(400),
    )
    async def bring(who: Filer, body: BroughtFile) -> JSONResponse:
        proof = body.file.proof()
        arrived = acks.Arrived(proof.content, acks.UPLOAD, proof.name, who.user_id)
        row = await _write(db, lambda tx: acks.take(notifier, tx, arrived, clock.now()))
        return JSONResponse(views.ack(row), 201)

    @router.post(
        "/acknowledgements/{ack_id}/close",
        tags=["acknowledgements"],
        summary="Close an answer that fitted nothing, with what was done about it",
        response_model=answers.Acknowledgement,
        responses=problems(400, 404, 409),
    )
    async def close(ack_id: Id, body: CloseAcknowledgement, who: Filer) -> JSONResponse:
        row = await _write(
            db,
            lambda tx: acks.close(notifier, tx, ack_id, reason=body.reason, user_id=who.user_id, now=clock.now()),
        )
        return JSONResponse(views.ack(row))

    @router.get(
        "/acknowledgements/{ack_id}/content",
        tags=["acknowledgements"],
        summary="The file as it came",
        response_class=Response,
        responses=answers.of_bytes("application/octet-stream", "The file as it came") | problems(404),
    )
    async def content(ack_id: Id, who: Annotated[Identity, Depends(require("see_ledger"))]) -> Response:
        row = await _read(db, lambda tx: store.ack(tx, ack_id))
        if row is None:
            raise NotFound("no answer by that id")
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(bytes(row.content), media_type="application/octet-stream", headers=headers)


def _clean(text: str | None) -> str | None:
    return text.replace("\x00", "") if text else None


def _rules(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.get(
        "/rules",
        tags=["rules"],
        summary="The files that judge duties, those that wait, and what they would move",
        response_model=answers.Rules,
        responses=problems(),
    )
    async def rules(who: Annotated[Identity, Depends(require("see_desk"))]) -> JSONResponse:
        def unit(tx: Tx) -> dict[str, Any]:
            found = activation.waiting(notifier, tx, clock.now())
            return views.rules(tx, notifier.laws.active(tx), found)

        return JSONResponse(await asyncio.to_thread(db.read, unit, snapshot=True))

    @router.post(
        "/rules/activate",
        tags=["rules"],
        summary="Make a previewed set of files the law; every case is then judged by it",
        response_model=answers.Activation,
        responses=problems(400, 409, 412),
    )
    async def activate(
        request: Request, body: ActivateRules, who: Annotated[Identity, Depends(require("activate_files"))]
    ) -> JSONResponse:
        what = activation.to_sign(body.sha256, body.preview_sha256, body.reason)
        await prove_again(request, who, body.password, what)
        row = await asyncio.to_thread(
            activation.decide,
            db,
            notifier,
            clock,
            law_sha256=body.sha256,
            reason=body.reason,
            user_id=who.user_id,
            seen=body.preview_sha256,
        )
        return JSONResponse(views.activation(row, reviewed=False))
