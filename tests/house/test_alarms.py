"""A bell that nothing rings promises what nobody keeps."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from shared.alarm import Kind

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [file for part in ("shared", "services") for file in (ROOT / part).rglob("*.py") if file.name != "alarm.py"]


@pytest.mark.parametrize("kind", [kind for kind in get_args(Kind) if kind != "test"])
def test_every_kind_of_alarm_is_rung_somewhere(kind: str) -> None:
    assert any(f'"{kind}"' in file.read_text(encoding="utf-8") for file in SOURCES)
