"""Alerts: what rang, whom it called, and the one way to end it: a signed-in person's POST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.sae_notifier import store
from services.sae_notifier.handlers import alerts
from services.sae_notifier.pages import shown
from services.sae_notifier.pages.face import Face, Id, Seer
from services.sae_notifier.pages.shown import AlertShown
from services.sae_notifier.store import AlertRow
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.db import Tx
from shared.errors import Conflict, NotFound

Confirmer = Annotated[Identity, Depends(require("confirm_alert"))]


def rules_of(tx: Tx, rows: Sequence[AlertRow]) -> dict[str, str]:
    """The rule behind each deadline alarm among these."""
    named = {row.obligation_id for row in rows if row.obligation_id}
    found = (store.obligation(tx, obligation_id) for obligation_id in named)
    return {one.obligation_id: one.rule_id for one in found if one is not None}


def add(router: APIRouter, face: Face) -> None:
    trial = face.notifier.trial

    async def one_alert(who: Identity, alert_id: str) -> AlertShown:
        def unit(tx: Tx) -> AlertShown:
            row = store.alert(tx, alert_id)
            if row is None or not face.sees(tx, who, row.subject_id, row.case_id):
                raise NotFound("no alert by that id")
            return shown.alert(trial, row, store.calls_of(tx, [alert_id]), rules_of(tx, [row]))

        return await face.read(unit)

    @router.get("/alerts")
    async def listing(
        request: Request, who: Annotated[Identity, Depends(require("see_desk"))], state: str = "all"
    ) -> Response:
        wanted = state if state in ("open", "confirmed") else None

        def unit(tx: Tx) -> list[AlertShown]:
            rows = store.alerts(tx, state=wanted)
            calls = store.calls_of(tx, [row.alert_id for row in rows])
            rules = rules_of(tx, rows)
            return [shown.alert(trial, row, calls, rules) for row in rows]

        context = {"alerts": await face.read(unit), "state": wanted or "all", "active": "desk"}
        return face.html.html(request, "alerts.html", context)

    async def page(request: Request, who: Identity, found: AlertShown, status: int = 200, **more: object) -> Response:
        context = {
            "alert": found,
            "may_confirm": who.can("confirm_alert"),
            "may_see_ledger": who.can("see_ledger"),
            "may_see_desk": who.can("see_desk"),
            "note": "",
            "taken": "",
            "active": "desk",
        }
        return face.html.html(request, "alert.html", context | more, status=status)

    @router.get("/alerts/{alert_id}")
    async def one(request: Request, alert_id: Id, who: Seer) -> Response:
        return await page(request, who, await one_alert(who, alert_id))

    @router.get("/alerts/{alert_id}/calls")
    async def calls(request: Request, alert_id: Id, who: Seer) -> Response:
        return face.html.html(request, "alert_calls.html", {"alert": await one_alert(who, alert_id), "active": "desk"})

    @router.post("/alerts/{alert_id}/confirm")
    async def confirm(
        request: Request,
        alert_id: Id,
        who: Confirmer,
        note: Annotated[str, Form(max_length=2_000)] = "",
        back: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        note = note.replace("\x00", "").strip()
        try:
            await face.write(
                lambda tx: alerts.confirm(
                    face.notifier, tx, alert_id, user_id=who.user_id, note=note or None, now=face.clock.now()
                )
            )
        except Conflict:
            found = await one_alert(who, alert_id)
            return await page(request, who, found, 409, note=note, taken=found.confirmed_by)
        to = "/desk?done=confirmed" if back == "desk" else f"/alerts/{alert_id}"
        return RedirectResponse(to, status_code=303)
