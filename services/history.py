"""The demonstration history: a cohort with the published counts, loaded through the public API when nothing is there yet."""

from __future__ import annotations

from fastapi import FastAPI

from shared.settings import Settings


def load_history(app: FastAPI, settings: Settings) -> None:
    """Placeholder until the loader runs against the started server."""
