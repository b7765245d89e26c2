"""One page for what every service has parked; each service's part is its own fragment, by URL."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.sae_notifier.pages.desk import PARKING
from services.sae_notifier.pages.face import Face
from shared.auth.guard import require
from shared.auth.identity import Identity


def add(router: APIRouter, face: Face) -> None:
    @router.get("/parked")
    async def parked(request: Request, who: Annotated[Identity, Depends(require("see_parked"))]) -> Response:
        return face.html.html(request, "parked_all.html", {"parking": PARKING, "active": "parked"})
