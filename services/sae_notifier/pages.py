"""HTML routes of sae_notifier over the same handlers."""

from __future__ import annotations

from fastapi import APIRouter

from services.sae_notifier.handlers import Notifier
from shared.clock import Clock
from shared.db import Database


def routes(db: Database, notifier: Notifier, clock: Clock) -> APIRouter:
    return APIRouter(include_in_schema=False)
