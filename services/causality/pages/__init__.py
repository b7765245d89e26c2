"""HTML routes of causality over the same handlers: what waits for a signature, one assessment, fragments for others."""

from __future__ import annotations

from fastapi import APIRouter

from services.causality.handlers import Causality
from services.causality.pages import assessment, fragments
from services.causality.pages.face import Face
from shared.clock import Clock
from shared.db import Database
from shared.web.pages import templates


def routes(db: Database, causality: Causality, clock: Clock) -> APIRouter:
    """All pages, bound to one database."""
    router = APIRouter(include_in_schema=False)
    face = Face(db, causality, clock, templates("causality"))
    for part in (assessment, fragments):
        part.add(router, face)
    return router
