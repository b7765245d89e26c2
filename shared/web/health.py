"""Probes: `/livez` the event loop turns, `/readyz` every part is there (or why not), `/metrics` the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from shared import metrics
from shared.supervise import Supervisor


def health_router(supervisors: Sequence[Supervisor], prefix: str = "") -> APIRouter:
    """Routes for one process; with `prefix` (`/intake`) they can stand behind one proxy."""
    router = APIRouter(prefix=prefix, include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, bool]:
        return {"alive": True}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        found = await asyncio.gather(*(supervisor.ready() for supervisor in supervisors))
        reasons = [reason for reasons in found for reason in reasons]
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    @router.get("/metrics")
    def exposition() -> Response:
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return router
