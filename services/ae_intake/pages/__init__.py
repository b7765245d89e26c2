"""HTML routes of ae_intake over the same handlers: report, cases, children, rejected submissions."""

from __future__ import annotations

from fastapi import APIRouter

from services.ae_intake.handlers import Intake
from services.ae_intake.pages import amend, cases, records, redact, rejected, report, subjects
from services.ae_intake.pages.desk import Desk
from shared.clock import Clock
from shared.db import Database


def routes(db: Database, intake: Intake, clock: Clock) -> APIRouter:
    """Every page of this service, bound to one database."""
    router = APIRouter(include_in_schema=False)
    desk = Desk.make(db, intake, clock)
    for part in (report, amend, redact, cases, records, subjects, rejected):
        part.add(router, desk)
    return router
