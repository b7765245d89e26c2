"""The routes every service has for the people who run it: parked events with replay and discard, and its audit state."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus import parking
from shared.bus.parking import ParkedRow
from shared.runtime import Runtime
from shared.web.problem import problems

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000, pattern=r"^[^\x00]*$")]
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]


class WithReason(BaseModel):
    """Why a named person replays or discards a parked event; kept in the trail."""

    reason: Reason


class Parked(BaseModel):
    """A parked event without its bytes."""

    model_config = ConfigDict(extra="forbid")

    parked_id: str
    type: str | None
    aggregate: str | None
    event_id: str | None
    serious: bool
    reason: str
    detail: str
    attempts: int
    parked_at: datetime
    next_attempt_at: datetime | None
    place: str


class ParkedEvents(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parked: list[Parked]


class Settled(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parked_id: str
    state: Literal["replayed", "discarded"]


def parked_view(row: ParkedRow) -> dict[str, Any]:
    """Without the event's bytes: what it is, why it is parked, since when."""
    return {
        "parked_id": row.parked_id,
        "type": row.type,
        "aggregate": row.aggregate,
        "event_id": row.event_id,
        "serious": row.serious,
        "reason": row.reason,
        "detail": row.detail,
        "attempts": row.attempts,
        "parked_at": row.parked_at.isoformat(),
        "next_attempt_at": row.next_attempt_at.isoformat() if row.next_attempt_at else None,
        "place": f"{row.topic}[{row.partition}]@{row.place}",
    }


def ops_routes(runtime: Runtime) -> APIRouter:
    """`/api/v1/ops/<service>/parked…`."""
    router = APIRouter(prefix=f"/api/v1/ops/{runtime.service}", tags=["operations"])

    @router.get(
        "/parked",
        summary="Parked events that wait for a named person",
        response_model=ParkedEvents,
        responses=problems(),
    )
    async def parked(who: Annotated[Identity, Depends(require("see_parked"))]) -> JSONResponse:
        rows = await asyncio.to_thread(runtime.db.read, parking.open_rows)
        return JSONResponse({"parked": [parked_view(row) for row in rows]})

    @router.post(
        "/parked/{parked_id}/replay",
        summary="Try a parked event again",
        response_model=Settled,
        responses=problems(400, 404, 409),
    )
    async def replay(
        parked_id: Id, body: WithReason, who: Annotated[Identity, Depends(require("replay_parked"))]
    ) -> JSONResponse:
        await asyncio.to_thread(runtime.worker.replay, parked_id, actor=who.user_id, reason=body.reason)
        return JSONResponse({"parked_id": parked_id, "state": "replayed"})

    @router.post(
        "/parked/{parked_id}/discard",
        summary="Close a parked event without effect",
        response_model=Settled,
        responses=problems(400, 404, 409),
    )
    async def discard(
        parked_id: Id, body: WithReason, who: Annotated[Identity, Depends(require("discard_parked"))]
    ) -> JSONResponse:
        await asyncio.to_thread(runtime.worker.discard, parked_id, actor=who.user_id, reason=body.reason)
        return JSONResponse({"parked_id": parked_id, "state": "discarded"})

    return router
