"""The safety officer's desk: alerts to confirm, every open duty by time left, tellings that wait, and what other services hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.sae_notifier import store
from services.sae_notifier.pages import shown
from services.sae_notifier.pages.face import Face
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.db import Tx
from shared.web.live import EventSourceResponse, LiveFeed, ServerSentEvent

Reader = Annotated[Identity, Depends(require("see_desk"))]
PARKING = ("ae_intake", "causality", "sae_notifier", "dsmb")
"""Services whose parked events the desk and /parked embed; each answers at /ops/<service>/parked."""


def add(router: APIRouter, face: Face) -> None:
    feed = LiveFeed("desk", lambda: face.db.read(store.desk_version))

    async def lists(who: Identity) -> dict[str, object]:
        now = face.clock.now()
        trial = face.notifier.trial

        def unit(tx: Tx) -> dict[str, object]:
            rows = store.alerts(tx, state="open")
            calls = store.calls_of(tx, [row.alert_id for row in rows])
            duties = [shown.duty(face.notifier, one, now) for one in store.open_obligations(tx)]
            rules = {one.obligation_id: one.rule_id for one in duties}
            return {
                "alerts": shown.for_desk(shown.alert(trial, row, calls, rules) for row in rows),
                "groups": shown.grouped(duties),
                "owed": len(duties),
                "late": sum(one.late for one in duties),
                "past_strict": sum(one.strict_at < now for one in duties),
                "provisional": sum(bool(one.questions) for one in duties),
                "rules_wait": face.notifier.laws.waits(tx),
                "filings": [shown.filing(trial, row) for row in store.unsettled_filings(tx)],
            }

        return await face.read(unit) | {"may_confirm": who.can("confirm_alert"), "active": "desk"}

    @router.get("/desk")
    async def desk(request: Request, who: Reader, done: str = "") -> Response:
        more = {
            "done": done if done == "confirmed" else "",
            "parking": PARKING if who.can("see_parked") else (),
            "may_see_rejected": who.can("close_rejected"),
            "may_see_assessments": who.can("see_assessment"),
        }
        return face.html.html(request, "desk.html", await lists(who) | more)

    @router.get("/desk/list")
    async def desk_list(request: Request, who: Reader) -> Response:
        return face.html.html(request, "desk_list.html", await lists(who))

    @router.get("/desk/live", response_class=EventSourceResponse)
    async def live(request: Request, who: Reader) -> AsyncIterator[ServerSentEvent]:
        async for event in feed.stream(request, who):
            yield event
