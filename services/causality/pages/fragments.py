"""What other services' pages embed by URL: one case's assessment with its reasons, and what waits for a signature."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.causality.pages.face import Face, Id, Viewer

MOST = 5


def add(router: APIRouter, face: Face) -> None:
    @router.get("/fragments/causality/cases/{case_id}")
    async def case(request: Request, case_id: Id, who: Viewer) -> Response:
        view = await face.read(lambda tx: face.find(tx, who, case_id))
        context = {"view": view, "may_sign": who.can("sign_assessment"), "active": "cases"}
        return face.html.html(request, "case_assessment.html", context)

    @router.get("/fragments/causality/unsigned")
    async def unsigned(request: Request, who: Viewer) -> Response:
        """For the desk: first what had been signed and is stale, then the oldest."""
        waiting = sorted(await face.read(lambda tx: face.waiting(tx, who)), key=lambda one: not one.signed_before)
        context = {"waiting": waiting[:MOST], "more": max(0, len(waiting) - MOST), "active": "assessments"}
        return face.html.html(request, "unsigned.html", context)
