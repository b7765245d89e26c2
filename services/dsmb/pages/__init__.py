"""HTML routes of dsmb over the same handlers: the cuts, one cut, its two reports, and the stopping rules."""

from __future__ import annotations

from fastapi import APIRouter

from services.dsmb.handlers import Dsmb
from services.dsmb.pages import cuts, reports
from services.dsmb.pages.face import Face
from shared.clock import Clock
from shared.db import Database
from shared.web.pages import templates


def routes(db: Database, dsmb: Dsmb, clock: Clock) -> APIRouter:
    """All pages, bound to one database."""
    router = APIRouter(include_in_schema=False)
    face = Face(db, dsmb, clock, templates("dsmb"))
    for part in (cuts, reports):
        part.add(router, face)
    return router
