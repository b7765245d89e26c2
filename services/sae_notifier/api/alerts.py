"""Alerts: listed, read, confirmed by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from services.sae_notifier import answers, store, views
from services.sae_notifier.api.bodies import ConfirmAlert, Id, Viewer
from services.sae_notifier.handlers import Notifier, alerts
from services.sae_notifier.sight import Sight
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.off_loop import read, write
from shared.web.parameters import without_nul
from shared.web.problem import problems


def add(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
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
            rows = store.alerts(tx, state=state, case_id=without_nul(case_id or None))
            calls = store.calls_of(tx, [row.alert_id for row in rows])
            sight = Sight(tx, notifier.trial, who)
            return [views.alert(row, calls) for row in rows if sight.sees(row.subject_id, row.case_id)]

        return JSONResponse({"alerts": await read(db, unit)})

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

        return JSONResponse(await read(db, unit))

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
        row = await write(
            db, lambda tx: alerts.confirm(notifier, tx, alert_id, user_id=who.user_id, note=body.note, now=clock.now())
        )
        return JSONResponse(views.alert(row, await read(db, lambda tx: store.calls_of(tx, [alert_id]))))
