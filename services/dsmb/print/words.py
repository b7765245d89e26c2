"""The words of reports: those of the pages' catalogues, so that paper and screen say the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from shared.web.i18n import LANGUAGES, Catalogue

__all__ = ["LANGUAGES", "words"]


@cache
def words() -> Catalogue:
    return Catalogue(Path(__file__).parent.parent / "templates/i18n")
