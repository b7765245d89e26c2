"""What the instance under TOCSIN_VAR runs with, so that a second terminal need not be told again."""

from __future__ import annotations

import json
from pathlib import Path

from shared.settings import Settings

FILE = "running.json"
NAMES = ("trial", "e2b_schemas")


def note(settings: Settings) -> None:
    """Written when an instance starts; no secret stands in it."""
    named = {"trial": settings.trial.absolute(), "e2b_schemas": settings.e2b_schemas_dir.absolute()}
    (settings.var / FILE).write_text(json.dumps({name: str(path) for name, path in named.items()}), encoding="utf-8")


def follow(settings: Settings) -> Settings:
    """The same settings, with the instance's trial and schemas where the environment names none of its own."""
    try:
        told = json.loads((settings.var / FILE).read_text(encoding="utf-8"))
        found = {name: Path(told[name]) for name in NAMES if name not in settings.model_fields_set}
    except (OSError, ValueError, KeyError, TypeError):
        return settings
    return settings.model_copy(update=found)
