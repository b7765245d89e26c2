"""Reading the tables that ship with this package."""

from __future__ import annotations

import csv
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one table as dictionaries."""
    text = (files("services.causality.knowledge") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
