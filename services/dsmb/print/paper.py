"""From a report to its PDF/A-2b: the same report makes the same bytes on every machine, with no clock and no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

from services.dsmb.print.shown import shown
from services.dsmb.print.words import words

FONTS = ("Libertinus Serif", "DejaVu Sans Mono")
"""Families compiled into the typesetter; no font of the machine is used."""
_TEMPLATE = Path(__file__).with_name("template.typ")


def typeset(report: Mapping[str, Any], language: str) -> bytes:
    """Text reaches the template as data only; none of it was typed by a reporter."""
    data = asdict(shown(report, language)) | {
        "language": language,
        "words": {name: words().text(language, f"paper.{name}") for name in ("page", "cut", "facts", "notes")},
    }
    return typst.compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        sys_inputs={"report": json.dumps(data, ensure_ascii=False), "fonts": json.dumps(FONTS)},
        pdf_standards=["a-2b"],
        ignore_system_fonts=True,
        timestamp=datetime.fromisoformat(report["header"]["cut_at"]).astimezone(UTC).replace(microsecond=0),
    )
