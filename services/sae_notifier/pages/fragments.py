"""What other services' pages embed by URL: the alert status of a case, and its duties."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.sae_notifier import store
from services.sae_notifier.handlers import withdrawing
from services.sae_notifier.pages import shown
from services.sae_notifier.pages.face import Face, Id, Seer
from shared.bus import heard
from shared.case.seriousness import of_case
from shared.db import Tx
from shared.errors import NotFound


def add(router: APIRouter, face: Face) -> None:
    trial = face.notifier.trial

    @router.get("/fragments/notifier/cases/{case_id}/alerts")
    async def alerts(request: Request, case_id: Id, who: Seer) -> Response:
        """Who was called and whether anybody has confirmed. Deadline alarms are the desk's and stay out."""

        def unit(tx: Tx) -> dict[str, object]:
            versions = heard.case_versions(tx, case_id)
            rows = [row for row in store.alerts(tx, case_id=case_id) if row.kind in ("sae", "sae_upgraded", "parked")]
            subject = versions[-1].subject_id if versions else (rows[0].subject_id if rows else None)
            if subject is not None and not face.sees(tx, who, subject, case_id):
                raise NotFound("no case by that id")
            calls = store.calls_of(tx, [row.alert_id for row in rows])
            return {
                "known": bool(versions) or bool(rows),
                "serious": bool(versions) and of_case(versions[-1]).serious,
                "alerts": [shown.alert(trial, row, calls) for row in rows],
            }

        context = await face.read(unit) | {"may_see_desk": who.can("see_desk"), "active": "cases"}
        return face.html.html(request, "case_alerts.html", context)

    @router.get("/fragments/notifier/cases/{case_id}/duties")
    async def duties(request: Request, case_id: Id, who: Seer) -> Response:
        now = face.clock.now()

        def unit(tx: Tx) -> dict[str, object]:
            found = store.obligations_of(tx, [case_id])
            if found and not face.sees(tx, who, found[0].subject_id, case_id):
                raise NotFound("no case by that id")
            rows = store.filings(tx, case_id=case_id)
            receipts = store.receipts_of(tx, [row.filing_id for row in rows])
            seen = [shown.duty(face.notifier, one, now) for one in found]
            forms = store.forms_of(tx, case_id)
            later = withdrawing.later(tx, case_id, forms[0]["subject_id"], forms) if forms else {}
            return {
                "owed": shown.grouped([one for one in seen if one.owed]),
                "settled": shown.grouped([one for one in seen if not one.owed]),
                "count_settled": sum(not one.owed for one in seen),
                "filings": [shown.filing(trial, row, receipts) for row in rows],
                "documents": [shown.document(trial, row, later) for row in forms],
            }

        context = await face.read(unit) | {"may_see_ledger": who.can("see_ledger"), "active": "cases"}
        return face.html.html(request, "case_duties.html", context)

    @router.get("/fragments/notifier/cases/{case_id}/told")
    async def told(request: Request, case_id: Id, who: Seer) -> Response:
        """For whoever takes words back: what has left us and cannot be called back, and what will be made again."""

        def unit(tx: Tx) -> dict[str, object]:
            rows = store.filings(tx, case_id=case_id)
            if rows and not face.sees(tx, who, rows[0].subject_id, case_id):
                raise NotFound("no case by that id")
            seen = [shown.filing(trial, row) for row in rows]
            return {
                "sent": [one for one in seen if one.state in ("sent", "received", "rejected")],
                "waiting": [one for one in seen if one.state in ("waiting", "failed")],
            }

        return face.html.html(request, "case_told.html", await face.read(unit) | {"active": "cases"})
