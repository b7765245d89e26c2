"""HTML routes of ae_intake over the same handlers."""

from __future__ import annotations

from fastapi import APIRouter

from services.ae_intake.handlers import Intake
from shared.clock import Clock
from shared.db import Database


def routes(db: Database, intake: Intake, clock: Clock) -> APIRouter:
    return APIRouter(include_in_schema=False)
