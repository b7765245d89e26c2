"""JSON routes of sae_notifier: parse, call the handler, answer."""

from __future__ import annotations

from fastapi import APIRouter

from services.sae_notifier.api import acknowledgements, alerts, filings, obligations, rules, statements
from services.sae_notifier.handlers import Notifier
from shared.clock import Clock
from shared.db import Database


def routes(db: Database, notifier: Notifier, clock: Clock) -> APIRouter:
    """All JSON routes, bound to one database."""
    router = APIRouter(prefix="/api/v1")
    for part in (obligations, statements, alerts, filings, acknowledgements, rules):
        part.add(router, db, notifier, clock)
    return router
