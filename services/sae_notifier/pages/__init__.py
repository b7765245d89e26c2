"""HTML routes of sae_notifier over the same handlers: desk, alerts, ledger, one duty, parked events, rules, fragments."""

from __future__ import annotations

from fastapi import APIRouter

from services.sae_notifier.handlers import Notifier
from services.sae_notifier.pages import alerts, answers, desk, documents, duty, fragments, ledger, parked, rules
from services.sae_notifier.pages.face import Face
from shared.clock import Clock
from shared.db import Database
from shared.web.pages import templates


def routes(db: Database, notifier: Notifier, clock: Clock) -> APIRouter:
    """All pages, bound to one database."""
    router = APIRouter(include_in_schema=False)
    face = Face(db, notifier, clock, templates("sae_notifier"))
    for part in (desk, alerts, ledger, answers, duty, documents, parked, rules, fragments):
        part.add(router, face)
    return router
