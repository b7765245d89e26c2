"""JSON routes of ae_intake: parse, call the handler, answer. OpenAPI carries examples."""

from __future__ import annotations

from fastapi import APIRouter

from services.ae_intake.api import asked, cases, records, redactions, rejected
from services.ae_intake.api.units import Units
from services.ae_intake.handlers import Intake
from shared.clock import Clock
from shared.db import Database


def routes(db: Database, intake: Intake, clock: Clock) -> APIRouter:
    """All JSON routes, bound to one database."""
    router = APIRouter(prefix="/api/v1")
    units = Units(db, intake, clock)
    for part in (cases, redactions, records, asked, rejected):
        part.add(router, units)
    return router
