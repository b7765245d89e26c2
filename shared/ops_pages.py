"""The parked events of one service as HTML: a fragment for the desk, a page of its own without JavaScript."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus import parking
from shared.bus.parking import ParkedRow
from shared.errors import Conflict, NotFound, Refused
from shared.ops import Id
from shared.runtime import Runtime
from shared.web.pages import templates

Reason = Annotated[str, Form(max_length=2_000)]
LEAST_REASON = 3
"""Characters, as the API asks."""


@dataclass(frozen=True)
class ParkedShown:
    """What a person needs to decide: what it is and why it waits, never its content."""

    parked_id: str
    type: str
    aggregate: str
    serious: bool
    reason: str
    detail: str
    attempts: int
    parked_at: datetime
    next_attempt_at: datetime | None
    place: str

    @classmethod
    def of(cls, row: ParkedRow) -> ParkedShown:
        return cls(
            parked_id=row.parked_id,
            type=row.type or "",
            aggregate=row.aggregate or "",
            serious=row.serious,
            reason=row.reason,
            detail=row.detail,
            attempts=row.attempts,
            parked_at=row.parked_at,
            next_attempt_at=row.next_attempt_at,
            place=f"{row.topic}[{row.partition}]@{row.place}",
        )


def ops_pages(runtime: Runtime) -> APIRouter:
    """`/ops/<service>/parked` with replay and discard, each with a reason."""
    prefix = f"/ops/{runtime.service}"
    router = APIRouter(prefix=prefix, include_in_schema=False)
    html = templates("shared")

    async def shown(request: Request, status: int = 200, **context: object) -> Response:
        rows = await asyncio.to_thread(runtime.db.read, parking.open_rows)
        who: Identity = request.state.identity
        whole = {"parked": [ParkedShown.of(row) for row in rows], "owner": runtime.service, "base": prefix}
        whole |= {"failed_id": "", "failed": "", "failed_detail": "", "typed": ""} | context
        whole |= {"may_replay": who.can("replay_parked"), "may_discard": who.can("discard_parked"), "active": "parked"}
        return html.html(request, "parked.html", whole, status=status)

    async def close(request: Request, parked_id: str, reason: str, act: Callable[[str], None]) -> Response:
        reason = reason.strip()
        if len(reason) < LEAST_REASON:
            return await shown(request, 422, failed_id=parked_id, failed="parked.reason_needed", typed=reason)
        try:
            await asyncio.to_thread(act, reason)
        except Refused as refused:
            said = {"failed": "parked.failed_again", "failed_detail": refused.detail}
            return await shown(request, 422, failed_id=parked_id, typed=reason, **said)
        except (NotFound, Conflict):
            return await shown(request, 409, failed="parked.closed_already")
        return RedirectResponse("/parked", status_code=303)

    @router.get("/parked")
    async def parked(request: Request, who: Annotated[Identity, Depends(require("see_parked"))]) -> Response:
        return await shown(request)

    @router.post("/parked/{parked_id}/replay")
    async def replay(
        request: Request,
        parked_id: Id,
        who: Annotated[Identity, Depends(require("replay_parked"))],
        reason: Reason = "",
    ) -> Response:
        return await close(
            request, parked_id, reason, lambda why: runtime.worker.replay(parked_id, actor=who.user_id, reason=why)
        )

    @router.post("/parked/{parked_id}/discard")
    async def discard(
        request: Request,
        parked_id: Id,
        who: Annotated[Identity, Depends(require("discard_parked"))],
        reason: Reason = "",
    ) -> Response:
        return await close(
            request, parked_id, reason, lambda why: runtime.worker.discard(parked_id, actor=who.user_id, reason=why)
        )

    return router
