"""HTML routes of causality over the same handlers."""

from __future__ import annotations

from fastapi import APIRouter

from services.causality.handlers import Causality
from shared.clock import Clock
from shared.db import Database


def routes(db: Database, causality: Causality, clock: Clock) -> APIRouter:
    return APIRouter(include_in_schema=False)
